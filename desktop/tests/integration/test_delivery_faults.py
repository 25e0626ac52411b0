"""A device and what may happen to it: kill -9, a broker that forgets, links that are cut or swallow packets."""

from __future__ import annotations

import time

from support.device_world import FakeArchive, World
from support.link_proxy import LinkProxy
from support.running_device import RunningDevice, assert_everything_arrived, beats, last_beat, of, until_caught_up
from support.waiting import until


def test_device_killed_between_commit_and_publish_sends_it_after_the_restart(
    device: RunningDevice, archive: FakeArchive
):
    """L1: no broker, so what is committed cannot be published; then kill -9; then everything arrives once."""
    device.world.broker.kill9()
    device.program.start()
    until(lambda: device.recorded() > 40, within_s=15, what="readings are recorded without a broker")
    until(lambda: device.status()["link"] == "no broker", within_s=15, what="it says that there is none")
    device.program.kill9()
    (stream,) = device.streams()
    committed = device.streams()[stream]
    device.world.start_broker()
    until(archive._client.is_connected, within_s=15, what="the archive is back")
    device.program.start()
    until(lambda: len(archive.numbers(stream)) == committed, within_s=20, what="what was committed is resent")
    first = [numbers for kind, name, numbers in archive.order if name == stream]
    assert {kind for kind, name, _ in archive.order if name == stream} == {"buffered"}
    assert [number for numbers in first for number in numbers][:committed] == list(range(1, committed + 1))
    until_caught_up(device, within_s=20)
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_killed_again_and_again_loses_nothing_case_21(device: RunningDevice, archive: FakeArchive):
    """L1: kill -9 at arbitrary instructions while live."""
    for round_ in range(5):
        device.program.start()
        before = device.recorded()
        until(
            lambda before=before, round_=round_: device.recorded() > before + 7 * (round_ + 1), within_s=20, what="some"
        )
        device.program.kill9()
    known = set(device.streams())
    device.program.start()
    until(
        lambda: (
            len(device.streams()) == 6
            and any(beat["status"] == "ONLINE" and beat["stream"] not in known for beat in beats(device, archive))
        ),
        within_s=20,
        what="the last start is connected",
    )
    until_caught_up(device, within_s=20)
    device.program.stop()
    assert len(device.streams()) == 6
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=10, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_broker_that_lost_its_sessions_loses_nothing_case_8(device: RunningDevice, archive: FakeArchive):
    """L1: the broker dies with everything it had taken; what it acknowledged and nobody archived is sent again."""
    archive.answers = False
    device.program.start()
    until(lambda: last_beat(device, archive, "unarchived") > 20, within_s=30, what="PUBACKs came")
    device.world.broker.kill9()
    until(lambda: device.status()["state"] == "DISCONNECTED", within_s=10, what="the loss is noticed")
    archive.kept.clear()
    archive.answers = True
    device.world.start_broker()
    until(lambda: device.status()["state"] == "CONNECTED", within_s=30, what="the backlog is flushed")
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=10, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_without_a_broker_ends_quickly_and_keeps_everything(device: RunningDevice):
    device.world.broker.kill9()
    device.program.start()
    until(lambda: device.recorded() > 10, within_s=15, what="it samples without a broker")
    began = time.monotonic()
    assert device.program.stop() == 0
    assert time.monotonic() - began < 3
    assert device.buffered() == device.recorded()


def test_device_link_cut_and_mended_flushes_in_order_before_live_case_15(
    world: World, device: RunningDevice, archive: FakeArchive, link: LinkProxy
):
    device.program.variables["PULSE_DEVICE_BROKER_URL"] = f"mqtts://127.0.0.1:{link.port}"
    device.program.start()
    until(lambda: len(archive.live) > 10, within_s=15, what="live readings arrive")
    link.cut()
    until(lambda: device.status()["state"] == "DISCONNECTED", within_s=2, what="a cut shows at once")
    recorded = device.recorded()
    until(lambda: device.recorded() > recorded + 60, within_s=10, what="readings are kept meanwhile")
    before = len(archive.order)
    link.mend()
    until(lambda: device.status()["state"] == "CONNECTED", within_s=25, what="the backlog is flushed")
    (stream,) = device.streams()
    until(
        lambda: any((kind, name) == ("live", stream) for kind, name, _ in archive.order[before:]),
        within_s=10,
        what="it is live again",
    )
    after = [(kind, numbers) for kind, name, numbers in archive.order[before:] if name == stream]
    live_at = next(at for at, (kind, _) in enumerate(after) if kind == "live")
    backlog = [number for kind, numbers in after[:live_at] for number in numbers]
    assert len(backlog) > 60
    assert backlog == sorted(backlog)
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_packets_vanishing_shows_within_fifteen_seconds_case_1(
    world: World, device: RunningDevice, archive: FakeArchive, link: LinkProxy
):
    device.program.variables["PULSE_DEVICE_BROKER_URL"] = f"mqtts://127.0.0.1:{link.port}"
    device.program.start()
    until(lambda: len(archive.live) > 10, within_s=15, what="live readings arrive")
    link.stall()
    until(lambda: device.status()["state"] == "DISCONNECTED", within_s=15, what="the silence is noticed")
    link.mend()
    until(lambda: device.status()["state"] == "CONNECTED", within_s=25, what="it is back")
    link.stall()
    began = time.monotonic()
    assert device.program.stop() == 0
    assert time.monotonic() - began < 3, "a stalled link does not hold up the end"
    link.mend()
    device.program.start()
    until(lambda: len(device.streams()) == 2 and device.status()["state"] == "CONNECTED", within_s=20, what="flushed")
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)

"""
The device as a process against the real broker and an archive that a test commands.

The truth is the simulator: whatever arrives must be its value for (seed, stream, number), and every number of
every stream that the device's own file knows must arrive.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_desktop.core.outbox.schema import has_tables
from pulse_desktop.core.sources.simulator import values
from support.device_world import FakeArchive, World
from support.link_proxy import LinkProxy
from support.processes import Program, until

SEED = 11


class Device:
    """One simulated device of a test, and its outbox as a file."""

    def __init__(self, world: World, client_id: str, interval: str = "0.05") -> None:
        self.world, self.client_id = world, client_id
        self.folder = world.enroll(client_id)
        options = ("--source", "simulator", "--seed", str(SEED), "--interval", interval)
        self.program: Program = world.device(client_id, *options)

    def query(self, text: str) -> list[tuple]:
        db = sqlite3.connect(f"file:{self.folder / 'outbox.db'}?mode=ro", uri=True, timeout=5)
        try:
            return db.execute(text).fetchall()
        finally:
            db.close()

    def streams(self) -> dict[str, int]:
        if not has_tables(self.folder / "outbox.db"):
            return {}
        return dict(self.query("SELECT stream, last_sequence_no FROM streams WHERE last_sequence_no > 0"))

    def buffered(self) -> int:
        return self.query("SELECT count(*) FROM telemetry_buffer")[0][0]

    def recorded(self) -> int:
        return sum(self.streams().values())

    def status(self) -> dict:
        program = self.program.command[0]
        command = [program, "status", "--json", "--client-id", self.client_id]
        import os

        done = subprocess.run(command, env={**os.environ, **self.world.variables}, capture_output=True, check=True)
        return json.loads(done.stdout)


@pytest.fixture
def archive(world: World) -> Iterator[FakeArchive]:
    made = world.archive()
    yield made
    made.close()
    world.archives.remove(made)


@pytest.fixture
def device(world: World, request: pytest.FixtureRequest) -> Iterator[Device]:
    if not world.broker.running:
        world.start_broker()
    made = Device(world, f"d{abs(hash(request.node.name)) % 10**9}")
    yield made
    if made.program.running:
        made.program.stop()


def of(device: Device, archive: FakeArchive) -> set[tuple[str, int]]:
    known = device.streams()
    return {key for key in list(archive.kept) if key[0] in known}


def beats(device: Device, archive: FakeArchive) -> list[dict]:
    """Return the heartbeats of this device that carry figures."""
    return [one for one in list(archive.heartbeats) if one["client_id"] == device.client_id and "pending" in one]


def last_beat(device: Device, archive: FakeArchive, figure: str) -> int:
    found = beats(device, archive)
    return found[-1][figure] if found else -1


def assert_everything_arrived(device: Device, archive: FakeArchive) -> None:
    """Every number of every stream is in the archive, with the value that its source had."""
    expected = {(stream, number) for stream, last in device.streams().items() for number in range(1, last + 1)}
    assert expected
    assert of(device, archive) == expected
    for stream, number in expected:
        assert archive.kept[stream, number] == values(SEED, stream, number)


def test_device_live_readings_reach_the_archive_and_leave_the_buffer(device: Device, archive: FakeArchive):
    device.program.start()
    until(lambda: len(archive.live) > 20, within_s=15, what="live readings arrive")
    status = device.status()
    assert (status["running"], status["state"], status["link"]) == (True, "CONNECTED", "up")
    began = time.monotonic()
    assert device.program.stop() == 0
    assert time.monotonic() - began < 3
    until(lambda: beats(device, archive)[-1]["status"] == "OFFLINE", within_s=5, what="it says that it goes")
    last = beats(device, archive)[-1]
    assert last["last_sequence_no"] == device.recorded()
    assert device.status()["state"] == "DISCONNECTED"
    device.program.start()
    until(lambda: device.recorded() > last["last_sequence_no"], within_s=10, what="it goes on in another stream")
    until(lambda: device.status()["state"] == "CONNECTED", within_s=10, what="nothing of before is held")
    device.program.stop()
    device.program.start()
    until(lambda: len(device.streams()) == 3 and device.status()["pending"] <= 1, within_s=10, what="it is flushed")
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_silent_archive_deletes_nothing_and_live_goes_on(device: Device, archive: FakeArchive):
    """L2: the broker acknowledges everything, nobody archives, so everything stays."""
    archive.answers = False
    device.program.start()
    until(lambda: last_beat(device, archive, "unarchived") > 50, within_s=20, what="PUBACKs came")
    until(lambda: device.status()["state"] == "AWAY", within_s=20, what="the archive is taken for away")
    seen = len(archive.live)
    until(lambda: len(archive.live) > seen + 40, within_s=10, what="live goes on")
    assert device.buffered() >= device.recorded() - 5
    assert device.query("SELECT count(*) FROM telemetry_data") == [(0,)]
    archive.answers = True
    until(lambda: 0 <= last_beat(device, archive, "pending") <= 3, within_s=30, what="the backlog is answered")
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_lying_receipts_release_nothing(device: Device, archive: FakeArchive):
    """L2: a receipt for a foreign stream, beyond the last number, or malformed is ignored whole."""
    archive.answers = False
    device.program.start()
    until(lambda: device.recorded() > 30, within_s=15, what="readings are recorded")
    (stream,) = device.streams()
    honest = {"client_id": device.client_id, "stream": stream, "archived": [], "rejected": [], "lost": [],
              "wanted_since": None, "at": "2026-01-01T00:00:00.000Z"}  # fmt: skip
    for lie in (
        {**honest, "stream": "018f0000-0000-7000-8000-00000000ffff", "archived": [[1, 10]]},
        {**honest, "archived": [[1, 10**9]]},
        {**honest, "archived": [[1, 2**63 - 2]]},
        {**honest, "client_id": "another", "archived": [[1, 10]]},
        {**honest, "archived": [[10, 1]]},
        {**honest, "archived": [[1, 5]], "lost": [[10**8, 10**9]]},
        b"{",
        b"\xff\xff",
        b"[]",
    ):
        archive.tell(device.client_id, lie)
    archive.tell(device.client_id, {**honest, "archived": [[3, 3]]})
    until(
        lambda: device.query("SELECT count(*) FROM telemetry_data") == [(1,)], within_s=10, what="the true one counts"
    )
    assert device.query("SELECT sequence_no FROM telemetry_data") == [(3,)]
    assert device.query("SELECT min(sequence_no), count(*) < max(sequence_no) FROM telemetry_buffer") == [(1, 1)]
    ignored = [line for line in device.program.tail(500).splitlines() if "desktop.receipt_ignored" in line]
    assert len(ignored) == 9
    archive.answers = True
    until(lambda: device.status()["pending"] <= 3, within_s=45, what="the truth is told")


def test_device_rejected_readings_are_kept_and_shown(device: Device, archive: FakeArchive):
    archive.rejects = lambda _stream, number: "not plausible" if number % 10 == 5 else None
    device.program.start()
    until(lambda: last_beat(device, archive, "quarantined") >= 3, within_s=20, what="three rejected")
    device.program.stop()
    rows = device.query("SELECT sequence_no, reason FROM telemetry_buffer WHERE state = 'quarantined'")
    assert rows[:2] == [(5, "not plausible"), (15, "not plausible")]
    assert device.status()["quarantined"] == len(rows)


def test_device_killed_between_commit_and_publish_sends_it_after_the_restart(device: Device, archive: FakeArchive):
    """L1: no broker, so what is committed cannot be published; then kill -9; then everything arrives once."""
    device.world.broker.kill9()
    device.program.start()
    until(lambda: device.recorded() > 40, within_s=15, what="readings are recorded without a broker")
    assert device.status()["link"] == "no broker"
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
    device.program.stop()
    assert_everything_arrived(device, archive)


def test_device_killed_again_and_again_loses_nothing(device: Device, archive: FakeArchive):
    """L1: kill -9 at arbitrary instructions while live."""
    for round_ in range(5):
        device.program.start()
        before = device.recorded()
        until(
            lambda before=before, round_=round_: device.recorded() > before + 7 * (round_ + 1), within_s=20, what="some"
        )
        device.program.kill9()
    device.program.start()
    until(
        lambda: (
            len(device.streams()) == 6
            and device.status()["state"] == "CONNECTED"
            and 0 <= last_beat(device, archive, "pending") <= 3
        ),
        within_s=20,
        what="flushed",
    )
    device.program.stop()
    assert len(device.streams()) == 6
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=10, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_broker_that_lost_its_sessions_loses_nothing(device: Device, archive: FakeArchive):
    """L1: the broker dies with everything it had taken; what it acknowledged and nobody archived is sent again."""
    archive.answers = False
    device.program.start()
    until(lambda: last_beat(device, archive, "unarchived") > 20, within_s=15, what="PUBACKs came")
    device.world.broker.kill9()
    until(lambda: device.status()["state"] == "DISCONNECTED", within_s=10, what="the loss is noticed")
    archive.kept.clear()
    archive.answers = True
    device.world.start_broker()
    began = time.monotonic()
    until(lambda: device.status()["state"] == "CONNECTED", within_s=20, what="the backlog is flushed")
    assert time.monotonic() - began < 15
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=10, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_heartbeats_account_for_every_number(device: Device, archive: FakeArchive):
    """L3: at each heartbeat, what it holds and what the archive has cover 1..last."""
    device.program.start()
    until(lambda: len(archive.live) > 10, within_s=15, what="live readings arrive")
    archive.answers = False
    until(lambda: device.status()["state"] == "AWAY", within_s=20, what="the archive is taken for away")
    beat = beats(device, archive)[-1]
    archive.answers = True
    until(lambda: 0 <= last_beat(device, archive, "pending") <= 3, within_s=45, what="the backlog is answered")
    answered = {number for stream, number in archive.kept if stream == beat["stream"]}
    held = {number for one in beat["held"] for number in range(one["first"], one["last"] + 1)}
    assert held | answered >= set(range(1, beat["last_sequence_no"] + 1))
    assert beat["pending"] == beat["held"][0]["count"]
    statuses = [one["status"] for one in beats(device, archive)]
    assert "SYNCING" in statuses
    sampled = [one for one in beats(device, archive) if one["status"] == "SYNCING" and one["pending"]]
    assert sampled[-1]["pending_sample"]
    assert sampled[-1]["latest"]


def test_device_second_start_says_that_it_runs(device: Device):
    device.program.start()
    until(lambda: device.recorded() > 1, within_s=15, what="it runs")
    second = Program("second", device.program.command, device.program.variables, device.world.home / "second.log")
    second.start()
    assert second.process is not None
    assert second.process.wait(10) == 2
    assert f"already running (process {device.program.process.pid})" in second.tail()
    assert len(second.tail().splitlines()) == 1
    assert device.program.stop(number=signal.SIGINT) == 0


def test_device_without_a_broker_ends_quickly_and_keeps_everything(device: Device):
    device.world.broker.kill9()
    device.program.start()
    until(lambda: device.recorded() > 10, within_s=15, what="it samples without a broker")
    began = time.monotonic()
    assert device.program.stop() == 0
    assert time.monotonic() - began < 3
    assert device.buffered() == device.recorded()


def test_backfill_is_flushed_in_a_stream_of_its_own(device: Device, archive: FakeArchive):
    command = [device.program.command[0], "backfill", "--client-id", device.client_id, "--hours", "2", "--every", "3"]
    done = Program("backfill", [*command, "--source", "simulator", "--seed", str(SEED)], device.world.variables,
                   Path(device.world.home) / "backfill.log").start()  # fmt: skip
    assert done.process is not None
    assert done.process.wait(30) == 0, done.tail()
    (stream,) = device.streams()
    assert device.streams()[stream] == 2400
    device.program.start()
    until(lambda: len(archive.numbers(stream)) == 2400, within_s=30, what="the past is archived")
    busy = Program("busy", [*command, "--source", "simulator"], device.world.variables, device.world.home / "busy.log")
    busy.start()
    assert busy.process is not None
    assert busy.process.wait(10) == 2
    assert "already running" in busy.tail()
    device.program.stop()
    assert_everything_arrived(device, archive)


def backfill(device: Device, hours: str) -> None:
    command = [device.program.command[0], "backfill", "--client-id", device.client_id, "--hours", hours]
    log_file = Path(device.world.home) / "fill.log"
    options = ["--every", "3", "--source", "simulator", "--seed", str(SEED)]
    done = Program("fill", [*command, *options], device.world.variables, log_file).start()
    assert done.process is not None
    assert done.process.wait(30) == 0, done.tail()


def test_device_full_buffer_declares_what_it_gave_up(device: Device, archive: FakeArchive):
    """L3: a buffer of 1,000 is offered 1,260; 1,000 are archived, 260 are declared lost, nothing is silent."""
    backfill(device, "0.05")
    db = sqlite3.connect(device.folder / "outbox.db")
    with db:
        db.execute("INSERT INTO system_config VALUES ('buffer_limit', '', '1000', '', 'test')")
    db.close()
    backfill(device, "1")
    assert (device.recorded(), device.buffered()) == (1260, 1000)
    assert device.status()["lost_unsettled"] == 260
    past = set(device.streams())
    device.program.start()
    until(lambda: len(archive.lost) >= 260 and device.status()["lost_unsettled"] == 0, within_s=30, what="declared")
    until(lambda: device.status()["pending"] <= 3, within_s=30, what="what was kept is archived")
    device.program.stop()
    kept = {key for key in of(device, archive) if key[0] in past}
    lost = {key for key in archive.lost if key[0] in past}
    assert (len(kept), len(lost), kept & lost) == (1000, 260, set())


def test_device_damaged_file_is_salvaged_and_the_rest_declared(device: Device, archive: FakeArchive):
    """L3 over a spoilt page: what can be read is archived, what cannot is declared, and the client goes on."""
    backfill(device, "1")
    file = device.folder / "outbox.db"
    (page,) = device.query(
        "SELECT pageno FROM dbstat WHERE name = 'telemetry_buffer' AND pagetype = 'leaf' LIMIT 1 OFFSET 20"
    )[0]
    with file.open("r+b") as handle:
        handle.seek((page - 1) * 4096)
        handle.write(b"\xa5" * 4096)
    device.program.start()
    until(lambda: device.recorded() > 1210, within_s=15, what="the client goes on")
    until(lambda: "set aside" in device.status()["problem"], within_s=15, what="it says what happened")
    until(lambda: device.status()["lost_unsettled"] == 0 and device.status()["pending"] <= 3, within_s=30, what="told")
    device.program.stop()
    assert 0 < len(archive.lost) < 100
    expected = {(stream, number) for stream, last in device.streams().items() for number in range(1, last + 1)}
    until(lambda: of(device, archive) | archive.lost == expected, within_s=10, what="every number has its fate")
    assert not of(device, archive) & archive.lost


def test_device_takes_changed_settings_while_it_runs(device: Device, archive: FakeArchive):
    device.program.start()
    until(lambda: len(archive.live) > 10, within_s=15, what="live readings arrive")
    db = sqlite3.connect(device.folder / "outbox.db", timeout=10)
    with db:
        db.executemany(
            "INSERT INTO system_config VALUES (?, '', ?, '', 'test')",
            [("heartbeat_interval", "1"), ("sampling_interval", "60"), ("flush_batch_size", "0")],
        )
    db.close()
    until(lambda: beats(device, archive)[-1]["heartbeat_interval_s"] == 1, within_s=15, what="the new interval is told")
    assert "desktop.setting_refused" in device.program.tail(200)
    seen = len(archive.live)
    until(lambda: len(archive.live) > seen + 10, within_s=10, what="the interval of the command line stays")
    assert len(device.streams()) == 1, "it was not started anew"
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


@pytest.fixture
def link(world: World) -> Iterator[LinkProxy]:
    made = LinkProxy(world.mqtts_port)
    yield made
    made.close()


def test_device_link_cut_and_mended_flushes_in_order_before_live(
    world: World, device: Device, archive: FakeArchive, link: LinkProxy
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
    after = [(kind, numbers) for kind, name, numbers in archive.order[before:] if name == stream]
    live_at = next(at for at, (kind, _) in enumerate(after) if kind == "live")
    backlog = [number for kind, numbers in after[:live_at] for number in numbers]
    assert len(backlog) > 60
    assert backlog == sorted(backlog)
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_packets_vanishing_shows_within_fifteen_seconds(
    world: World, device: Device, archive: FakeArchive, link: LinkProxy
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

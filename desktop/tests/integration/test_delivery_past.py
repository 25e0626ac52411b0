"""Readings of the past: flushed from an earlier stream, declared when given up or unreadable."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from support.device_world import FakeArchive
from support.processes import Program
from support.running_device import SEED, RunningDevice, assert_everything_arrived, backfill, of, until_caught_up
from support.waiting import until


def test_backfill_is_flushed_in_a_stream_of_its_own(device: RunningDevice, archive: FakeArchive):
    command = [device.program.command[0], "backfill", "--client-id", device.client_id, "--hours", "2", "--every", "3"]
    done = Program("backfill", [*command, "--source", "simulator", "--seed", str(SEED)], device.world.variables,
                   Path(device.world.home) / "backfill.log").start()  # fmt: skip
    assert done.process is not None
    assert done.process.wait(30) == 0, done.tail()
    (stream,) = device.streams()
    assert device.streams()[stream] == 2400
    device.program.start()
    until(lambda: len(archive.numbers(stream)) == 2400, within_s=30, what="the past is archived")
    until(lambda: device.status()["drain_per_s"], within_s=10, what="it says how fast that went")
    assert device.status()["drain_per_s"] >= 10 / 0.05, "ten times faster than sampling"
    busy = Program("busy", [*command, "--source", "simulator"], device.world.variables, device.world.home / "busy.log")
    busy.start()
    assert busy.process is not None
    assert busy.process.wait(10) == 2
    assert "already running" in busy.tail()
    until_caught_up(device, within_s=15)
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_full_buffer_declares_what_it_gave_up_case_22(device: RunningDevice, archive: FakeArchive):
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
    until_caught_up(device, within_s=30)
    device.program.stop()
    kept = {key for key in of(device, archive) if key[0] in past}
    lost = {key for key in archive.lost if key[0] in past}
    assert (len(kept), len(lost), kept & lost) == (1000, 260, set())


def test_device_damaged_file_is_salvaged_and_the_rest_declared_case_18(device: RunningDevice, archive: FakeArchive):
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
    until(lambda: device.status()["lost_unsettled"] == 0, within_s=30, what="the losses are told")
    until_caught_up(device, within_s=30)
    device.program.stop()
    assert 0 < len(archive.lost) < 100
    expected = {(stream, number) for stream, last in device.streams().items() for number in range(1, last + 1)}
    until(lambda: of(device, archive) | archive.lost == expected, within_s=10, what="every number has its fate")
    assert not of(device, archive) & archive.lost

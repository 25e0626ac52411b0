"""
The device as a process against the real broker and an archive that a test commands.

The truth is the simulator: whatever arrives must be its value for (seed, stream, number), and every number of
every stream that the device's own file knows must arrive.
"""

from __future__ import annotations

import signal
import sqlite3
import time

from support.device_world import FakeArchive
from support.processes import Program
from support.running_device import RunningDevice, assert_everything_arrived, beats, last_beat, of, until_caught_up
from support.waiting import until


def test_device_live_readings_reach_the_archive_and_leave_the_buffer(device: RunningDevice, archive: FakeArchive):
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
    until(lambda: len(device.streams()) == 3, within_s=10, what="it goes on in a third stream")
    until_caught_up(device, within_s=10)
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_silent_archive_deletes_nothing_and_live_goes_on_case_2(device: RunningDevice, archive: FakeArchive):
    """L2: the broker acknowledges everything, nobody archives, so everything stays."""
    archive.answers = False
    device.program.start()
    until(lambda: last_beat(device, archive, "unarchived") > 50, within_s=40, what="PUBACKs came")
    until(lambda: device.status()["state"] == "AWAY", within_s=20, what="the archive is taken for away")
    seen = len(archive.live)
    until(lambda: len(archive.live) > seen + 40, within_s=10, what="live goes on")
    recorded = device.recorded()
    assert device.buffered() >= recorded
    assert device.query("SELECT count(*) FROM telemetry_data") == [(0,)]
    said = last_beat(device, archive, "pending")
    archive.answers = True
    until_caught_up(device, within_s=30)
    until(lambda: 0 <= last_beat(device, archive, "pending") < said, within_s=15, what="a heartbeat says so")
    device.program.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)


def test_device_lying_receipts_release_nothing(device: RunningDevice, archive: FakeArchive):
    """L2: a receipt for a foreign stream, beyond the last number, or malformed is ignored whole."""
    archive.answers = False
    device.program.start()
    until(lambda: beats(device, archive), within_s=15, what="it hears what is told, and says that it is there")
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
    until_caught_up(device, within_s=45)


def test_device_rejected_readings_are_kept_and_shown(device: RunningDevice, archive: FakeArchive):
    archive.rejects = lambda _stream, number: "not plausible" if number % 10 == 5 else None
    device.program.start()
    until(lambda: last_beat(device, archive, "quarantined") >= 3, within_s=20, what="three rejected")
    device.program.stop()
    rows = device.query("SELECT sequence_no, reason FROM telemetry_buffer WHERE state = 'quarantined'")
    assert rows[:2] == [(5, "not plausible"), (15, "not plausible")]
    assert device.status()["quarantined"] == len(rows)


def test_device_heartbeats_account_for_every_number(device: RunningDevice, archive: FakeArchive):
    """L3: at each heartbeat, what it holds and what the archive has cover 1..last."""
    device.program.start()
    until(lambda: len(archive.live) > 10, within_s=15, what="live readings arrive")
    archive.answers = False
    until(lambda: device.status()["state"] == "AWAY", within_s=20, what="the archive is taken for away")
    beat = beats(device, archive)[-1]
    archive.answers = True
    until_caught_up(device, within_s=45)
    until(lambda: 0 <= last_beat(device, archive, "pending") < beat["pending"], within_s=15, what="a heartbeat says so")
    answered = {number for stream, number in list(archive.kept) if stream == beat["stream"]}
    held = {number for one in beat["held"] for number in range(one["first"], one["last"] + 1)}
    assert held | answered >= set(range(1, beat["last_sequence_no"] + 1))
    assert beat["pending"] == beat["held"][0]["count"]
    statuses = [one["status"] for one in beats(device, archive)]
    assert "SYNCING" in statuses
    sampled = [one for one in beats(device, archive) if one["status"] == "SYNCING" and one["pending"]]
    assert sampled[-1]["pending_sample"]
    assert sampled[-1]["latest"]


def test_device_second_start_says_that_it_runs(device: RunningDevice):
    device.program.start()
    until(lambda: device.recorded() > 1, within_s=15, what="it runs")
    second = Program("second", device.program.command, device.program.variables, device.world.home / "second.log")
    second.start()
    assert second.process is not None
    assert second.process.wait(10) == 2
    assert f"already running (process {device.program.process.pid})" in second.tail()
    assert len(second.tail().splitlines()) == 1
    assert device.program.stop(number=signal.SIGINT) == 0


def test_device_takes_changed_settings_while_it_runs(device: RunningDevice, archive: FakeArchive):
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

"""An archive that was restored from a backup gets back what it asks for (delivery, point 5)."""

from __future__ import annotations

import itertools
import sqlite3
from pathlib import Path

import pytest

from pulse_desktop.core.connection import State
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.settings import DeviceSettings
from support.device_bench import Bench
from support.device_fakes import FakeClock

EARLY, MIDDLE, LATE = (f"2026-02-07T{hour}:00:00.000Z" for hour in ("09", "10", "11"))


def made(folder: Path, **settings: object) -> Bench:
    counter = itertools.count(1)
    known = DeviceSettings(**settings)  # type: ignore[arg-type]
    return Bench(folder, lambda: f"018f0000-0000-7000-8000-{next(counter):012d}", known)


@pytest.fixture
def bench(tmp_path: Path):
    """Readings 1 to 3 were archived at 10:00, 4 to 6 at 11:00."""
    one = made(tmp_path)
    one.link_up()
    for _ in range(2):
        one.sample(3)
        one.archive_all()
        one.clock.advance(3600)
    yield one
    one.shut()


def numbers(bench: Bench) -> list[int]:
    return [row.sequence_no for row in bench.reader.oldest(bench.file.state, 100, 2**62)]


def test_wish_brings_back_what_was_answered_at_or_after_its_time(bench: Bench):
    bench.wish(LATE)
    assert numbers(bench) == [4, 5, 6]
    assert bench.file._db.execute("SELECT sequence_no FROM telemetry_data").fetchall() == [(1,), (2,), (3,)]
    assert (bench.file.state.resent_since, bench.file.state.kept_since) == (LATE, MIDDLE)


def test_wish_is_flushed_and_told_in_the_heartbeat(bench: Bench):
    channel = bench.channel
    assert channel is not None
    before = len(channel.telemetry())
    bench.wish(LATE)
    assert channel.telemetry()[before:] == [("buffered", [4, 5, 6])]
    assert bench.state is State.SYNCING
    bench.archive_all()
    assert (bench.state, bench.held()) == (State.CONNECTED, 0)
    assert channel.beats()[-1]["resent_since"] == LATE


def test_wish_beyond_what_is_kept_says_from_when_it_was_served(bench: Bench):
    bench.wish(EARLY)
    assert numbers(bench) == [1, 2, 3, 4, 5, 6]
    assert bench.file.state.resent_since == MIDDLE, "the later of the request and kept_since"


def test_wish_repeated_puts_nothing_back_again(bench: Bench):
    """The worker asks every 60 s until a heartbeat that says so has reached it."""
    bench.wish(LATE)
    bench.archive_all()
    for _ in range(5):  # serving it may take minutes
        bench.clock.advance(60)
        bench.wish(LATE)
        assert (bench.held(), bench.file.state.resent_since) == (0, LATE)


def test_wish_again_after_another_restore_from_the_same_backup_is_served_again(bench: Bench):
    bench.wish(LATE)
    bench.archive_all()
    bench.clock.advance(3600)
    bench.wish(LATE)
    assert numbers(bench) == [4, 5, 6], "the archive has forgotten what was sent for the first one"
    bench.archive_all()
    assert (bench.held(), bench.state) == (0, State.CONNECTED)


def test_wish_after_a_restart_is_served_because_nobody_knows_whether_it_was(bench: Bench):
    bench.wish(LATE)
    bench.archive_all()
    bench.shut()
    bench.boot()
    bench.link_up()
    bench.wish(LATE)
    assert numbers(bench) == [4, 5, 6]
    assert bench.file.state.resent_since == LATE


def test_wish_includes_the_quarantine_and_settled_losses(tmp_path: Path):
    bench = made(tmp_path, buffer_limit=4)
    bench.sample(6)
    bench.link_up()
    bench.archive_all(lambda _stream, number: number == 2)
    assert (bench.held(), bench.file.state.quarantined, bench.declared()) == (0, 1, set())
    bench.restore_archive()
    assert numbers(bench) == [1, 2, 3, 4]
    assert (bench.file.state.quarantined, bench.file.state.current.lost) == (0, ((5, 6),))
    bench.archive_all()
    assert (bench.held(), bench.declared(), len(bench.kept), len(bench.lost)) == (0, set(), 4, 2)
    bench.shut()


def test_wish_is_told_of_with_the_quarantine_and_all_else_at_once(tmp_path: Path):
    bench = made(tmp_path)
    bench.link_up()
    bench.sample(2)
    bench.archive_all(lambda _stream, number: number == 2)
    bench.clock.advance(1)
    bench.restore_archive()
    bench.check_account()
    bench.shut()


def test_wish_of_an_impossible_time_is_ignored(bench: Bench):
    bench.wish("2026-13-01T00:00:00.000Z")
    assert (bench.held(), bench.courier.ignored_receipts) == (0, 1)


def test_wish_while_syncing_begins_again_at_the_oldest(bench: Bench):
    bench.link_down()
    bench.sample(2)
    channel = bench.link_up()
    assert bench.state is State.SYNCING
    bench.wish(LATE)
    assert channel.telemetry()[-1] == ("buffered", [4, 5, 6, 7, 8])
    bench.archive_all()
    assert (bench.held(), bench.state) == (0, State.CONNECTED)


def test_quarantine_is_offered_again_when_the_worker_has_another_version(tmp_path: Path):
    bench = made(tmp_path)
    channel = bench.link_up()
    bench.status("ONLINE", version="1.0")
    bench.sample(3)
    bench.archive_all(lambda _stream, number: number == 2)
    bench.status("ONLINE", version="1.0")
    assert bench.file.state.quarantined == 1
    bench.status("ONLINE", version="1.1")
    assert channel.telemetry()[-1] == ("buffered", [2])
    bench.archive_all()
    assert (bench.held(), bench.file.state.quarantined, len(bench.kept)) == (0, 0, 3)
    bench.shut()


def test_quarantine_waits_for_a_new_version_also_over_a_restart(tmp_path: Path):
    bench = made(tmp_path)
    bench.link_up()
    bench.status("ONLINE", version="1.0")
    bench.sample(1)
    bench.archive_all(lambda _stream, _number: True)
    bench.shut()
    bench.boot()
    bench.link_up()
    bench.status("ONLINE", version="1.0")
    assert bench.file.state.quarantined == 1
    bench.status("ONLINE", version="2.0")
    assert (bench.file.state.quarantined, bench.held()) == (0, 1)
    bench.shut()


def test_quarantine_is_offered_again_on_demand(tmp_path: Path):
    bench = made(tmp_path)
    channel = bench.link_up()
    bench.sample(3)
    bench.archive_all(lambda _stream, number: number == 2)
    bench.courier.flush_wanted()
    bench.settle_down()
    assert channel.telemetry()[-1] == ("buffered", [2])
    bench.archive_all()
    assert (bench.state, bench.held(), bench.file.state.quarantined) == (State.CONNECTED, 0, 0)
    bench.shut()


def test_quarantine_is_offered_once_when_two_versions_run_side_by_side(tmp_path: Path):
    bench = made(tmp_path)
    channel = bench.link_up()
    bench.status("ONLINE", version="1.0")
    bench.sample(1)
    bench.archive_all(lambda _stream, _number: True)
    for _ in range(3):
        for version in ("1.0", "1.1"):
            bench.status("ONLINE", instance=version, version=version)
            bench.archive_all(lambda _stream, _number: True)
    assert len(channel.telemetry()) == 2
    bench.shut()


def test_file_of_the_first_version_learns_to_remember_wishes(tmp_path: Path):
    path = tmp_path / "outbox.db"
    new_stream = itertools.count(1)
    names = lambda: f"018f0000-0000-7000-8000-{next(new_stream):012d}"  # noqa: E731
    OutboxFile(path, FakeClock(), names, DeviceSettings()).close()
    db = sqlite3.connect(path)
    for change in ("DROP TABLE telemetry_lost", "DROP TABLE telemetry_lost_settled", "PRAGMA user_version = 1",
                   "ALTER TABLE sync_state DROP COLUMN wanted_since",
                   "ALTER TABLE sync_state DROP COLUMN ingest_version",
                   "ALTER TABLE sync_state DROP COLUMN resent_since"):  # fmt: skip
        db.execute(change)
    db.commit()
    db.close()
    file = OutboxFile(path, FakeClock(), names, DeviceSettings())
    file.begin()
    file.put_back(LATE)
    file.put_back_some()
    assert file.commit()[0].resent_since == LATE
    file.close()

"""The outbox's thread: grouping, waiting for a disk that is full, ending with everything on it."""

from __future__ import annotations

import queue
import sqlite3
import threading
from functools import partial
from pathlib import Path

import pytest

from pulse_acl.payloads import format_time
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.errors import StorageError
from pulse_desktop.core.outbox import Committed, Outbox, OutboxReader, Settlement
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.outbox.retention import FREE_PAGES_KEPT
from pulse_desktop.core.outbox.writer import MAX_GROUP
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.streams import new_stream

NOW = SystemClock().now()


class Running:
    """An outbox and what it said."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "outbox.db"
        self.notes: queue.SimpleQueue[Committed] = queue.SimpleQueue()
        self.outbox = Outbox(self.path, SystemClock(), new_stream, DeviceSettings(), self.notes.put)
        self.outbox.start()

    def added(self) -> list[list[int]]:
        found = []
        while not self.notes.empty():
            found.append([row.sequence_no for row in self.notes.get().added])
        return [group for group in found if group]


@pytest.fixture
def running(tmp_path: Path):
    made = Running(tmp_path)
    yield made
    assert made.outbox.close()


def test_outbox_samples_are_on_disk_before_they_are_told(running: Running):
    seen = []
    for value in range(50):
        assert running.outbox.append(Sample(NOW, {"a": value}))
    assert running.outbox.flush(5)
    reader = OutboxReader(running.path)
    seen = [row.sequence_no for row in reader.oldest(running.outbox.state, 100, 2**62)]
    reader.close()
    assert seen == list(range(1, 51))
    assert [number for group in running.added() for number in group] == seen


def test_outbox_many_samples_share_commits(running: Running):
    for value in range(500):
        running.outbox.append(Sample(NOW, {"a": value}))
    running.outbox.flush(5)
    assert len(running.added()) <= 20


def test_outbox_acknowledgement_beside_its_receipt_leaves_the_account_as_one_after_the_other(tmp_path: Path):
    accounts = []
    for is_together in (True, False):
        folder = tmp_path / str(is_together)
        folder.mkdir()
        outbox = Outbox(folder / "outbox.db", SystemClock(), lambda: "s1", DeviceSettings(), lambda _note: None)
        outbox.start()
        for value in range(6):
            assert outbox.append(Sample(NOW, {"a": value}))
        assert outbox.flush(5)
        steps = [
            partial(outbox.mark_sent, "s1", [(1, 2)]),
            partial(outbox.mark_sent, "s1", [(3, 5)]),
            partial(outbox.settle, Settlement("s1", [(1, 3)], [(4, "of no use")], format_time(NOW))),
        ]
        for step in steps:
            step()
            if not is_together:
                assert outbox.flush(5)
        assert outbox.flush(5)
        (stream,) = outbox.state.streams
        accounts.append((stream.last_no, stream.pending, stream.sent, stream.quarantined, stream.open_span))
        assert outbox.close()
    assert accounts == [(6, 1, 1, 1, (5, 6))] * 2


def test_outbox_disk_full_stops_recording_and_goes_on_when_there_is_space(
    running: Running, monkeypatch: pytest.MonkeyPatch
):
    full, told = threading.Event(), threading.Event()
    commit = OutboxFile.commit

    def failing(self: OutboxFile) -> object:
        if full.is_set():
            told.set()
            raise sqlite3.OperationalError("database or disk is full")
        return commit(self)

    monkeypatch.setattr(OutboxFile, "commit", failing)
    full.set()
    assert running.outbox.append(Sample(NOW, {"a": 1}))
    assert told.wait(5)
    while not running.outbox.state.problem:
        running.notes.get(timeout=5)
    assert "disk is full" in running.outbox.state.problem
    assert running.outbox.append(Sample(NOW, {"a": 2})) is False, "nothing is taken that cannot be kept"
    full.clear()
    assert running.outbox.flush(10)
    assert (running.outbox.state.problem, running.outbox.state.held) == ("", 1)
    assert running.outbox.append(Sample(NOW, {"a": 3}))
    assert running.outbox.flush(5)
    assert running.outbox.state.held == 2


def test_outbox_full_disk_is_tried_with_pauses_however_much_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What waits is not taken up meanwhile: a group that grows with each try ends in a busy loop."""
    tries: list[int] = []

    def failing(self: OutboxFile) -> object:
        tries.append(1)
        raise sqlite3.OperationalError("database or disk is full")

    running = Running(tmp_path)
    monkeypatch.setattr(OutboxFile, "commit", failing)
    for number in range(MAX_GROUP + 100):
        running.outbox.mark_sent("another stream", [(number, number)])
    assert running.outbox.flush(1.5) is False
    assert 1 <= len(tries) <= 3
    assert running.outbox.close(), "and it does not keep the program from ending"


def test_outbox_disk_that_fails_though_it_has_room_is_tried_with_pauses(
    running: Running, monkeypatch: pytest.MonkeyPatch
):
    """The reserve, which can be made again each time, is no help then."""
    tries: list[int] = []
    commit = OutboxFile.commit

    def failing(_file: OutboxFile) -> object:
        tries.append(1)
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    monkeypatch.setattr(OutboxFile, "commit", failing)
    assert running.outbox.append(Sample(NOW, {"a": 1}))
    assert running.outbox.flush(1.5) is False
    assert 1 <= len(tries) <= 6
    monkeypatch.setattr(OutboxFile, "commit", commit)
    assert running.outbox.flush(10)
    assert running.outbox.state.held == 1


def test_outbox_cannot_be_opened_says_so_at_start(tmp_path: Path):
    (tmp_path / "outbox.db").mkdir()
    outbox = Outbox(tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings(), lambda _note: None)
    with pytest.raises(StorageError, match="cannot be used"):
        outbox.start()


def test_outbox_closed_has_everything_and_no_write_ahead_log(tmp_path: Path):
    running = Running(tmp_path)
    for value in range(30):
        running.outbox.append(Sample(NOW, {"a": value}))
    stream = running.outbox.state.current.stream
    running.outbox.settle(Settlement(stream, [(1, 10)], [], "2026-01-01T00:00:00.000Z"))
    running.outbox.mark_sent(stream, [(11, 12)])
    running.outbox.note(link="up")
    assert running.outbox.close()
    assert not Path(f"{running.path}-wal").exists()
    reader = OutboxReader(running.path)
    assert reader.counts() == {"pending": 18, "sent": 2}
    assert reader.latest() == {"a": 29}
    assert reader.sync_state()["link"] == "up"
    reader.close()


def test_outbox_file_gives_back_the_room_of_what_is_gone_case_20(tmp_path: Path):
    """A backlog makes the file large; when it is archived and its time is over, the file is small again."""
    file = OutboxFile(tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings(confirmed_keep_h=0))
    for first in range(0, 60_000, 5_000):
        file.begin()
        for number in range(first, first + 5_000):
            file.add(Sample(NOW, {"n": number, "wide": 2**63 - 1}))
        file.commit()
    pages = "PRAGMA page_count"
    most = file._db.execute(pages).fetchone()[0]
    file.begin()
    file.settle(Settlement(file.state.current.stream, [(1, 60_000)], [], "2026-01-01T00:00:00.000Z"))
    file.commit()
    assert file._db.execute(pages).fetchone()[0] == most
    more = True
    while more:
        file.begin()
        more = file.prune()
        file.commit()
    assert file._db.execute(pages).fetchone()[0] < FREE_PAGES_KEPT + 50 < most
    file.close()


def test_outbox_online_for_long_stays_as_large_as_it_was_case_20(tmp_path: Path):
    """What is archived soon after it was recorded leaves no trace in the file's size, whatever the count."""
    file = OutboxFile(tmp_path / "outbox.db", SystemClock(), new_stream, DeviceSettings(confirmed_keep_h=0))
    stream, sizes = file.state.current.stream, []
    for round_ in range(40):
        file.begin()
        for number in range(500):
            file.add(Sample(NOW, {"n": number}))
        file.commit()
        file.begin()
        file.settle(Settlement(stream, [(round_ * 500 + 1, round_ * 500 + 500)], [], "2026-01-01T00:00:00.000Z"))
        file.prune()
        file.commit()
        sizes.append(file._db.execute("PRAGMA page_count").fetchone()[0])
    assert max(sizes[5:]) <= max(sizes[:5]) + 2
    file.close()


def test_outbox_that_cannot_be_opened_for_whatever_reason_says_so_at_start(tmp_path: Path, monkeypatch):
    def fail(*_: object) -> None:
        raise MemoryError("no memory")

    monkeypatch.setattr("pulse_desktop.core.outbox.writer.OutboxFile", fail)
    with pytest.raises(StorageError, match=r"outbox\.db cannot be used: no memory"):
        Running(tmp_path)


def test_outbox_last_sync_that_the_courier_notes_stays_until_the_next_one(running: Running):
    noted = "2026-02-07T10:00:07.000Z"
    running.outbox.note(last_sync_at=noted)
    running.outbox.note(link="up")
    running.outbox.append(Sample(NOW, {"n": 1}))
    assert running.outbox.flush(20)
    assert running.outbox.state.last_sync_at == noted
    db = sqlite3.connect(f"file:{running.path}?mode=ro", uri=True)
    try:
        assert db.execute("SELECT last_sync_at FROM sync_state").fetchall() == [(noted,)]
    finally:
        db.close()

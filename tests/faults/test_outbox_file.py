"""An old copy of a device's file is what the file was when it was copied."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from faults import outbox_file
from pulse_desktop.core.outbox.schema import open_for_writing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def take(db: sqlite3.Connection, number: int) -> None:
    db.execute("INSERT OR REPLACE INTO streams (stream, begun_at, last_sequence_no) VALUES ('s', '', ?)", (number,))
    row = "INSERT INTO telemetry_buffer (stream, sequence_no, recorded_at, metrics) VALUES ('s', ?, '', '{}')"
    db.execute(row, (number,))


def test_copy_put_back_is_the_file_as_it_was(file: Path):
    with closing(open_for_writing(file)) as db:
        take(db, 1)
        outbox_file.keep_copy(file)
        take(db, 2)
        assert (outbox_file.held(file), outbox_file.commit_log(file)) == (2, {"s": 2})
    outbox_file.put_back(file)
    assert (outbox_file.held(file), outbox_file.commit_log(file)) == (1, {"s": 1})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    open_for_writing(file).close()


def test_held_counts_what_has_no_answer(file: Path):
    with closing(open_for_writing(file)) as db:
        take(db, 1)
        take(db, 2)
        db.execute("UPDATE telemetry_buffer SET state = 'quarantined' WHERE sequence_no = 1")
        assert outbox_file.held(file) == 1


def test_held_file_that_is_not_there_is_no_zero(file: Path):
    assert outbox_file.held(file) == -1

"""An old copy of a device's file is what the file was when it was copied."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from faults import outbox_file
from faults.truth import Truth
from pulse_desktop.core.outbox.schema import open_for_writing


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def take(db: sqlite3.Connection, number: int) -> None:
    db.execute("INSERT OR REPLACE INTO streams (stream, begun_at, last_sequence_no) VALUES ('s', '', ?)", (number,))
    row = "INSERT INTO telemetry_buffer (stream, sequence_no, recorded_at, metrics) VALUES ('s', ?, ?, '{}')"
    db.execute(row, (number, "2026-02-07T10:00:00.000Z"))


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


def test_given_up_numbers_are_read_whether_settled_or_not(file: Path):
    with closing(open_for_writing(file)) as db:
        db.execute("INSERT INTO telemetry_lost VALUES ('s', 3, 4)")
        db.execute("INSERT INTO telemetry_lost_settled VALUES ('s', 1, 2, '')")
        assert outbox_file.given_up(file) == {"s": {1, 2, 3, 4}}
        assert outbox_file.held(file) == 1


def test_truth_notices_a_number_that_was_given_twice(file: Path):
    truth = Truth()
    with closing(open_for_writing(file)) as db:
        take(db, 1)
        truth.read(file)
        truth.read(file)
        assert (truth.made, truth.reused) == ({"s": 1}, set())
        db.execute("UPDATE telemetry_buffer SET recorded_at = '2026-02-07T10:00:01.000Z'")
        truth.read(file)
    assert truth.reused == {("s", 1)}


def test_clone_has_the_files_of_its_origin_but_no_lock(file: Path, tmp_path: Path):
    file = tmp_path / "D1" / "outbox.db"
    file.parent.mkdir()
    (file.parent / "identity.json").write_text("{}")
    (file.parent / "running.lock").touch()
    with closing(open_for_writing(file)) as db:
        take(db, 1)
        outbox_file.copy_folder(file, tmp_path / "clone")
    assert sorted(one.name for one in (tmp_path / "clone").iterdir()) == ["identity.json", "outbox.db"]
    assert outbox_file.commit_log(tmp_path / "clone" / "outbox.db") == {"s": 1}

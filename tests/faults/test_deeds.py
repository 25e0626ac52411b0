"""An old database is put back only when the device that is to take no more has got rid of its last reading, too."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import cast
from unittest.mock import Mock

from faults.deeds import Evidence, Restore
from faults.plant import Plant
from faults.schedule import Fault, Kind
from pulse_desktop.core.outbox.schema import open_for_writing


def take(db: sqlite3.Connection, number: int) -> None:
    db.execute("INSERT OR REPLACE INTO streams (stream, begun_at, last_sequence_no) VALUES ('s', '', ?)", (number,))
    row = "INSERT INTO telemetry_buffer (stream, sequence_no, recorded_at, metrics) VALUES ('s', ?, '', '{}')"
    db.execute(row, (number,))


def test_restore_waits_for_the_answer_to_the_reading_that_the_device_takes_with_its_start(tmp_path: Path):
    file = tmp_path / "outbox.db"
    deed = Restore(
        cast(Plant, Mock(outbox=lambda _name: file)), Fault(0.0, 1.0, Kind.RESTORE, "D01"), seen := Evidence()
    )
    begin, take_no_more, put_back, _ = deed.steps()
    with closing(open_for_writing(file)) as db:
        take(db, 1)
        begin.act()
        db.execute("DELETE FROM telemetry_buffer")
        take_no_more.act()
        assert not put_back.is_ready(), "it has yet to take the one"
        take(db, 2)
        assert not put_back.is_ready()
        db.execute("DELETE FROM telemetry_buffer")
        assert put_back.is_ready()
    put_back.act()
    assert seen.restored == 1

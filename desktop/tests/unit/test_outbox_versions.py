"""Files of older versions: what waits in them is taken over, sound or damaged."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox import Outbox, OutboxReader, Settlement
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from support.device_fakes import FakeClock

FIRST, SECOND = (f"018f0000-0000-7000-8000-{number:012d}" for number in (7, 3))  # begun in this order
AT = "2026-02-07T10:00:00.000Z"
PAGE = 4096
BUFFER_3 = """CREATE TABLE telemetry_buffer (
    stream TEXT NOT NULL,
    sequence_no INTEGER NOT NULL,
    recorded_at TEXT NOT NULL,
    metrics BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'quarantined')),
    reason TEXT,
    receipt_at TEXT,
    PRIMARY KEY (stream, sequence_no)) WITHOUT ROWID"""


def names():
    counter = itertools.count(100)
    return lambda: f"018f0000-0000-7000-8000-{next(counter):012d}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of version 3: of the first stream 1 and 2 are gone, 3 was sent, 5 was rejected; of the second all wait."""
    made = tmp_path / "outbox.db"
    OutboxFile(made, FakeClock(), lambda: FIRST, DeviceSettings()).close()
    OutboxFile(made, FakeClock(), lambda: SECOND, DeviceSettings()).close()
    with closing(sqlite3.connect(made)) as db, db:
        db.execute("DROP TABLE telemetry_buffer")
        db.execute(BUFFER_3)
        db.execute("UPDATE streams SET last_sequence_no = 2000")
        db.execute("UPDATE sync_state SET closed_with = NULL")
        db.execute("PRAGMA user_version = 3")
        states = {3: ("sent", None, None), 5: ("quarantined", "odd", AT)}
        rows = [(stream, n) for stream, first in ((FIRST, 3), (SECOND, 1)) for n in range(first, 2001)]
        db.executemany(
            "INSERT INTO telemetry_buffer VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    stream,
                    n,
                    AT,
                    b'{"n":%d}' % n,
                    *(states.get(n, ("pending", None, None)) if stream == FIRST else ("pending", None, None)),
                )
                for stream, n in rows
            ],
        )
    return made


def test_outbox_file_of_version_3_keeps_every_row_and_its_state(path: Path):
    file = OutboxFile(path, FakeClock(), names(), DeviceSettings())
    old = [one for one in file.state.streams if one is not file.state.current]
    assert [(one.stream, one.first_held, one.last_held, one.sent, one.quarantined) for one in old] == [
        (FIRST, 3, 2000, 1, 1),
        (SECOND, 1, 2000, 0, 0),
    ]
    file.begin()
    file.settle(Settlement(FIRST, [(1, 10)], [], AT))
    file.add(Sample(FakeClock().now(), {"a": 1}))
    file.commit()
    reader = OutboxReader(path)
    rows = reader.oldest(file.state, 10_000, 2**62)
    assert [(row.stream, row.sequence_no) for row in rows] == [
        *((FIRST, number) for number in range(11, 2001)),
        *((SECOND, number) for number in range(1, 2001)),
        (file.state.current.stream, 1),
    ]
    assert all(row.metrics == b'{"n":%d}' % row.sequence_no for row in rows[:-1])
    reader.close()
    file.close()


def test_outbox_damaged_file_of_version_3_is_salvaged(path: Path):
    with closing(sqlite3.connect(path)) as db:
        query = "SELECT pageno FROM dbstat WHERE name = 'telemetry_buffer' AND pagetype = 'leaf'"
        pages = [row[0] for row in db.execute(query)]
    with path.open("r+b") as handle:
        handle.seek((pages[len(pages) // 2] - 1) * PAGE)
        handle.write(b"\xa5" * PAGE)
    outbox = Outbox(path, SystemClock(), names(), DeviceSettings(), lambda _note: None)
    outbox.start()
    assert outbox.state.notice.startswith("the outbox was damaged")
    assert outbox.close()
    with closing(sqlite3.connect(path)) as db:
        for stream, first in ((FIRST, 3), (SECOND, 1)):
            here = {n for (n,) in db.execute("SELECT sequence_no FROM telemetry_buffer WHERE stream = ?", (stream,))}
            lost = {
                n
                for a, b in db.execute("SELECT first_no, last_no FROM telemetry_lost WHERE stream = ?", (stream,))
                for n in range(a, b + 1)
            }
            assert here | lost == set(range(1, 2001))
            assert not here & lost
            assert set(range(1, first)) <= lost
            assert len(here) > 1500

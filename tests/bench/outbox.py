"""
Appending to the device's outbox, against bare sqlite3 inserts with the same commit grouping and durability.

Both write the same rows into the same columns. The reference gets them finished, the outbox makes them of samples:
it checks the values, numbers them, writes JSON and times, and keeps its account.
"""

from __future__ import annotations

import itertools
import sqlite3
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.figures import Figure, compare
from pulse_acl.payloads import format_time
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings

READINGS, GROUP = 20_000, 500
START = datetime(2026, 1, 1, tzinfo=UTC)
STREAM = "018f0000-0000-7000-8000-000000000000"


def measure() -> Figure:
    """Return readings committed per second, three metrics each, with full durability, in groups of 500."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()
        return compare(
            "outbox append",
            lambda: _outbox(Path(folder) / f"outbox-{next(numbers)}.db"),
            "bare sqlite3",
            lambda: _bare(Path(folder) / f"bare-{next(numbers)}.db"),
            bar=0.7,
            rounds=9,
        )


def _samples() -> list[Sample]:
    return [
        Sample(
            START + timedelta(milliseconds=50 * number),
            {"temperature": 72.45 + number / 128, "rpm": 9_007_199_254_740_993 + number, "is_active": number % 3 > 0},
        )
        for number in range(READINGS)
    ]


def _outbox(path: Path) -> float:
    streams = (f"{STREAM[:-12]}{number:012d}" for number in itertools.count())
    file = OutboxFile(path, SystemClock(), lambda: next(streams), DeviceSettings())
    samples = _samples()
    started = time.perf_counter()
    for first in range(0, READINGS, GROUP):
        file.begin()
        file.add_all(samples[first : first + GROUP])
        file.commit()
    took_s = time.perf_counter() - started
    file.close()
    return READINGS / took_s


def _bare(path: Path) -> float:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(
        "CREATE TABLE buffer (stream TEXT, sequence_no INTEGER, recorded_at TEXT, metrics BLOB, state TEXT,"
        " PRIMARY KEY (stream, sequence_no)) WITHOUT ROWID"
    )
    rows = [
        (STREAM, number, format_time(sample.recorded_at), msgspec.json.encode(sample.values), "pending")
        for number, sample in enumerate(_samples(), start=1)
    ]
    started = time.perf_counter()
    for first in range(0, READINGS, GROUP):
        db.execute("BEGIN")
        for row in rows[first : first + GROUP]:
            db.execute("INSERT INTO buffer VALUES (?, ?, ?, ?, ?)", row)
        db.execute("COMMIT")
    took_s = time.perf_counter() - started
    db.close()
    return READINGS / took_s

"""Appending to the device's outbox, against bare sqlite3 inserts with the same commit grouping and durability."""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.figures import Figure, compare
from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings

READINGS, GROUP = 20_000, 500
START = datetime(2026, 1, 1, tzinfo=UTC)
METRICS = {"temperature": 72.45, "rpm": 9_007_199_254_740_993, "is_active": True}


def measure() -> Figure:
    """Return readings committed per second, with full durability, in groups of 500."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = itertools.count()
        return compare(
            "outbox append",
            lambda: _outbox(Path(folder) / f"outbox-{next(numbers)}.db"),
            "bare sqlite3",
            lambda: _bare(Path(folder) / f"bare-{next(numbers)}.db"),
            bar=0.7,
        )


def _outbox(path: Path) -> float:
    streams = (f"018f0000-0000-7000-8000-{number:012d}" for number in itertools.count())
    file = OutboxFile(path, SystemClock(), lambda: next(streams), DeviceSettings())
    samples = [Sample(START + timedelta(milliseconds=number), METRICS) for number in range(READINGS)]
    started = time.perf_counter()
    for first in range(0, READINGS, GROUP):
        file.begin()
        for sample in samples[first : first + GROUP]:
            file.add(sample)
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
    stream, metrics = "018f0000-0000-7000-8000-000000000000", json.dumps(METRICS).encode()
    started = time.perf_counter()
    for first in range(0, READINGS, GROUP):
        db.execute("BEGIN")
        for number in range(first + 1, first + GROUP + 1):
            row = (stream, number, "2026-01-01T00:00:00.000Z", metrics, "pending")
            db.execute("INSERT INTO buffer VALUES (?, ?, ?, ?, ?)", row)
        db.execute("COMMIT")
    took_s = time.perf_counter() - started
    db.close()
    return READINGS / took_s

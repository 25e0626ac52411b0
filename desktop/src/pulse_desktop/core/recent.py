"""
The recent past of a device as its files hold it: points of one metric for a chart, and the rows that wait.

Reads beside the writer and never writes; the cost of a look is bounded however much the files hold, because what is
too much for a chart is thinned by its position before it is read. Confirmed readings are there for
``confirmed_keep_h`` hours, so a chart is complete after a restart. Read next: ``outbox.schema``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pulse_acl.payloads import parse_time

from .outbox.schema import NUMBERS, open_for_reading
from .readings import MetricValue

MOST_POINTS = 2_000
MOST_WAITING = 200
MOST_STREAMS = 40  # of the buffer; older ones are listed as waiting, and not drawn
_decode = msgspec.json.Decoder(dict[str, bool | int | float]).decode


@dataclass(frozen=True, slots=True)
class Point:
    """One value; ``at``: when it was measured, seconds since 1970."""

    at: float
    value: MetricValue


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A row of the buffer; ``state``: pending, sent or quarantined, then with the archive's ``reason``."""

    stream: str
    sequence_no: int
    recorded_at: str
    metrics: dict[str, MetricValue]
    state: str
    reason: str | None


class Recent:
    """Opens the file anew for each look, so it can be used from any thread, and while the file is replaced."""

    def __init__(self, outbox: Path) -> None:
        self._path = outbox

    def points(self, metric: str, since: float, limit: int = MOST_POINTS) -> list[Point]:
        """
        Return about *limit* values of *metric* at most, measured at or after *since* (seconds since 1970), ascending.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        db = open_for_reading(self._path)
        try:
            db.execute("BEGIN")  # one picture, while rows come and go
            found = [point for row in _rows(db, since, limit) if (point := _point(row, metric)) is not None]
        finally:
            db.close()
        return sorted(found, key=lambda point: point.at)

    def waiting(self, limit: int = MOST_WAITING) -> list[WaitingRow]:
        """
        Return the oldest *limit* rows of the buffer, those first that go first.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        text = "SELECT stream, sequence_no, recorded_at, metrics, state, reason FROM telemetry_buffer ORDER BY position"
        db = open_for_reading(self._path)
        try:
            rows = db.execute(f"{text} LIMIT ?", (limit,)).fetchall()
        finally:
            db.close()
        return [
            WaitingRow(stream, number, at, _decode(metrics), state, reason)
            for stream, number, at, metrics, state, reason in rows
        ]


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows of *table* whose *key*, which follows the time closely, is from *least* to *most*."""

    db: sqlite3.Connection
    table: str
    key: str
    least: int
    most: int

    def since(self, since: float, limit: int) -> Iterator[tuple[str, bytes]]:
        """Yield (recorded_at, metrics) since *since*, of all rows or of every n-th, about *limit* at most."""
        span = self._span()
        if span is None:
            return
        first, last = self._first_since(span, since), span[1]
        step = max(1, -(-(last - first + 1) // limit))
        text = f"SELECT recorded_at, metrics FROM {self.table} WHERE {self.key} "  # noqa: S608 - our own names
        if step == 1:
            yield from self.db.execute(f"{text} BETWEEN ? AND ?", (first, last))
            return
        for number in range(last, first - 1, -step):
            yield from self.db.execute(f"{text} = ?", (number,))

    def _span(self) -> tuple[int, int] | None:
        """Return the first and the last key there is."""
        where = f"FROM {self.table} WHERE {self.key} BETWEEN ? AND ?"
        # One question each: SQLite answers a lone MIN or MAX from the end of the tree, both together by a scan.
        first, last = (
            self.db.execute(f"SELECT {end}({self.key}) {where}", (self.least, self.most)).fetchone()[0]
            for end in ("MIN", "MAX")
        )
        return None if first is None else (first, last)

    def _first_since(self, span: tuple[int, int], since: float) -> int:
        """Return the first key whose row was measured at or after *since*, by halving; one past the last if none."""
        first, last = span
        text = f"SELECT {self.key}, recorded_at FROM {self.table} WHERE {self.key} >= ? ORDER BY {self.key} LIMIT 1"  # noqa: S608
        while first <= last:
            middle = (first + last) // 2
            found, at = self.db.execute(text, (middle,)).fetchone()
            if parse_time(at).timestamp() < since:
                first = found + 1
            else:
                last = middle - 1
        return first


def _rows(db: sqlite3.Connection, since: float, limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield (recorded_at, metrics) of both tables, about *limit* of each stretch."""
    yield from _Stretch(db, "telemetry_data", "rowid", 0, 2**62).since(since, limit)
    streams = db.execute("SELECT ordinal FROM streams ORDER BY ordinal DESC LIMIT ?", (MOST_STREAMS,)).fetchall()
    for (ordinal,) in streams:
        stretch = _Stretch(db, "telemetry_buffer", "position", ordinal * NUMBERS, (ordinal + 1) * NUMBERS - 1)
        yield from stretch.since(since, limit)


def _point(row: tuple[str, bytes], metric: str) -> Point | None:
    value = _decode(row[1]).get(metric)
    return None if value is None else Point(parse_time(row[0]).timestamp(), value)

"""
The recent past of a device as its files hold it: points of one metric for a chart, and the rows that wait.

Reads beside the writer and never writes; the cost of a look is bounded however much the files hold, because what is
too much for a chart is thinned by SQLite before it is decoded: to one value of the metric for each piece of the time.
Confirmed readings are there for ``confirmed_keep_h`` hours, so a chart is complete after a restart.

Read next: ``outbox.schema``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pulse_acl.payloads import format_time, parse_time

from .outbox.schema import NUMBERS, open_for_reading
from .readings import MetricValue

MOST_POINTS = 2_000
MOST_WAITING = 200
MOST_STREAMS = 40  # of the buffer; older ones are listed as waiting, and not drawn
MOST_SCANNED = 400_000  # rows that are looked through for a metric; of more only a part of each piece is
DAY_OF_1970 = 2_440_587.5  # as SQLite's julianday counts
HAS = "recorded_at BETWEEN ? AND ? AND instr(metrics, ?) > 0"  # Wanted
Wanted = tuple[str, str, bytes]  # since, until, and the metric's name as it stands in a row
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

    def points(self, metric: str, since: float, until: float, limit: int = MOST_POINTS) -> list[Point]:
        """
        Return *limit* values of *metric* at most, measured from *since* to *until* (seconds since 1970), ascending.

        There may be later ones, and rows that do not ascend: those from before the clock was set back.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        with closing(open_for_reading(self._path)) as db:
            db.execute("BEGIN")  # one picture, while rows come and go
            rows = _rows(db, metric, (since, until), limit)
            found = [point for row in rows if (point := _point(row, metric)) is not None]
        return _thinned(sorted(found, key=lambda point: point.at), limit)

    def latest(self) -> dict[str, tuple[MetricValue, str]]:
        """
        Return the newest value of each metric, and when it was measured.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        with closing(open_for_reading(self._path)) as db:
            rows = db.execute("SELECT metric_key, value, recorded_at FROM telemetry_live").fetchall()
        return {name: (msgspec.json.decode(text, type=bool | int | float), at) for name, text, at in rows}

    def unanswered(self) -> int:
        """
        Return how many readings the running device has set aside because the archive answers others and not them.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        with closing(open_for_reading(self._path)) as db:
            row = db.execute("SELECT set_aside FROM sync_state WHERE id = 1").fetchone()
        return int((row and row[0]) or 0)

    def waiting(self, limit: int = MOST_WAITING) -> list[WaitingRow]:
        """
        Return the oldest *limit* rows of the buffer, those first that go first.

        Raises:
            sqlite3.Error: The file cannot be read.
        """
        text = "SELECT stream, sequence_no, recorded_at, metrics, state, reason FROM telemetry_buffer ORDER BY position"
        with closing(open_for_reading(self._path)) as db:
            rows = db.execute(f"{text} LIMIT ?", (limit,)).fetchall()
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

    def since(self, since: float) -> _Found | None:
        """Return which of the rows were measured at or after *since*; ``None``: none."""
        span = self._span()
        if span is None:
            return None
        first, last = self._first_since(span, since), span[1]
        if first > last:
            return None
        return _Found(self, first, last, self._at(first), self._at(last))

    def _at(self, key: int) -> float:
        text = f"SELECT recorded_at FROM {self.table} WHERE {self.key} >= ? ORDER BY {self.key} LIMIT 1"  # noqa: S608
        return parse_time(self.db.execute(text, (key,)).fetchone()[0]).timestamp()

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


@dataclass(frozen=True, slots=True)
class _Found:
    """The rows of a stretch with keys from *first* to *last*, measured from *begun_at* to *ended_at*."""

    of: _Stretch
    first: int
    last: int
    begun_at: float
    ended_at: float

    @property
    def count(self) -> int:
        """How many rows there are at most."""
        return self.last - self.first + 1

    def all(self, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
        """Yield (recorded_at, metrics) of all rows that are wanted."""
        text = f"SELECT recorded_at, metrics FROM {self.of.table} WHERE {self.of.key} BETWEEN ? AND ? AND {HAS}"  # noqa: S608
        yield from self.of.db.execute(text, (self.first, self.last, *wanted))

    def by_time(self, wanted: Wanted, end: float, width_s: float) -> Iterator[tuple[str, bytes]]:
        """Yield of each piece of *width_s* seconds before *end* the newest row that is wanted."""
        table, key = self.of.table, self.of.key
        text = f"""SELECT recorded_at, metrics FROM {table} WHERE {key} IN (
            SELECT MAX({key}) FROM {table} WHERE {key} BETWEEN ? AND ? AND {HAS}
            GROUP BY CAST((? - julianday(recorded_at)) * 86400 / ? AS INTEGER))"""  # noqa: S608
        end_day = end / 86_400 + DAY_OF_1970
        yield from self.of.db.execute(text, (self.first, self.last, *wanted, end_day, width_s))

    def by_place(self, wanted: Wanted, step: int, depth: int) -> Iterator[tuple[str, bytes]]:
        """Yield of each *step* rows the newest that is wanted among the last *depth*."""
        text = (
            f"SELECT recorded_at, metrics FROM {self.of.table} WHERE {self.of.key} BETWEEN ? AND ? AND {HAS} "  # noqa: S608
            f"ORDER BY {self.of.key} DESC LIMIT 1"
        )
        for number in range(self.last, self.first - 1, -step):
            yield from self.of.db.execute(text, (max(self.first, number - depth + 1), number, *wanted))


def _stretches(db: sqlite3.Connection) -> Iterator[_Stretch]:
    yield _Stretch(db, "telemetry_data", "rowid", 0, 2**62)
    streams = db.execute("SELECT ordinal FROM streams ORDER BY ordinal DESC LIMIT ?", (MOST_STREAMS,)).fetchall()
    for (ordinal,) in streams:
        yield _Stretch(db, "telemetry_buffer", "position", ordinal * NUMBERS, (ordinal + 1) * NUMBERS - 1)


def _rows(db: sqlite3.Connection, metric: str, span: tuple[float, float], limit: int) -> Iterator[tuple[str, bytes]]:
    """Yield (recorded_at, metrics) of rows of both tables with *metric*, thinned where there are more than *limit*."""
    since, until = span
    found = [one for stretch in _stretches(db) if (one := stretch.since(since)) is not None]
    count = sum(one.count for one in found)
    end = min(until, max((one.ended_at for one in found), default=since))
    begun_at = min((one.begun_at for one in found), default=since)
    width_s = max(1e-3, (end - (begun_at if since <= begun_at < end else since)) / limit)
    wanted = _text(since), _text(until), f'"{metric}":'.encode()
    for one in found:
        if count <= limit:
            yield from one.all(wanted)
        elif count <= MOST_SCANNED:
            yield from one.by_time(wanted, end, width_s)
        else:
            yield from one.by_place(wanted, -(-count // limit), max(1, MOST_SCANNED // limit))


def _text(at: float) -> str:
    return format_time(datetime.fromtimestamp(at, UTC))


def _thinned(points: list[Point], limit: int) -> list[Point]:
    """Return the newest of each piece of the time when *points*, ascending, are more than *limit*."""
    if len(points) <= limit:
        return points
    end, span_s = points[-1].at, max(1e-3, points[-1].at - points[0].at)
    pieces: dict[int, Point] = {}
    for point in points:
        pieces[min(limit - 1, int((end - point.at) / span_s * limit))] = point
    return sorted(pieces.values(), key=lambda point: point.at)


def _point(row: tuple[str, bytes], metric: str) -> Point | None:
    value = _decode(row[1]).get(metric)
    return None if value is None else Point(parse_time(row[0]).timestamp(), value)

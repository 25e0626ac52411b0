"""
Numbers that were given up: kept until a receipt settles them, then as long as confirmed readings.

Called by ``file`` only, inside its transactions. Source: delivery, "The device", point 7.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from pulse_acl.ranges import Range, union

from .schema import positions
from .state import StreamState


class Losses:
    """The tables ``telemetry_lost`` (declared until settled) and ``telemetry_lost_settled``."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def load(self) -> dict[str, list[Range]]:
        """Return the unsettled ranges of each stream, ascending."""
        found: dict[str, list[Range]] = {}
        for stream, first, last in self._db.execute("SELECT stream, first_no, last_no FROM telemetry_lost"):
            found.setdefault(stream, []).append((first, last))
        return {stream: union(ranges) for stream, ranges in found.items()}

    def write(self, stream: StreamState, before: StreamState | None) -> None:
        """Write the unsettled ranges of *stream*; *before*: what was committed last."""
        old, new = set(before.lost) if before else set(), set(stream.lost)
        if old == new:
            return
        self._db.executemany(
            "DELETE FROM telemetry_lost WHERE stream = ? AND first_no = ?",
            [(stream.stream, first) for first, _ in old - new],
        )
        self._db.executemany(
            "INSERT INTO telemetry_lost VALUES (?, ?, ?)",
            [(stream.stream, first, last) for first, last in sorted(new - old)],
        )

    def keep_settled(self, stream: str, ranges: Sequence[Range], at: str, *, keep: bool) -> None:
        """Remember what a receipt of time *at* has settled, unless nothing confirmed is kept."""
        if keep:
            self._db.executemany(
                "INSERT INTO telemetry_lost_settled VALUES (?, ?, ?, ?)",
                [(stream, first, last, at) for first, last in ranges],
            )

    def evict(self, stream: StreamState, rows: Sequence[tuple[int, str]]) -> None:
        """Delete these buffered rows (number, state)."""
        self._db.executemany(
            "DELETE FROM telemetry_buffer WHERE position = ? AND stream = ?",
            [(positions(stream.ordinal, number, number)[0], stream.stream) for number, _ in rows],
        )

    def prune(self, limit: str) -> None:
        """Forget what was settled before *limit*."""
        self._db.execute("DELETE FROM telemetry_lost_settled WHERE receipt_at < ?", (limit,))


def oldest_rows(db: sqlite3.Connection, stream: StreamState, limit: int) -> list[tuple[int, str]]:
    """Return the first *limit* buffered rows of a stream as (number, state)."""
    return db.execute(
        "SELECT sequence_no, state FROM telemetry_buffer WHERE position BETWEEN ? AND ? ORDER BY position LIMIT ?",
        (*positions(stream.ordinal, 1, stream.last_no), limit),
    ).fetchall()

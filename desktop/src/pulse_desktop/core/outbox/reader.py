"""
Reads the outbox beside its writer: rows to send, rows to show. Never writes.

One reader belongs to one thread. Read next: ``state`` (which streams have rows).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from ..readings import StoredReading
from .schema import open_for_reading, positions
from .state import OutboxState, StreamState

_ROWS = """SELECT sequence_no, recorded_at, metrics FROM telemetry_buffer
WHERE position BETWEEN ? AND ? AND state <> 'quarantined' ORDER BY position LIMIT ?"""
NO_LIMIT = 2**62
ENVELOPE_BYTES = 110  # what one reading of a batch needs around its metrics, at most


class OutboxReader:
    """A read-only connection."""

    def __init__(self, path: Path) -> None:
        """
        Open *path*.

        Raises:
            sqlite3.Error: It is not there or cannot be read.
        """
        self._db = open_for_reading(path)

    def rows(self, stream: StreamState, first: int, last: int, limit: int, max_bytes: int) -> list[StoredReading]:
        """Return up to *limit* held rows of one stream, ascending, *first* to *last*, together under *max_bytes*."""
        found: list[StoredReading] = []
        size = 0
        for number, recorded_at, metrics in self._db.execute(_ROWS, (*positions(stream.ordinal, first, last), limit)):
            size += len(metrics) + ENVELOPE_BYTES
            if found and size > max_bytes:
                break
            found.append(StoredReading(stream.ordinal, stream.stream, number, recorded_at, metrics))
        return found

    def numbered(self, stream: StreamState, numbers: Iterable[int]) -> list[StoredReading]:
        """Return those of *numbers* that are still held, ascending."""
        wanted = set(numbers)
        if not wanted:
            return []
        first, last = min(wanted), max(wanted)
        if last - first < 4 * len(wanted):
            return [
                row for row in self.rows(stream, first, last, last - first + 1, NO_LIMIT) if row.sequence_no in wanted
            ]
        return [row for number in sorted(wanted) for row in self.rows(stream, number, number, 1, NO_LIMIT)]

    def oldest(self, state: OutboxState, limit: int, max_bytes: int) -> list[StoredReading]:
        """Return the first *limit* held rows of all streams, oldest stream first, a stream's under *max_bytes*."""
        found: list[StoredReading] = []
        for stream in state.streams:
            if len(found) >= limit:
                break
            if stream.held:
                found += self.rows(stream, stream.first_held, stream.last_held, limit - len(found), max_bytes)
        return found

    def knows(self, stream: str) -> bool:
        """Tell whether *stream* was ever begun in this file."""
        return self._db.execute("SELECT 1 FROM streams WHERE stream = ?", (stream,)).fetchone() is not None

    def streams(self) -> list[tuple[str, int, str]]:
        """Return every stream as (id, last sequence number, begun at), in the order they were begun."""
        return self._db.execute("SELECT stream, last_sequence_no, begun_at FROM streams ORDER BY ordinal").fetchall()

    def counts(self) -> dict[str, int]:
        """Return the number of buffered rows by state, counted afresh."""
        return dict(self._db.execute("SELECT state, count(*) FROM telemetry_buffer GROUP BY state").fetchall())

    def lost(self) -> int:
        """Return how many numbers were given up and wait for a receipt."""
        if not self._db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'telemetry_lost'").fetchone()[0]:
            return 0  # a file of an older version
        return int(self._db.execute("SELECT total(last_no - first_no + 1) FROM telemetry_lost").fetchone()[0])

    def sync_state(self) -> dict[str, Any]:
        """Return the row in which the running client notes how it is."""
        cursor = self._db.execute("SELECT * FROM sync_state WHERE id = 1")
        row = cursor.fetchone()
        return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}

    def latest(self) -> dict[str, bool | int | float]:
        """Return the newest value of each metric."""
        rows = self._db.execute("SELECT metric_key, value FROM telemetry_live").fetchall()
        return {key: msgspec.json.decode(text, type=bool | int | float) for key, text in rows}

    def settings(self, client_id: str) -> dict[str, str]:
        """Return the stored settings; one for this device goes before one for all."""
        rows = self._db.execute(
            "SELECT config_key, config_value FROM system_config WHERE device IN ('', ?) ORDER BY device", (client_id,)
        ).fetchall()
        return dict(rows)

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

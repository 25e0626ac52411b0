"""
Where flushing stands: what was held when it began, how far it has been sent, from where on readings go live.

Reads rows and sends nothing. Positions are (ordinal of the stream, sequence number), so that streams are flushed
in the order they were begun whatever the clock said. Source: delivery, "The device", point 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from ..outbox import OutboxState, StreamState
from ..readings import StoredReading
from . import messages
from .aside import Aside

Position: TypeAlias = tuple[int, int]
START: Position = (0, 0)
SAMPLE_ROWS = 20
SAMPLE_BYTES = 32 * 1024  # of a heartbeat; wide rows are shown in smaller number


class Rows(Protocol):
    """What is read from the outbox; see ``OutboxReader``."""

    def rows(self, stream: StreamState, first: int, last: int, limit: int, max_bytes: int) -> list[StoredReading]:
        """Return held rows of one stream."""
        ...

    def numbered(self, stream: StreamState, numbers: Sequence[int]) -> list[StoredReading]:
        """Return those that are still held."""
        ...

    def oldest(self, state: OutboxState, limit: int, max_bytes: int) -> list[StoredReading]:
        """Return the first held rows."""
        ...

    def knows(self, stream: str) -> bool:
        """Tell whether this device made *stream*."""
        ...


class Backlog:
    """The cursor over held rows. ``live_from``: readings after it go to /live; ``None``: none do."""

    def __init__(self, rows: Rows, aside: Aside) -> None:
        self._rows, self._aside = rows, aside
        self._cursor = self._goal = START
        self.live_from: Position | None = None

    def begin(self, picture: OutboxState, *, live_first: bool) -> None:
        """Begin at the oldest row; the goal is what is held now."""
        self._cursor, self._goal = START, picture.head
        self.live_from = self._goal if live_first else None

    def open_live(self, picture: OutboxState) -> None:
        """From the next reading on, straight to /live; what is not sent so far stays backlog."""
        if self.live_from is None:
            self.live_from = picture.head

    def is_live(self, row: StoredReading) -> bool:
        """Tell whether a new reading goes to /live."""
        return self.live_from is not None and (row.ordinal, row.sequence_no) > self.live_from

    def is_done(self, picture: OutboxState) -> bool:
        """Tell whether everything held at the beginning has its answer; what is set aside needs none."""
        if not self._aside:
            return not picture.holds_up_to(self._goal)
        waiting = self.oldest(picture, 1)
        return not any((row.ordinal, row.sequence_no) <= self._goal for row in waiting)

    def oldest(self, picture: OutboxState, limit: int) -> list[StoredReading]:
        """Return up to *limit* held rows of the oldest stream that waits, without what is set aside."""
        rows = self._rows.oldest(picture, limit + len(self._aside), messages.BATCH_BYTES)
        wanted = self._without_aside(rows)
        return [row for row in wanted if row.stream == wanted[0].stream][:limit]

    def sample(self, picture: OutboxState) -> list[StoredReading]:
        """Return the rows that a heartbeat shows as waiting."""
        rows = self._rows.oldest(picture, SAMPLE_ROWS, SAMPLE_BYTES)
        return rows[: max(1, SAMPLE_BYTES // max((len(row.metrics) for row in rows), default=1))]

    def next_batch(self, picture: OutboxState, limit: int) -> list[StoredReading]:
        """Return the next rows to send, of one stream, and move on behind them; empty at the end."""
        while rows := self._read_on(picture, limit):
            self._cursor = (rows[-1].ordinal, rows[-1].sequence_no)
            wanted = self._without_aside(rows)
            if wanted:
                return wanted
        return []

    def _without_aside(self, rows: Sequence[StoredReading]) -> list[StoredReading]:
        return [row for row in rows if (row.stream, row.sequence_no) not in self._aside]

    def _read_on(self, picture: OutboxState, limit: int) -> list[StoredReading]:
        ordinal, number = self._cursor
        end = self.live_from or picture.head
        if self._cursor >= end:
            return []
        for stream in picture.streams:
            if not stream.held or not ordinal <= stream.ordinal <= end[0]:
                continue
            first = max(stream.first_held, number + 1 if stream.ordinal == ordinal else 1)
            last = min(stream.last_held, end[1]) if stream.ordinal == end[0] else stream.last_held
            rows = self._rows.rows(stream, first, last, limit, messages.BATCH_BYTES) if first <= last else []
            if rows:
                return rows
        self._cursor = end
        return []

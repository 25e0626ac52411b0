"""
How fast a device records, measured: several sources, some with an interval of their own, say nothing about it.

Pure but for the time passed in. Used by one thread.
"""

from __future__ import annotations

from collections import deque

SPAN_S = 600.0  # that is measured over; shorter makes a slow source jump, longer is late after a change
LEAST_S = 10.0  # below that the figures say nothing
LEAST_ROWS = 3
EVERY_S = 2.0


class Growth:
    """Rows and bytes over the last ``SPAN_S`` seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int, int]] = deque()
        self._rows = self._bytes = 0

    def note(self, now: float, rows: int, size: int) -> None:
        """Add *rows* of *size* bytes together; *now*: monotonic seconds."""
        self._rows += rows
        self._bytes += size
        if not self._marks or now - self._marks[-1][0] >= EVERY_S:
            self._marks.append((now, self._rows, self._bytes))
        while len(self._marks) > 1 and now - self._marks[1][0] >= SPAN_S:
            self._marks.popleft()

    def forget(self) -> None:
        """Begin anew, because the device records otherwise from now on."""
        self._marks.clear()

    def per_s(self, now: float) -> float | None:
        """Return rows per second; ``None``: too few so far to say."""
        if not self._marks:
            return None
        since, rows, _ = self._marks[0]
        if now - since < LEAST_S or self._rows - rows < LEAST_ROWS:
            return None
        return (self._rows - rows) / (now - since)

    def row_bytes(self) -> float | None:
        """Return the mean size of a row; ``None``: there was none so far."""
        since_rows, since_bytes = self._marks[0][1:] if self._marks else (0, 0)
        if self._rows == since_rows:  # none since the first mark: all that there ever were
            since_rows = since_bytes = 0
        return (self._bytes - since_bytes) / (self._rows - since_rows) if self._rows else None

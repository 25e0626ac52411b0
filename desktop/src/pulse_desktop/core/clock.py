"""
The two clocks of a machine, passed in everywhere so that tests can turn them, and the watch over both.

Nothing else in this part reads a clock. Read next: ``outbox.file``, which begins a stream when they drift.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

DRIFT_LIMIT_S = 5.0


class Clock(Protocol):
    """What time it is, and how much of it has passed."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC; it may jump."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never run backwards; they may stand still while the machine sleeps."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the wall clock's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the monotonic clock in seconds."""
        return time.monotonic()


class DriftWatch:
    """Notices suspend, resumed snapshots and clock corrections: both clocks drifting apart."""

    def __init__(self, clock: Clock, limit_s: float = DRIFT_LIMIT_S) -> None:
        self._clock = clock
        self._limit_s = limit_s
        self._distance = self._measure()

    def jumped(self) -> bool:
        """Tell whether the clocks have drifted apart by more than the limit since the last time it was true."""
        distance = self._measure()
        if abs(distance - self._distance) <= self._limit_s:
            return False
        self._distance = distance
        return True

    def _measure(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

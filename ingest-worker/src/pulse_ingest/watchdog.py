"""
Ending the worker when it holds messages and nothing happens to them, though the archive is there (failure case 11).

Whatever froze is a fault of ours that cannot be foreseen; a new process begins with nothing and loses nothing. Pure
but for the clock passed in. Read next: ``worker``, which asks every few seconds.
"""

from __future__ import annotations

from collections.abc import Callable

from .clock import Clock

# Longer than any statement may take (30 s), after which the database counts as away.
STALLED_AFTER_S = 90.0


class Watchdog:
    """Compares how far the work has come each time that it is asked."""

    def __init__(self, *, is_waiting: Callable[[], bool], steps: Callable[[], int], clock: Clock) -> None:
        """Take what tells whether the work can go on and there is some, and a count that grows with each step."""
        self._is_waiting = is_waiting
        self._steps = steps
        self._clock = clock
        self._seen = 0
        self._moved_at = clock.monotonic()

    def is_stalled(self) -> bool:
        """Tell whether something waits and no step was made for 90 s."""
        now, steps = self._clock.monotonic(), self._steps()
        if steps != self._seen or not self._is_waiting():
            self._seen, self._moved_at = steps, now
        return now - self._moved_at > STALLED_AFTER_S

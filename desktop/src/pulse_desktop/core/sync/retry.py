"""When to ask or send again: after 10 s, doubling to 10 minutes, until there is an answer. Pure."""

from __future__ import annotations

import math

FIRST_S = 10.0
MOST_S = 600.0


class Retry:
    """One thing that waits for an answer; ``due_at`` in seconds of the monotonic clock, infinite when nothing waits."""

    def __init__(self) -> None:
        self.due_at = math.inf
        self._wait_s = FIRST_S

    @property
    def is_open(self) -> bool:
        """Tell whether an answer is waited for."""
        return self.due_at < math.inf

    def sent(self, now: float) -> None:
        """Note that it went out *now*; each time without an answer doubles the wait."""
        self.due_at = now + self._wait_s
        self._wait_s = min(MOST_S, self._wait_s * 2)

    def pause(self) -> None:
        """Wait for nothing now, and go on with the longer waits at the next sending."""
        self.due_at = math.inf

    def settled(self) -> None:
        """Note that all is answered."""
        self.due_at, self._wait_s = math.inf, FIRST_S

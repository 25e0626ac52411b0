"""How long to wait before the next try: exponential with full jitter, so that a fleet does not come back at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

_MOST_DOUBLINGS = 30


class Backoff:
    """Waits a random part of a bound that doubles with each failure."""

    def __init__(
        self,
        *,
        first_s: float,
        most_s: float,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Take the first and the largest bound in seconds, and where chance (0 to 1) and waiting come from."""
        self._first_s = first_s
        self._most_s = most_s
        self._draw = draw
        self._sleep = sleep
        self._failures = 0

    def next_s(self) -> float:
        """Count a failure and return how long to wait now, in seconds."""
        bound = min(self._most_s, self._first_s * 2.0 ** min(self._failures, _MOST_DOUBLINGS))
        self._failures += 1
        return self._draw() * bound

    async def wait(self) -> float:
        """Wait before the next try; return for how long, in seconds."""
        seconds = self.next_s()
        await self._sleep(seconds)
        return seconds

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._failures = 0

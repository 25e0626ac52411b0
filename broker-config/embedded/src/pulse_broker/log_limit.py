"""How often one client may make the broker write to its log: what a client is refused, it can ask for without end."""

from __future__ import annotations

from collections.abc import Callable

MOST_LINES = 20
PERIOD_S = 10.0


class LogLimit:
    """Lets ``MOST_LINES`` pass in each period, and knows how many it held back since it last let one pass."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        """Take *ticks* as the clock, in seconds from any beginning."""
        self._ticks = ticks
        self._began, self._written, self._held_back = ticks(), 0, 0

    def passes(self) -> int | None:
        """Return how many lines were held back before this one, or ``None`` when this one is held back too."""
        at = self._ticks()
        if at - self._began >= PERIOD_S:
            self._began, self._written = at, 0
        if self._written >= MOST_LINES:
            self._held_back += 1
            return None
        self._written += 1
        held_back, self._held_back = self._held_back, 0
        return held_back

"""
How many batches may be out at once: as many as keep the way to the archive busy, and no more.

Whatever is out beyond that only waits in the broker's queues, where everybody's live readings wait behind it. So the
measure is how much longer an answer takes than the quickest one: within ``QUEUED_S`` the window opens, at twice as
much it closes. What an answer takes while hardly anything is out is the way's own, however long: so a way that has
become slow for good is learnt when the window has closed. Pure; time is passed in. Source: delivery, "The device",
point 3.
"""

from __future__ import annotations

START = 4.0
LEAST = 2.0
MOST = 64.0
QUEUED_S = 0.15
CLOSING = 0.75


class Window:
    """The present size, in batches; it outlives connections."""

    def __init__(self) -> None:
        self.size = START
        self._quickest_s = float("inf")
        self._closed_at = float("-inf")
        self._has_closed = False

    def answered(self, took_s: float, now: float) -> None:
        """Take an answer to a batch into account, *took_s* after it was sent."""
        self._quickest_s = took_s if self.size <= LEAST else min(self._quickest_s, took_s)
        queued_s = took_s - self._quickest_s
        if queued_s <= QUEUED_S:
            # Doubles with every round of answers until it has closed once, then goes up by one a round.
            self.size = min(MOST, self.size + (1.0 / self.size if self._has_closed else 1.0))
        elif queued_s > 2 * QUEUED_S and now >= self._closed_at + took_s:
            # Once a round: the answers to what went out before the closing tell nothing of it.
            self.size = max(min(self.size, LEAST), self.size * CLOSING)
            self._closed_at, self._has_closed = now, True

    def unanswered(self) -> None:
        """Something has waited too long."""
        self.size = max(1.0, self.size / 2)

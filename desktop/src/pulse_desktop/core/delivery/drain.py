"""
How fast a backlog drains: readings answered per second since its flush began, for people.

Pure; time is passed in. Source: delivery, "The device", point 3.
"""

from __future__ import annotations

LEAST_READINGS = 100  # of fewer, the rate says how quickly one answer came


class Drain:
    """The present flush, or the last one; ``readings`` answered since it began."""

    def __init__(self) -> None:
        self._began_at: float | None = None
        self._took_s = 0.0
        self.readings = 0

    def begin(self, now: float) -> None:
        """A flush begins."""
        self._began_at, self._took_s, self.readings = now, 0.0, 0

    def answered(self, count: int, now: float) -> None:
        """The archive has answered *count* more readings."""
        if self._began_at is not None and count:
            self.readings += count
            self._took_s = now - self._began_at

    def end(self) -> None:
        """Nothing of the backlog is left; the figures stay."""
        self._began_at = None

    @property
    def per_s(self) -> float | None:
        """Readings answered per second of this flush; ``None``: too few to say."""
        enough = self.readings >= LEAST_READINGS and self._took_s > 0
        return self.readings / self._took_s if enough else None

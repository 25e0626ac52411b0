"""
How long to wait before the next try: exponential with full jitter, so that a fleet does not come back at once.

Pure; randomness is passed in.
"""

from __future__ import annotations

from random import Random

BASE_S = 0.5
CAP_S = 5.0  # as the dashboard's: after a restart of the broker all are back within 10 s
LONG_CAP_S = 60.0
LONG_AFTER = 80  # tries; at a mean of 2.5 s this is a bit over three minutes


class Backoff:
    """Counts failures in a row and says how long to wait after each."""

    def __init__(self, random: Random, base_s: float = BASE_S, cap_s: float = CAP_S) -> None:
        self._random = random
        self._base_s = base_s
        self._cap_s = cap_s
        self.failures = 0

    def failed(self) -> float:
        """Count one more failure and return the seconds to wait, 0 to the present ceiling."""
        ceiling = min(self._cap_s, self._base_s * 2.0 ** min(self.failures, 16))
        if self.failures >= LONG_AFTER:
            ceiling = max(self._cap_s, LONG_CAP_S)
        self.failures += 1
        return self._random.uniform(0.0, ceiling)

    def succeeded(self) -> None:
        """Begin anew: the next failure waits shortly."""
        self.failures = 0

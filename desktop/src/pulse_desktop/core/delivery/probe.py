"""
When an archive that is away is asked next: every 30 s, and soon after it has said that it is back.

Pure; time is passed in. Source: delivery, "The device", point 2.
"""

from __future__ import annotations

from random import Random

EVERY_S = 30.0
SOON_S = 10.0  # spread over this, so that not all devices ask at once


class Probe:
    """The time of the next question; ``due_at`` by the monotonic clock."""

    def __init__(self, random: Random, now: float) -> None:
        self._random = random
        self.due_at = now
        self._waits_for_word = False

    def put_off(self, now: float) -> None:
        """Ask after the full time."""
        self.due_at = now + EVERY_S

    def archive_went(self, *, said_so: bool) -> None:
        """Note that the archive is away; when it *said_so*, its word that it is back counts."""
        self._waits_for_word = said_so

    def archive_speaks(self, now: float) -> None:
        """Ask soon, once, when the archive had said that it goes and no longer says it."""
        if self._waits_for_word:
            self._waits_for_word = False
            self.soon(now)

    def soon(self, now: float) -> None:
        """Ask within ``SOON_S``."""
        self.due_at = min(self.due_at, now + self._random.uniform(0.0, SOON_S))

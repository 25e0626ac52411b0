"""
Single readings that the archive leaves unanswered although it answers others: set aside as UNANSWERED.

They stay held and are shown, hold up nothing, and are offered alone now and then. Pure; time is passed in.
Source: delivery, "The device", point 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pulse_acl.ranges import Range

OFFER_EVERY_S = 600.0


class Aside:
    """The readings set aside since the program started, by (stream, number)."""

    def __init__(self) -> None:
        self._offer_at: dict[tuple[str, int], float] = {}

    def __len__(self) -> int:
        return len(self._offer_at)

    def __contains__(self, key: object) -> bool:
        return key in self._offer_at

    def add(self, stream: str, number: int, now: float) -> None:
        """Set one reading aside."""
        self._offer_at[stream, number] = now + OFFER_EVERY_S

    def offers(self, now: float) -> list[tuple[str, int]]:
        """Return those whose turn it is to be offered alone; their next turn is set."""
        due = [key for key, at in self._offer_at.items() if at <= now]
        self._offer_at.update(dict.fromkeys(due, now + OFFER_EVERY_S))
        return due

    def next_offer(self) -> float | None:
        """Return when ``offers`` has something next."""
        return min(self._offer_at.values(), default=None)

    def offer_soon(self, at: float) -> None:
        """Offer all of them at *at*: a new worker has come up."""
        self._offer_at = dict.fromkeys(self._offer_at, at)

    def answered(self, stream: str, ranges: Sequence[Range]) -> int:
        """Forget those that were answered after all; return how many."""
        gone = [
            key for key in self._offer_at if key[0] == stream and any(first <= key[1] <= last for first, last in ranges)
        ]
        self.drop(gone)
        return len(gone)

    def drop(self, keys: Iterable[tuple[str, int]]) -> None:
        """Forget readings that are no longer held."""
        for key in keys:
            self._offer_at.pop(key, None)

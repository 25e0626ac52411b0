"""
Declarations of loss on their way: which are to be sent now, and which have been answered.

They always travel in batches of their own, so that no reading waits for them. In the flight they stand in a lane
beside their stream's readings, each under its range's first number; so they wait, are sent again and halved like
readings, but are never set aside. Pure. Source: delivery, "The device", points 4 and 7.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pulse_acl.ranges import Range, difference, intersection, union

from ..outbox import OutboxState
from .flight import Flight

MOST_RANGES = 1_000  # in one message
_LANE = "lost:"


def lane_of(stream: str) -> str:
    """Return the name under which the flight knows a stream's declarations."""
    return f"{_LANE}{stream}"


def stream_in(lane: str) -> str | None:
    """Return the stream whose declarations go by *lane*; ``None``: it is no such lane."""
    return lane.removeprefix(_LANE) if lane.startswith(_LANE) else None


class Declarations:
    """What of the outbox's losses is still to be declared; ``named`` by a receipt, it need not be in a commit yet."""

    def __init__(self) -> None:
        self._named: dict[str, list[Range]] = {}

    def named(self, stream: str, ranges: Sequence[Range]) -> None:
        """Take note of what a receipt has settled."""
        self._named[stream] = union([*self._named.get(stream, ()), *ranges])

    def committed(self, picture: OutboxState) -> None:
        """Forget answers that the outbox has taken in."""
        for stream in list(self._named):
            known = picture.known(stream)
            left = intersection(known.lost, self._named[stream]) if known is not None else []
            if left:
                self._named[stream] = left
            else:
                del self._named[stream]

    def reopen(self) -> None:
        """Forget all answers: the archive wants to be told again."""
        self._named = {}

    def next_batch(self, picture: OutboxState, flight: Flight) -> tuple[str, list[Range]] | None:
        """Return ranges of one stream that are not under way."""
        for stream in picture.streams:
            if not stream.lost:
                continue
            lane = lane_of(stream.stream)
            ready = [found for found in self._open(picture, stream.stream) if not flight.is_out(lane, found[0])]
            if ready:
                return stream.stream, ready[:MOST_RANGES]
        return None

    def beginning_at(self, picture: OutboxState, stream: str, firsts: Collection[int]) -> list[Range]:
        """Return the unsettled ranges that begin at one of *firsts*, to be sent again."""
        wanted = set(firsts)
        return [found for found in self._open(picture, stream) if found[0] in wanted]

    def oldest(self, picture: OutboxState) -> tuple[str, list[Range]] | None:
        """Return the first ranges that are unsettled, under way or not."""
        return self.next_batch(picture, Flight())

    def _open(self, picture: OutboxState, stream: str) -> list[Range]:
        known = picture.known(stream)
        if known is None:
            return []
        named = self._named.get(stream)
        return difference(known.lost, named) if named else list(known.lost)

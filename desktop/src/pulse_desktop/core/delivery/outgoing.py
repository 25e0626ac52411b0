"""
Puts telemetry on the connection and takes note of it: what is under way, and what a PUBACK will be for.

Decides nothing: ``courier`` says what to send, and when answers are awaited. Read next: ``flight``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pulse_acl.ranges import Range
from pulse_acl.topics import Topic, build

from ..clock import Clock
from ..readings import StoredReading
from . import messages
from .aside import Aside
from .declarations import lane_of
from .flight import Flight
from .ports import Channel


@dataclass(frozen=True, slots=True)
class Published:
    """One message that the broker has not acknowledged so far."""

    stream: str
    numbers: list[int]


class Outgoing:
    """The way out of one device; ``channel``: ``None`` without a link; ``clock_offset_ms``: said of live readings."""

    def __init__(
        self, client_id: str, flight: Flight, aside: Aside, clock: Clock, *, is_awaited: Callable[[], bool]
    ) -> None:
        """*is_awaited* tells whether what is sent now is under way, so that it is sent again without an answer."""
        self._id, self._flight, self._aside, self._clock = client_id, flight, aside, clock
        self._is_awaited = is_awaited
        self.channel: Channel | None = None
        self.clock_offset_ms: int | None = None
        self._published: dict[int, Published] = {}
        self._live = build(Topic.TELEMETRY_LIVE, client_id=client_id)
        self._buffered = build(Topic.TELEMETRY_BUFFERED, client_id=client_id)

    def link_down(self) -> None:
        """Forget the connection and what it has not acknowledged."""
        self.channel = None
        self._published = {}

    def live(self, row: StoredReading) -> None:
        """Send a new reading."""
        payload = messages.live(self._id, row, self.clock_offset_ms)
        self._send(self._live, payload, [row], is_batch=False)

    def batch(self, rows: Sequence[StoredReading]) -> None:
        """Send rows of one stream, ascending."""
        self._send(self._buffered, messages.batch(self._id, rows), rows, is_batch=True)

    def losses(self, stream: str, ranges: Sequence[Range]) -> None:
        """Declare numbers of *stream* as lost."""
        if self.channel is None:
            return
        payload = messages.loss(self._id, stream, ranges)
        self.channel.publish(self._buffered, payload)
        if self._is_awaited():
            firsts = [first for first, _ in ranges]
            self._flight.sent(lane_of(stream), firsts, len(payload), self._clock.monotonic(), is_batch=True)

    def acknowledged(self, number: int) -> Published | None:
        """Return what the broker has acknowledged by *number*, once."""
        return self._published.pop(number, None)

    def _send(self, topic: str, payload: bytes, rows: Sequence[StoredReading], *, is_batch: bool) -> None:
        if self.channel is None:
            return
        stream, numbers = rows[0].stream, [row.sequence_no for row in rows]
        self._published[self.channel.publish(topic, payload)] = Published(stream, numbers)
        if self._is_awaited() and (stream, numbers[0]) not in self._aside:
            self._flight.sent(stream, numbers, len(payload), self._clock.monotonic(), is_batch=is_batch)

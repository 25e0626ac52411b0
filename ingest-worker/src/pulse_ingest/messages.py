"""
What travels through the worker: messages as they came, and what the decoder made of them.

Plain records without behaviour of their own, but for taking a decoded message apart when a transaction fails.
Read next: ``decode`` (raw to decoded), ``batcher`` (decoded to batches).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from pulse_acl.ranges import Range, Ranges

Scalar = bool | int | float
RAW_OVERHEAD_BYTES = 300  # of Python objects around a payload, so that many small ones are bounded too


class Settleable(Protocol):
    """Something that waits to be told that a message is dealt with; an ``asyncio.Future[None]`` is one."""

    def done(self) -> bool:
        """Tell whether it was told."""

    def set_result(self, result: None, /) -> None:
        """Tell it; once only."""


class Raw(msgspec.Struct, gc=False):
    """One message as it came; ``done`` (MQTT 5 only) is resolved when the broker may be told that it is dealt with."""

    topic: str
    payload: bytes
    received_at: datetime
    retained: bool = False
    done: Settleable | None = None

    @property
    def held_bytes(self) -> int:
        """About how much memory it takes."""
        return len(self.payload) + len(self.topic) + RAW_OVERHEAD_BYTES

    def settle(self) -> None:
        """Let the broker know that the message is dealt with; on MQTT 3.1.1 it was told at once."""
        resolve(self.done)


def resolve(done: Settleable | None) -> None:
    """Resolve *done* unless it is missing, resolved or cancelled."""
    if done is not None and not done.done():
        done.set_result(None)


class Sample(msgspec.Struct, gc=False, frozen=True):
    """
    One reading that keeps the contract.

    ``recorded_at`` is when it was measured, or, when the claimed time is absurd, when it came;
    ``claimed_at`` is then the claimed time, else ``None``. Both in UTC.
    """

    sequence_no: int
    recorded_at: datetime
    claimed_at: datetime | None
    metrics: dict[str, Scalar]


class Reject(msgspec.Struct, gc=False, frozen=True):
    """Something that breaks the contract; it settles *sequence_no* when stream and number are known."""

    sequence_no: int | None
    reason: str
    excerpt: str


class Decoded(msgspec.Struct, gc=False):
    """
    One telemetry message, or a part of one.

    ``client_id`` is the topic's, ``None`` when the topic carries no valid one. ``faults`` settle no number.
    """

    client_id: str | None
    stream: UUID | None
    topic: str
    received_at: datetime
    samples: list[Sample] = []
    rejects: list[Reject] = []
    lost: Ranges = []
    faults: list[Reject] = []
    unknown_fields: int = 0
    done: Settleable | None = None

    @property
    def weight(self) -> int:
        """How much a transaction has to do for it: one for each reading, reject, declaration and fault."""
        return len(self.samples) + len(self.rejects) + len(self.lost) + len(self.faults)

    def cut(self, at: int) -> tuple[Decoded, Decoded]:
        """Take it apart into the first *at* of its things and the others."""
        samples, rejects, lost, faults = self.samples, self.rejects, self.lost, self.faults
        left, right = [], []
        for things in (samples, rejects, lost, faults):
            left.append(things[:at])
            right.append(things[at:])
            at = max(0, at - len(things))
        return self._with(left), self._with(right)

    def with_reject_only(self, reject: Reject) -> Decoded:
        """Return the message with nothing in it but *reject*."""
        return self._with([[], [reject], [], []])

    def _with(self, things: list[list[Sample] | list[Reject] | list[Range]]) -> Decoded:
        samples, rejects, lost, faults = things
        return msgspec.structs.replace(
            self, samples=samples, rejects=rejects, lost=lost, faults=faults, unknown_fields=0, done=None
        )


def halve(messages: list[Decoded]) -> tuple[list[Decoded], list[Decoded]]:
    """
    Split *messages*, whose weight is at least 2, into two halves of about equal weight.

    Nothing is dropped or doubled; a message that lies across the middle is cut. Parts of a message carry no
    ``done``: whoever splits resolves the originals.
    """
    left: list[Decoded] = []
    room = sum(message.weight for message in messages) // 2
    for index, message in enumerate(messages):
        if message.weight <= room:
            left.append(message)
            room -= message.weight
            continue
        if room == 0:
            return left, messages[index:]
        first, second = message.cut(room)
        return [*left, first], [second, *messages[index + 1 :]]
    return left, []

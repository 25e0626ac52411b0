"""
The account of a device: what became of every number that it has ever claimed.

Pure: takes the ledger rows and the newest heartbeat, returns the report of
``GET /devices/{client_id}/integrity``. Must not guess: a number that neither the ledger nor the heartbeat
explains is missing. Read next: ``pulse_acl.ranges`` (the arithmetic), ``queries`` (where the rows come from).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

import msgspec

from pulse_acl import ranges as numbers
from pulse_acl.payloads import Heartbeat
from pulse_acl.ranges import Range, Ranges


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """
    One stream in the ledger: ``settled`` holds ``rejected`` and ``lost``; ``produced`` is the highest claimed.

    ``is_newer``: first heard of after the newest heartbeat, which therefore says nothing of it.
    """

    stream: UUID
    settled: Ranges
    rejected: Ranges
    lost: Ranges
    produced: int
    duplicates: int
    is_newer: bool = False


class StreamAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One stream's share; ``first`` to ``last`` is everything claimed in it, counts but for ``missing``."""

    stream: UUID
    first: int
    last: int
    archived: int
    rejected: int
    declared_lost: int
    on_device: int
    missing: Ranges
    duplicates: int


class DeviceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Totals (counts) over all streams, and each stream that claimed a number, oldest first."""

    produced: int
    archived: int
    rejected: int
    declared_lost: int
    on_device: int
    missing: int
    duplicates: int
    streams: list[StreamAccount]


@dataclass(frozen=True, slots=True)
class _Claims:
    """What the newest heartbeat says, in a form to look streams up in."""

    held: Mapping[UUID, Ranges]
    all_held_up_to: UUID | None
    current: UUID | None
    last_sequence_no: int

    def on_device(self, stream: UUID, unsettled: Ranges) -> Ranges:
        """Return which of a stream's *unsettled* numbers the device still has."""
        if self.all_held_up_to is not None and stream <= self.all_held_up_to:
            return unsettled
        return numbers.intersection(unsettled, self.held.get(stream, []))

    def highest(self, stream: UUID) -> int:
        """Return the highest number of *stream* that the heartbeat claims."""
        current = self.last_sequence_no if stream == self.current else 0
        return max(current, numbers.highest(self.held.get(stream, [])))


def account(ledger: Iterable[LedgerRow], heartbeat: Heartbeat | None) -> DeviceAccount:
    """
    Account for every number of a device.

    Args:
        ledger: All of the device's rows, in any order; their ranges are normal.
        heartbeat: The newest that carried figures, or ``None``: then nothing is on the device.
    """
    rows = {row.stream: row for row in ledger}
    claims = _claims(heartbeat)
    named = {*rows, *claims.held, *({claims.current} if claims.current else set())}
    found = (_account_stream(rows.get(stream) or _blank(stream), claims) for stream in sorted(named))
    streams = [stream for stream in found if stream.last]
    return DeviceAccount(
        produced=sum(stream.last for stream in streams),
        archived=sum(stream.archived for stream in streams),
        rejected=sum(stream.rejected for stream in streams),
        declared_lost=sum(stream.declared_lost for stream in streams),
        on_device=sum(stream.on_device for stream in streams),
        missing=sum(numbers.count(stream.missing) for stream in streams),
        duplicates=sum(stream.duplicates for stream in streams),
        streams=streams,
    )


def _account_stream(row: LedgerRow, claims: _Claims) -> StreamAccount:
    last = max(row.produced, numbers.highest(row.settled), claims.highest(row.stream))
    unsettled = numbers.difference(numbers.union([(1, last)]), row.settled)
    on_device = claims.on_device(row.stream, unsettled)
    missing = numbers.difference(unsettled, on_device)
    if row.stream == claims.current:
        # Later numbers were made after the heartbeat: they may be on their way, so nothing is known of them yet.
        missing = numbers.intersection(missing, numbers.union([(1, claims.last_sequence_no)]))
    elif row.is_newer:
        missing = []  # begun after the heartbeat: the same holds for all of it
    return StreamAccount(
        stream=row.stream,
        first=1,
        last=last,
        archived=numbers.count(row.settled) - numbers.count(row.rejected) - numbers.count(row.lost),
        rejected=numbers.count(row.rejected),
        declared_lost=numbers.count(row.lost),
        on_device=numbers.count(on_device),
        missing=missing,
        duplicates=row.duplicates,
    )


def _claims(heartbeat: Heartbeat | None) -> _Claims:
    if heartbeat is None:
        return _Claims({}, None, None, 0)
    ranges: dict[UUID, list[Range]] = {}
    for held in heartbeat.held or ():
        ranges.setdefault(UUID(held.stream), []).append((held.first, held.last))
    return _Claims(
        held={stream: numbers.union(pairs) for stream, pairs in ranges.items()},
        all_held_up_to=UUID(heartbeat.held_older.newest) if heartbeat.held_older else None,
        current=UUID(heartbeat.stream) if heartbeat.stream else None,
        last_sequence_no=heartbeat.last_sequence_no or 0,
    )


def _blank(stream: UUID) -> LedgerRow:
    return LedgerRow(stream, [], [], [], produced=0, duplicates=0)

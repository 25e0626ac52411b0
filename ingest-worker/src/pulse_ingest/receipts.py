"""
Receipts: what became of every number that a batch spoke of, as the ledger says after COMMIT.

Pure. Must be called with accounts that are committed, never with hopes (invariant L4). A receipt too long for one
message is given in several, each true by itself. Read next: ``ledger``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from uuid import UUID

from pulse_acl.payloads import Receipt, RejectedNumber, format_time
from pulse_acl.ranges import Ranges

from .ledger import Account

MOST_RANGES = 2_000
MOST_REJECTED = 500
REASON_CHARS = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """The fate of every number that a batch named in one stream; *reasons* has one for each rejected number."""

    client_id: str
    stream: UUID
    fates: Account
    reasons: Mapping[int, str]


def build(answer: Answer, at: datetime) -> list[Receipt]:
    """
    Return the receipts for *answer*, normally one; none when it names no number.

    Args:
        answer: Committed fates.
        at: Server time, not before the COMMIT.
    """
    rejected = [
        RejectedNumber(sequence_no=number, reason=reason[:REASON_CHARS])
        for number, reason in sorted(answer.reasons.items())
    ]
    parts = zip_longest(
        _chunks(answer.fates.archived), _chunks(answer.fates.lost), _rejected_chunks(rejected), fillvalue=None
    )
    return [
        Receipt(
            client_id=answer.client_id,
            stream=str(answer.stream),
            archived=archived or [],
            lost=lost or [],
            rejected=refused or [],
            at=format_time(at),
        )
        for archived, lost, refused in parts
    ]


def _chunks(ranges: Ranges) -> Iterator[Ranges]:
    for start in range(0, len(ranges), MOST_RANGES):
        yield ranges[start : start + MOST_RANGES]


def _rejected_chunks(rejected: list[RejectedNumber]) -> Iterator[list[RejectedNumber]]:
    for start in range(0, len(rejected), MOST_REJECTED):
        yield rejected[start : start + MOST_REJECTED]

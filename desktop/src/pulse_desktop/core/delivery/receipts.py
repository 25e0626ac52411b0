"""
Checks a receipt before anything is done with it.

Pure. What is malformed, another device's, of a stream that is not here, or names a number above the stream's own
last is refused whole: nothing of it is applied. Source: delivery invariant L2.
"""

from __future__ import annotations

from dataclasses import dataclass

from pulse_acl.payloads import ContractError, Receipt, decode, format_time, parse_time
from pulse_acl.ranges import Range, highest, union

from ..outbox import OutboxState, Settlement


class ReceiptRefusedError(ValueError):
    """A receipt that must not be applied; ``str()`` says why."""


class UnknownStreamError(ReceiptRefusedError):
    """It names a stream that has nothing here: one that is settled wholly, or another device's."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A checked receipt: what to write, and the ranges that need not be sent again.

    ``answered``: as readings; ``named``: as declarations of loss, which any of the three fates settles.
    """

    settlement: Settlement
    answered: list[Range]
    named: list[Range]


def open_receipt(payload: bytes, client_id: str) -> Receipt:
    """
    Return a receipt that keeps to the contract and is for this device.

    Raises:
        ReceiptRefusedError: It must be ignored and logged.
    """
    try:
        receipt = decode(Receipt, payload)
        parse_time(receipt.at)
        parse_time(receipt.wanted_since or receipt.at)
    except ContractError as error:
        raise ReceiptRefusedError(f"it breaks the contract: {error}") from error
    if receipt.client_id != client_id:
        raise ReceiptRefusedError("it is for another device")
    return receipt


def answer_in(receipt: Receipt, state: OutboxState) -> Answer | None:
    """
    Return what a receipt says about rows here, or ``None`` when it names nothing of ours.

    Raises:
        UnknownStreamError: Nothing of its stream is here.
        ReceiptRefusedError: It must be ignored and logged.
    """
    at = format_time(parse_time(receipt.at))
    archived, lost = union(receipt.archived), union(receipt.lost)
    rejected = [(row.sequence_no, row.reason) for row in receipt.rejected]
    if receipt.stream is None:
        if archived or lost or rejected:
            raise ReceiptRefusedError("it names numbers of no stream")
        return None
    stream = state.known(receipt.stream.lower())
    if stream is None:
        raise UnknownStreamError("its stream has no rows here")
    answered = union([*archived, *((number, number) for number, _ in rejected)])
    if highest([*answered, *lost]) > stream.last_no:
        raise ReceiptRefusedError(f"it names a number above the stream's last, {stream.last_no}")
    # A held row that the archive has as lost is sent on: a copy that arrives is archived after all.
    named = union([*answered, *lost])
    return Answer(Settlement(stream.stream, archived, rejected, at, lost), answered, named)

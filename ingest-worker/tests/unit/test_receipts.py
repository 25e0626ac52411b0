"""Receipts say exactly what the account says."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.payloads import Receipt, decode, encode
from pulse_acl.ranges import Ranges, from_numbers
from pulse_ingest.ledger import Account, Claim, settle
from pulse_ingest.receipts import MOST_RANGES, MOST_REJECTED, Answer, build
from support.ingest import STREAM

AT = datetime(2026, 2, 7, 12, 0, 0, 5000, tzinfo=UTC)
numbers = st.lists(st.integers(1, 30), max_size=10)


def members(found: Ranges) -> set[int]:
    return {n for first, last in found for n in range(first, last + 1)}


@given(numbers, numbers, st.sets(st.integers(1, 30)).map(from_numbers))
def test_build_any_fates_are_told_completely(valid: list[int], faulty: list[int], lost: Ranges) -> None:
    claim = Claim(valid, faulty, lost)
    fates = settle(Account(), claim).after
    reasons = dict.fromkeys(members(fates.rejected), "why")
    receipts = build(Answer("D1", STREAM, fates, reasons), AT)
    if not members(claim.named):
        assert receipts == []
        return
    (receipt,) = (decode(Receipt, encode(one)) for one in receipts)
    assert members(receipt.archived) == members(fates.archived)
    assert members(receipt.lost) == members(fates.lost)
    assert {one.sequence_no: one.reason for one in receipt.rejected} == reasons
    assert (receipt.client_id, receipt.stream, receipt.at) == ("D1", str(STREAM), "2026-02-07T12:00:00.005Z")
    assert receipt.wanted_since is None


def test_build_too_long_for_one_message_comes_in_several_that_name_each_number_once() -> None:
    archived = [(n * 2, n * 2) for n in range(1, MOST_RANGES + 2)]
    first = archived[-1][1] + 2
    refused = list(range(first, first + MOST_REJECTED * 2 + 1))
    fates = Account(settled=[*archived, (refused[0], refused[-1])], rejected=[(refused[0], refused[-1])])
    receipts = build(Answer("D1", STREAM, fates, dict.fromkeys(refused, "x" * 999)), AT)
    assert len(receipts) == 3
    assert [piece for one in receipts for piece in one.archived] == archived
    assert [entry.sequence_no for one in receipts for entry in one.rejected] == refused
    assert max(len(encode(one)) for one in receipts) < 256 * 1024

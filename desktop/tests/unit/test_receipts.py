"""Checking a receipt: whatever it says, no number is answered that is not of its own stream and not above its last."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_desktop.core.delivery.receipts import ReceiptRefusedError, answer_in, open_receipt
from pulse_desktop.core.outbox import OutboxState
from pulse_desktop.core.outbox.state import StreamState

STREAM = "018f0000-0000-7000-8000-000000000001"
OTHER = "018f0000-0000-7000-8000-000000000002"
LAST = 20
NUMBERS = st.integers(-2, LAST + 3) | st.sampled_from([2**63 - 2, 2**63 - 1, 2**63])
RANGES = st.lists(st.tuples(NUMBERS, NUMBERS), max_size=4)
REJECTS = st.lists(st.fixed_dictionaries({"sequence_no": NUMBERS, "reason": st.text(max_size=5)}), max_size=3)


def state() -> OutboxState:
    held = StreamState(1, STREAM, last_no=LAST, first_held=1, last_held=LAST, pending=LAST)
    current = StreamState(2, OTHER)
    return OutboxState(current=current, streams=(held, current))


def receipt(**changes: Any) -> bytes:
    fields = {"client_id": "D1", "stream": STREAM, "archived": [], "rejected": [], "lost": [], "wanted_since": None,
              "at": "2026-02-07T10:00:00.000Z"}  # fmt: skip
    return json.dumps({**fields, **changes}).encode()


def named(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(RANGES, REJECTS, RANGES)
def test_receipt_is_taken_word_for_word_or_not_at_all(
    archived: list[tuple[int, int]], rejected: list[dict[str, Any]], lost: list[tuple[int, int]]
):
    ranges = [*archived, *lost, *((one["sequence_no"],) * 2 for one in rejected)]
    is_honest = all(1 <= first <= last <= LAST for first, last in ranges)
    payload = receipt(archived=archived, rejected=rejected, lost=lost)
    if not is_honest:
        with pytest.raises(ReceiptRefusedError):
            answer_in(open_receipt(payload, "D1"), state())
        return
    answer = answer_in(open_receipt(payload, "D1"), state())
    assert answer is not None
    refused = {one["sequence_no"] for one in rejected}
    assert answer.settlement.stream == STREAM
    assert named(list(answer.settlement.archived)) == named(archived)
    assert named(list(answer.settlement.lost)) == named(lost)
    assert named(answer.answered) == named(archived) | refused
    assert named(answer.named) == named(archived) | refused | named(lost)


@given(st.binary(max_size=60) | st.recursive(st.none() | st.integers() | st.text(max_size=3), st.lists).map(
    lambda value: json.dumps(value).encode()))  # fmt: skip
def test_receipt_of_any_bytes_is_refused_and_raises_nothing_else(payload: bytes):
    with pytest.raises(ReceiptRefusedError):
        open_receipt(payload, "D1")


@pytest.mark.parametrize("at", ["2016-12-31T23:59:60Z", "2026-02-07t11:00:00+01:00"])
def test_receipt_of_an_unusual_but_true_time_counts(at: str):
    answer = answer_in(open_receipt(receipt(archived=[[1, 2]], at=at), "D1"), state())
    assert answer is not None
    assert answer.settlement.at.endswith(":00.000Z")

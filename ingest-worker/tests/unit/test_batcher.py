"""Batches by size and age on a clock that the test turns; the intake's bound; halving."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pulse_ingest.batcher import Batcher, Intake
from pulse_ingest.messages import Decoded, Raw, halve
from support.ingest import bad, message, numbered, reading

NOW = datetime(2026, 2, 7, tzinfo=UTC)


def raw(size: int) -> Raw:
    return Raw("telemetry/D1/live", b"x" * size, NOW)


def test_batcher_empty_is_never_due() -> None:
    assert Batcher().wait_s(5.0) is None


def test_batcher_first_message_is_due_after_its_age() -> None:
    batcher = Batcher(size=100, age_s=0.5)
    batcher.add(numbered([1]), 10.0)
    batcher.add(numbered([2]), 10.25)
    assert batcher.wait_s(10.0) == 0.5
    assert batcher.wait_s(10.5) == 0.0
    assert not batcher.is_full


def test_batcher_enough_readings_are_due_at_once() -> None:
    batcher = Batcher(size=5)
    batcher.add(numbered([1, 2, 3]), 10.0)
    batcher.add(numbered([4, 5, 6]), 10.0)
    assert batcher.is_full
    assert batcher.wait_s(10.0) == 0.0


def test_batcher_as_many_messages_as_a_broker_sends_unacknowledged_are_due_at_once() -> None:
    batcher = Batcher(size=100, messages=3)
    for number in (1, 2):
        batcher.add(numbered([number]), 10.0)
    assert not batcher.is_full
    batcher.add(numbered([3]), 10.0)
    assert batcher.wait_s(10.0) == 0.0


def test_batcher_taken_batch_leaves_nothing_and_age_begins_anew() -> None:
    batcher = Batcher(size=5, age_s=0.5)
    batcher.add(numbered([1]), 10.0)
    assert [len(one.samples) for one in batcher.take()] == [1]
    assert batcher.is_empty
    batcher.add(numbered([2]), 20.0)
    assert batcher.wait_s(20.0) == 0.5


def test_batcher_messages_without_content_fill_it_too() -> None:
    batcher = Batcher(size=2)
    batcher.add(message(), 1.0)
    batcher.add(message(), 1.0)
    assert batcher.is_full


def test_intake_over_its_bound_refuses_and_counts() -> None:
    intake = Intake(most_bytes=2 * raw(100).held_bytes)
    assert [intake.offer(raw(100)) for _ in range(3)] == [True, True, False]
    assert intake.dropped == 1
    assert intake.take() is not None
    assert intake.offer(raw(100))


def test_intake_emptied_holds_no_bytes_and_keeps_the_order() -> None:
    intake = Intake()
    for size in (1, 2, 3):
        intake.offer(raw(size))
    assert len(intake) == 3
    assert [len(found.payload) for _ in range(3) if (found := intake.take())] == [1, 2, 3]
    assert intake.take() is None
    assert intake.held_bytes == 0


def contents(messages: list[Decoded]) -> list[object]:
    return [thing for one in messages for part in (one.samples, one.rejects, one.lost, one.faults) for thing in part]


batches = st.lists(
    st.builds(
        lambda good, wrong, lost, faulty: message(
            [*map(reading, range(good)), *map(bad, range(50, 50 + wrong)), *({"sequence_no": "x"},) * faulty],
            [(n * 10, n * 10 + 1) for n in range(1, lost + 1)],
        ),
        *(st.integers(0, 3),) * 4,
    ),
    min_size=1,
    max_size=4,
).filter(lambda messages: sum(one.weight for one in messages) >= 2)


@given(batches)
def test_halve_any_batch_loses_nothing_and_makes_two_smaller_ones(messages: list[Decoded]) -> None:
    left, right = halve(messages)
    weight = sum(one.weight for one in messages)
    assert sorted(map(repr, contents(left) + contents(right))) == sorted(map(repr, contents(messages)))
    assert sum(one.weight for one in left) == weight // 2
    assert all(one.client_id == "D1" for one in left + right)

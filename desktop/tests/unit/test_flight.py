"""What is under way: waits, resends, the window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulse_desktop.core.delivery import window
from pulse_desktop.core.delivery.flight import MOST_WAIT_S, Flight

S = "018f0000-0000-7000-8000-000000000001"
OTHER = "018f0000-0000-7000-8000-000000000002"


def test_flight_unanswered_is_due_after_two_seconds_then_four_then_eight():
    flight = Flight()
    flight.sent(S, [1], 100, 0.0, is_batch=False)
    assert flight.next_due() == 2.0
    assert flight.due(1.99, 100).resend == []
    assert flight.due(2.0, 100).resend == [(S, [1])]
    flight.sent(S, [1], 100, 2.0, is_batch=True)
    assert flight.next_due() == 6.0
    flight.sent(S, [1], 100, 6.0, is_batch=True)
    assert flight.next_due() == 14.0


def test_flight_wait_doubles_to_ten_minutes():
    flight, now = Flight(), 0.0
    for _ in range(30):
        flight.sent(S, [1], 100, now, is_batch=True)
        due = flight.next_due()
        assert due is not None
        assert due - now <= MOST_WAIT_S
        now = due
    assert due - (now - MOST_WAIT_S) == MOST_WAIT_S


def test_flight_slow_archive_is_given_four_times_its_usual_answer_time():
    flight, now = Flight(), 0.0
    for number in range(1, 200):
        flight.sent(S, [number], 100, now, is_batch=True)
        flight.answered(S, [(number, number)], now + 3.0)
        now += 3.0
    flight.sent(S, [1000], 100, now, is_batch=True)
    due = flight.next_due()
    assert due is not None
    assert 11.9 < due - now <= 12.0


def test_flight_answer_takes_out_exactly_the_named_numbers():
    flight = Flight()
    flight.sent(S, [1, 2, 3], 100, 0.0, is_batch=True)
    flight.sent(OTHER, [1, 2], 100, 0.0, is_batch=True)
    assert flight.answered(S, [(1, 2), (9, 2**62)], 0.1) == 2
    assert not flight.is_out(S, 1)
    assert flight.is_out(S, 3)
    assert flight.is_out(OTHER, 1)
    assert flight.due(2.0, 100).resend == [(S, [3]), (OTHER, [1, 2])]


def test_flight_readings_due_together_go_together_in_batches():
    flight = Flight()
    for number in range(1, 8):
        flight.sent(S, [number], 100, 0.0, is_batch=False)
    assert flight.due(2.0, 3).resend == [(S, [1, 2, 3]), (S, [4, 5, 6]), (S, [7])]


def test_flight_window_opens_with_answers_and_halves_on_silence():
    flight = Flight()
    before = flight.window.size
    flight.sent(S, [1], 100, 0.0, is_batch=True)
    flight.answered(S, [(1, 1)], 0.05)
    assert flight.window.size == before + 1
    flight.sent(S, [2], 100, 0.0, is_batch=True)
    flight.due(2.0, 100)
    assert flight.window.size == (before + 1) / 2


def test_flight_window_closes_when_the_archive_lags():
    flight, now = Flight(), 0.0
    for number in range(1, 30):
        flight.sent(S, [number], 100, now, is_batch=True)
        flight.answered(S, [(number, number)], now + 0.05)
        now += 0.1
    wide = flight.window.size
    flight.sent(S, [100], 100, now, is_batch=True)
    flight.answered(S, [(100, 100)], now + 1.9)
    assert flight.window.size < wide


def test_flight_full_window_has_no_room_until_an_answer():
    flight = Flight()
    number = 0
    while flight.has_room():
        number += 1
        flight.sent(S, [number], 100, 0.0, is_batch=True)
    assert number == flight.batches == 4
    flight.answered(S, [(1, 1)], 0.1)
    assert flight.has_room()


def test_flight_live_readings_take_no_room():
    flight = Flight()
    for number in range(1, 100):
        flight.sent(S, [number], 100, 0.0, is_batch=False)
    assert flight.has_room()
    assert flight.batches == 0


def test_flight_silence_counts_from_the_later_of_first_send_and_last_answer():
    flight = Flight()
    assert flight.silent_for(100.0) == 0.0
    flight.sent(S, [1], 100, 10.0, is_batch=False)
    flight.sent(S, [1], 100, 12.0, is_batch=True)
    assert flight.silent_for(15.0) == 5.0
    flight.sent(S, [2], 100, 15.0, is_batch=False)
    flight.answered(S, [(2, 2)], 15.5)
    assert flight.silent_for(16.0) == 0.5


def test_flight_failure_is_counted_only_when_a_later_message_was_answered():
    flight = Flight()
    flight.sent(S, [1], 100, 0.0, is_batch=False)
    flight.due(2.0, 10)
    assert flight.sent(S, [1], 100, 2.0, is_batch=True).failures == 0
    flight.sent(S, [2], 100, 3.0, is_batch=False)
    flight.answered(S, [(2, 2)], 3.1)
    flight.due(6.0, 10)
    assert flight.sent(S, [1], 100, 6.0, is_batch=True).failures == 1


def fail(flight: Flight, poison: set[int], now: float) -> tuple[float, list[tuple[str, int]], int]:
    """Go on until something is set aside: whatever is sent is answered but *poison*, and so is a later message."""
    sent, other = 0, 1_000
    while True:
        due_at = flight.next_due()
        assert due_at is not None
        now = max(now, due_at)
        due = flight.due(now, 100)
        if due.aside:
            return now, due.aside, sent
        for stream, numbers in due.resend:
            sent += 1
            flight.sent(stream, numbers, 10, now, is_batch=True)
            if not poison & set(numbers):
                flight.answered(stream, [(number, number) for number in numbers], now)
        other += 1
        flight.sent(S, [other], 10, now, is_batch=False)
        flight.answered(S, [(other, other)], now)


def test_flight_single_reading_is_set_aside_after_three_failures():
    flight = Flight()
    flight.sent(S, [1], 100, 0.0, is_batch=False)
    flight.sent(S, [999], 100, 0.0, is_batch=False)
    flight.answered(S, [(999, 999)], 0.1)
    now, aside, sent = fail(flight, {1}, 0.1)
    assert (aside, sent) == ([(S, 1)], 2)
    assert now == 2.0 + 4.0 + 8.0


def test_flight_failing_batch_is_halved_until_the_reading_is_found():
    flight = Flight()
    flight.sent(S, range(1, 17), 100, 0.0, is_batch=True)
    flight.sent(S, [999], 100, 0.0, is_batch=False)
    flight.answered(S, [(999, 999)], 0.1)
    _, aside, _ = fail(flight, {11}, 0.1)
    assert aside == [(S, 11)]
    assert not any(flight.is_out(S, number) for number in range(1, 17) if number != 11)


def test_flight_silence_of_the_whole_archive_blames_no_reading():
    flight, now = Flight(), 0.0
    flight.sent(S, [1], 100, now, is_batch=False)
    for _ in range(20):
        now = flight.next_due() or now
        due = flight.due(now, 10)
        assert (due.resend, due.aside) == ([(S, [1])], [])
        flight.sent(S, [1], 10, now, is_batch=True)


def test_flight_new_worker_begins_all_waits_afresh():
    flight = Flight()
    flight.sent(S, [1], 100, 0.0, is_batch=True)
    flight.due(2.0, 10)
    flight.sent(S, [1], 100, 2.0, is_batch=True)
    flight.restart(3.0, 0.7)
    assert flight.next_due() == 3.7


def test_flight_dropped_numbers_are_forgotten():
    flight = Flight()
    flight.sent(S, [1, 2], 100, 0.0, is_batch=True)
    flight.drop(S, {1, 2})
    assert (flight.next_due(), flight.batches) == (None, 0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["live", "batch", "answer", "due", "clear", "restart"]),
        st.integers(1, 30),
        st.integers(0, 8),
        st.floats(0.0, 5.0, allow_nan=False),
    ),
    max_size=60,
)


@given(STEPS)
def test_flight_any_history_keeps_its_counts(steps: list[tuple[str, int, int, float]]):
    flight, out, now = Flight(), set[int](), 0.0
    for kind, first, more, passed in steps:
        now += passed
        numbers = set(range(first, first + more + 1))
        if kind in {"live", "batch"}:
            flight.sent(S, numbers, 10, now, is_batch=kind == "batch")
            out |= numbers
        elif kind == "answer":
            assert flight.answered(S, [(first, first + more)], now) == len(out & numbers)
            out -= numbers
        elif kind == "due":
            due = flight.due(now, 5)
            for _, numbers_due in due.resend:
                assert set(numbers_due) <= out
                flight.sent(S, numbers_due, 10, now, is_batch=True)
            for _, number in due.aside:
                flight.drop(S, [number])
                out.discard(number)
        elif kind == "restart":
            flight.restart(now, 0.5)
        else:
            flight.clear()
            out = set()
        assert all(flight.is_out(S, number) for number in out)
        assert 0 <= flight.batches <= len(out)
        assert 1.0 <= flight.window.size <= window.MOST
        assert (flight.next_due() is None) == (not out)

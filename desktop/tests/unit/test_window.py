"""How many batches are out: a way that is busy, and hardly a queue on it."""

from __future__ import annotations

from collections import deque

import pytest

from pulse_desktop.core.delivery.window import LEAST, MOST, Window

ROUND_S = 0.06


def steady(per_s: float, round_s: float = ROUND_S, batches: int = 3_000) -> tuple[float, float]:
    """
    Send through a way of *round_s* that ends in a queue served at *per_s*.

    Returns:
        Batches served per second, and the mean wait in that queue in seconds, both over the second half.
    """
    window, out, now, free_at = Window(), deque[tuple[float, float]](), 0.0, 0.0
    served, waits = [], []
    for _ in range(batches):
        while len(out) < int(window.size):
            begun = max(free_at, now + round_s / 2)
            free_at = begun + 1 / per_s
            waits.append(begun - now - round_s / 2)
            out.append((now, free_at + round_s / 2))
        sent_at, now = out.popleft()
        window.answered(now - sent_at, now)
        served.append(now)
    half = len(served) // 2
    late = waits[half:]
    return half / (served[-1] - served[half - 1]), sum(late) / len(late)


@pytest.mark.parametrize("per_s", [5.0, 40.0, 180.0, 600.0])
def test_window_keeps_the_archive_busy_and_its_queue_short_case_15(per_s: float):
    rate, waited_s = steady(per_s)
    assert rate > 0.9 * min(per_s, MOST / (ROUND_S + 1 / per_s))
    assert waited_s < 0.35 + LEAST / per_s


def test_window_on_a_long_way_opens_all_the_same():
    rate, _ = steady(40.0, round_s=1.0)
    assert rate > 0.8 * 40.0


def test_window_of_a_way_that_became_longer_for_good_opens_again():
    window, now = Window(), 0.0
    for _ in range(100):
        now += 0.01
        window.answered(0.05, now)
    for _ in range(2_000):
        now += 0.5
        window.answered(0.8, now)
    assert window.size > 16


def test_window_closes_once_for_all_answers_to_what_went_out_before():
    window = Window()
    for _ in range(60):
        window.answered(0.05, 0.1)
    for step in range(20):
        window.answered(1.0, 1.0 + step / 1_000)
    assert window.size == MOST * 0.75


def test_window_after_silence_halves_down_to_one_and_never_shuts():
    window = Window()
    for _ in range(9):
        window.unanswered()
    assert window.size == 1.0
    window.answered(30.0, 100.0)
    window.answered(60.0, 200.0)
    assert window.size >= 1.0

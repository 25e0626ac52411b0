"""What a thread is told: in order, nothing left behind, and asleep while only what may wait comes."""

from __future__ import annotations

import threading
import time

import pytest

from pulse_desktop.core.inbox import Inbox

LONG_S = 20.0


@pytest.fixture
def inbox() -> Inbox[int]:
    return Inbox()


def test_inbox_gives_in_order_what_may_wait_and_what_may_not(inbox: Inbox[int]):
    for number in range(6):
        inbox.put(number, may_wait=number % 2 == 0)
    assert len(inbox) == 6
    assert inbox.wait(0.0)
    assert [*inbox.take(4), *inbox.take(4)] == [0, 1, 2, 3, 4, 5]
    assert inbox.wait(0.0) is False


def woken(inbox: Inbox[int], *, may_wait: bool, for_urgent: bool, wait_s: float) -> float:
    """Put one work while a thread waits; return how long that thread slept after it, in seconds."""
    asleep, ended = threading.Event(), []

    def wait() -> None:
        asleep.set()
        assert inbox.wait(wait_s, for_urgent=for_urgent)
        ended.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    assert asleep.wait(LONG_S)
    put = time.monotonic()
    inbox.put(1, may_wait=may_wait)
    thread.join(LONG_S)
    assert inbox.take(10) == [1]
    return ended[0] - put


@pytest.mark.parametrize(("may_wait", "for_urgent"), [(False, False), (False, True), (True, False)])
def test_inbox_wakes_who_waits_for_it(inbox: Inbox[int], may_wait: bool, for_urgent: bool):
    assert woken(inbox, may_wait=may_wait, for_urgent=for_urgent, wait_s=LONG_S) < LONG_S / 2


def test_inbox_lets_sleep_who_waits_for_what_is_urgent_and_gives_the_rest_then(inbox: Inbox[int]):
    inbox_slept = woken(inbox, may_wait=True, for_urgent=True, wait_s=0.5)
    assert 0.3 < inbox_slept < LONG_S / 2


def test_inbox_what_was_left_behind_is_there_at_once(inbox: Inbox[int]):
    for number in range(3):
        inbox.put(number)
    assert inbox.take(2) == [0, 1]
    began = time.monotonic()
    assert inbox.wait(LONG_S, for_urgent=True)
    assert time.monotonic() - began < LONG_S / 2
    assert inbox.take(2) == [2]


def test_inbox_loses_nothing_between_many_threads_and_one_that_sleeps(inbox: Inbox[int]):
    def put(first: int) -> None:
        for number in range(first, first + 2_000):
            inbox.put(number, may_wait=number % 3 == 0)

    threads = [threading.Thread(target=put, args=(2_000 * number,)) for number in range(3)]
    for one in threads:
        one.start()
    found: list[int] = []
    until = time.monotonic() + LONG_S
    while len(found) < 6_000 and time.monotonic() < until:
        inbox.wait(LONG_S, for_urgent=len(found) % 2 == 0 and len(found) < 5_000)
        found += inbox.take(7)
    assert sorted(found) == list(range(6_000))
    for first in range(0, 6_000, 2_000):
        own = [number for number in found if first <= number < first + 2_000]
        assert own == sorted(own), "each thread's are in order"

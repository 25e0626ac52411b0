"""The watchdog on a clock that the test turns."""

from datetime import datetime

from pulse_ingest.watchdog import STALLED_AFTER_S, Watchdog
from support.ingest import RECEIVED


class TurnedClock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def now(self) -> datetime:
        return RECEIVED

    def monotonic(self) -> float:
        return self.seconds


class Work:
    """Work that waits and goes on as the test says, and what the watchdog thinks of it."""

    def __init__(self) -> None:
        self.waits, self.steps, self.clock = True, 0, TurnedClock()
        self.dog = Watchdog(is_waiting=lambda: self.waits, steps=lambda: self.steps, clock=self.clock)

    def stalled_after(self, seconds: float) -> bool:
        self.clock.seconds += seconds
        return self.dog.is_stalled()


def test_is_stalled_waiting_without_a_step_for_long_is_case_11() -> None:
    work = Work()
    assert not work.stalled_after(STALLED_AFTER_S)
    assert work.stalled_after(1)


def test_is_stalled_every_step_begins_the_wait_anew() -> None:
    work = Work()
    for _ in range(5):
        assert not work.stalled_after(STALLED_AFTER_S)
        work.steps += 1
        assert not work.stalled_after(1)
    assert work.stalled_after(STALLED_AFTER_S + 1)


def test_is_stalled_nothing_to_do_or_an_archive_away_is_no_stall() -> None:
    work = Work()
    work.waits = False
    assert not work.stalled_after(10 * STALLED_AFTER_S)
    work.waits = True
    assert not work.stalled_after(STALLED_AFTER_S), "counted from when it began to wait"
    assert work.stalled_after(1)

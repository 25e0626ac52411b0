"""Back-off with chance and waiting in the test's hands."""

from pulse_ingest.backoff import Backoff


def test_backoff_bound_doubles_up_to_the_most_and_begins_anew() -> None:
    backoff = Backoff(first_s=0.1, most_s=0.5, draw=lambda: 1.0)
    assert [round(backoff.next_s(), 3) for _ in range(5)] == [0.1, 0.2, 0.4, 0.5, 0.5]
    backoff.reset()
    assert backoff.next_s() == 0.1


def test_backoff_full_jitter_takes_any_part_of_the_bound() -> None:
    backoff = Backoff(first_s=1.0, most_s=9.0, draw=iter([0.0, 0.25]).__next__)
    assert [backoff.next_s(), backoff.next_s()] == [0.0, 0.5]


def test_backoff_thousands_of_failures_stay_at_the_most() -> None:
    backoff = Backoff(first_s=0.1, most_s=5.0, draw=lambda: 1.0)
    assert {backoff.next_s() for _ in range(5_000)} <= {0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0}


async def test_backoff_wait_sleeps_what_was_drawn() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    backoff = Backoff(first_s=1.0, most_s=9.0, draw=lambda: 0.5, sleep=sleep)
    assert await backoff.wait() == 0.5
    assert slept == [0.5]

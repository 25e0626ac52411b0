"""Two devices with one id (failure case 40): what counts as a sign of the other one, and what does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pulse_desktop.core.takeover import CALM_AFTER_S, SHORT_ENDS, TakeoverWatch
from support.device_bench import DEVICE, Bench, stamp


def after(*lives_s: float, apart_s: float = 1.0) -> TakeoverWatch:
    """Return a watch after connections that were cut off and lived so long."""
    watch, now = TakeoverWatch(), 0.0
    for lived_s in lives_s:
        now += apart_s + lived_s
        watch.ended(lived_s, now)
    return watch


def test_takeover_cut_off_three_times_within_seconds_is_suspected_case_40():
    assert not after(0.5, 2.0).is_suspected
    assert after(0.5, 2.0, 9.0).is_suspected


def test_takeover_connections_that_last_are_an_ordinary_link():
    assert not after(30.0, 11.0, 60.0, 12.0).is_suspected


def test_takeover_cut_off_whenever_the_other_one_has_waited_is_suspected_case_40():
    # The one of two that suspects nothing has the id until the other one, which waits 20 to 40 s, comes back.
    assert after(0.5, 2.0, 31.0).is_suspected
    assert not after(31.0, 22.0).is_suspected
    assert after(31.0, 22.0, 40.2).is_suspected
    assert not after(0.5, 2.0, 15.0).is_suspected
    assert not after(31.0, 22.0, 50.0).is_suspected


def test_takeover_cut_offs_far_apart_are_an_ordinary_link():
    assert not after(1.0, 1.0, 1.0, apart_s=90.0).is_suspected


def test_takeover_failed_attempt_between_shows_that_the_network_is_to_blame():
    watch = after(0.5, 0.5)
    watch.failed()
    watch.ended(0.5, 5.0)
    assert not watch.is_suspected


def test_takeover_foreign_receipt_and_a_second_cut_off_are_enough_case_40():
    watch = after(40.0)
    watch.foreign_receipt(45.0)
    watch.ended(30.0, 80.0)
    assert watch.is_suspected


def test_takeover_foreign_receipt_on_the_first_connection_is_of_an_older_file():
    watch = TakeoverWatch()
    watch.foreign_receipt(1.0)
    watch.ended(30.0, 31.0)
    watch.ended(30.0, 62.0)
    assert not watch.is_suspected


def test_takeover_connection_that_lasted_shows_that_the_other_one_is_gone():
    watch = after(0.5, 0.5, 0.5)
    watch.ended(CALM_AFTER_S, 200.0)
    assert not watch.is_suspected


@given(st.lists(st.tuples(st.sampled_from(["cut", "failed", "foreign", "calm"]), st.floats(0.0, 200.0)), max_size=30))
def test_takeover_any_history_is_suspected_only_after_two_cut_offs_without_a_failure_between(
    history: list[tuple[str, float]],
):
    watch, now, in_a_row = TakeoverWatch(), 0.0, 0
    for kind, seconds in history:
        now += seconds
        before = watch.is_suspected
        if kind == "cut":
            in_a_row = 1 if seconds >= CALM_AFTER_S else in_a_row + 1
            watch.ended(seconds, now)
        elif kind == "foreign":
            watch.foreign_receipt(now)
        else:
            in_a_row = 0
            watch.failed() if kind == "failed" else watch.calm()
        if watch.is_suspected and not before:
            assert kind == "cut"
            assert in_a_row >= SHORT_ENDS - 1


def test_courier_receipt_of_a_stream_never_made_here_is_told_and_ignored_case_40(bench: Bench):
    told = list[int]()
    bench.on_foreign_receipt = lambda: told.append(1)
    bench.link_up()
    bench.sample(2)
    bench.receipt({"client_id": DEVICE, "stream": "018f0000-0000-7000-8000-00000000ffff", "archived": [[1, 2]],
                   "rejected": [], "lost": [], "wanted_since": None, "at": stamp(bench.clock.now())})  # fmt: skip
    assert (told, bench.held(), bench.courier.ignored_receipts) == ([1], 2, 1)


def test_courier_receipt_of_a_stream_that_is_settled_is_neither_foreign_nor_a_lie(bench: Bench):
    told = list[int]()
    bench.on_foreign_receipt = lambda: told.append(1)
    bench.link_up()
    bench.sample(2)
    settled = {"client_id": DEVICE, "stream": bench.file.state.current.stream, "archived": [[1, 2]], "rejected": [],
               "lost": [], "wanted_since": None, "at": stamp(bench.clock.now())}  # fmt: skip
    bench.receipt(settled)
    bench.shut()
    bench.boot()
    bench.link_up()
    bench.receipt(settled)
    assert (told, bench.courier.ignored_receipts) == ([], 0)

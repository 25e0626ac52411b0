"""An archive that is slow, and a reading that it never answers: neither keeps a device busy for ever."""

from __future__ import annotations

import itertools
from collections import deque
from pathlib import Path

import pytest

from pulse_desktop.core.connection import State
from pulse_desktop.core.settings import DeviceSettings
from support.device_bench import Bench

POISON = 5


def made(folder: Path, batch: int) -> Bench:
    counter = itertools.count(1)
    return Bench(
        folder, lambda: f"018f0000-0000-7000-8000-{next(counter):012d}", DeviceSettings(flush_batch_size=batch)
    )


def run_behind(bench: Bench, delay_s: float, seconds: float) -> None:
    """Sample once a second and answer every message *delay_s* after it was sent."""
    waiting: deque[tuple[float, dict[str, object]]] = deque()
    assert bench.channel is not None
    for step in range(int(seconds * 4)):
        bench.pass_time(0.25, step=0.25)
        if step % 4 == 0:
            bench.sample()
        new, bench.seen = bench.channel.sent[bench.seen :], len(bench.channel.sent)
        now = bench.clock.monotonic()
        waiting.extend((now + delay_s, payload) for kind, payload, _ in new if kind != "heartbeat")
        while waiting and waiting[0][0] <= now:
            bench.receipt(bench._store(waiting.popleft()[1], lambda _stream, _number: False))


@pytest.mark.parametrize("delay_s", [1.0, 3.0, 4.0])
def test_courier_slow_archive_is_caught_up_with_and_not_sent_everything_twice_case_4(tmp_path: Path, delay_s: float):
    bench = made(tmp_path, batch=10)
    bench.sample(2_000)
    bench.link_up()
    run_behind(bench, delay_s, 60)
    assert bench.state is State.CONNECTED
    assert bench.held() <= 2 * delay_s + 2
    assert bench.copies <= 1.1 * len(bench.kept), "only what was sent before its time was known may come twice"
    bench.shut()


@pytest.mark.parametrize(("interval_s", "window", "within_s"), [(1, 1.0, 60), (10, 4.0, 120), (10, 1.0, 120)])
def test_courier_unanswered_reading_is_set_aside_though_silence_comes_between(
    tmp_path: Path, interval_s: int, window: float, within_s: int
):
    """With few samples or a narrow window each try ends in AWAY; the tries of one connection count together."""
    bench = made(tmp_path, batch=100)
    bench.ignored = {POISON}
    bench.courier.flight.window.size = window
    bench.sample(500)
    bench.link_up()
    for second in range(1, within_s + 1):
        bench.pass_time(1.0)
        if second % interval_s == 0:
            bench.sample()
        bench.archive_all()
    assert (len(bench.courier.aside), bench.held()) == (1, 1)
    assert bench.state is State.CONNECTED
    bench.shut()


def test_courier_late_answers_to_what_was_sent_before_away_blame_no_reading(tmp_path: Path):
    bench = made(tmp_path, batch=10)
    bench.sample(300)
    bench.link_up()
    run_behind(bench, 8.0, 120)
    assert len(bench.courier.aside) == 0
    assert bench.held() <= 20
    bench.shut()

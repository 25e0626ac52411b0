"""How a backlog drains: fast beside sampling, after long outages, in the order that is set at the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulse_desktop.core.connection import State
from pulse_desktop.core.delivery.drain import LEAST_READINGS, Drain
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from support.device_bench import Bench, bench_on

ANSWER_S = 0.25
FASTEST_PER_S = 20.0  # sampling_interval is 0.05 s at the least


def drain(bench: Bench, sampled_per_s: float) -> float:
    """Flush what is held while sampling goes on and every message is answered late; return the seconds it took."""
    began, sampled = bench.clock.monotonic(), 0
    while bench.state is not State.CONNECTED:
        bench.pass_time(ANSWER_S, step=ANSWER_S)
        due = int((bench.clock.monotonic() - began) * sampled_per_s)
        bench.sample(due - sampled)
        sampled = due
        answered = bench.channel.sent[bench.seen :] if bench.channel else []
        bench.seen += len(answered)
        for kind, payload, _ in answered:
            if kind != "heartbeat":
                bench.receipt(bench._store(payload, lambda _stream, _number: False))
        assert bench.clock.monotonic() - began < 600, "it never catches up"
    return bench.clock.monotonic() - began


def hold(bench: Bench, count: int) -> None:
    """Let *count* readings wait, in one commit."""
    sample = Sample(bench.clock.now(), {"n": 1})
    bench._transact(lambda: [bench.file.add(sample) for _ in range(count)])
    bench.settle_down()


def test_courier_backlog_drains_at_ten_times_the_fastest_sampling_and_says_so_case_16(tmp_path: Path):
    bench = bench_on(tmp_path, sampling_interval=0.05)
    hold(bench, 5_000)
    bench.link_up()
    took_s = drain(bench, FASTEST_PER_S)
    assert 5_000 / took_s >= 10 * FASTEST_PER_S
    assert float(bench.notes["drain_per_s"]) >= 10 * FASTEST_PER_S
    bench.shut()


def test_courier_outage_of_thirteen_hours_is_archived_to_the_first_reading_case_5_22(bench: Bench):
    """No time drops anything, and what was sampled at the end of the outage is there as well."""
    bench.link_up()
    bench.sample()
    bench.archive_all()
    bench.link_down()
    for _ in range(13 * 60):
        bench.clock.advance(60.0)
        bench.sample()
    channel = bench.link_up()
    bench.archive_all()
    sent = [number for _, numbers in channel.telemetry() for number in numbers]
    assert sent == list(range(2, 782))
    assert (bench.state, bench.held(), len(bench.kept)) == (State.CONNECTED, 0, 781)


def test_courier_two_readings_of_one_moment_are_both_archived_case_13(bench: Bench):
    bench.link_up()
    bench.sample(2)
    times = {
        payload["timestamp"] for kind, payload, _ in (bench.channel.sent if bench.channel else []) if kind == "live"
    }
    bench.archive_all()
    assert (len(times), sorted(number for _, number in bench.kept)) == (1, [1, 2])


def test_courier_order_changed_while_flushing_counts_from_the_next_flush_on(bench: Bench):
    bench.sample(3)
    channel = bench.link_up()
    bench.courier.configure(DeviceSettings(flush_order="live_first"))
    bench.sample()
    assert channel.telemetry() == [("buffered", [1, 2, 3]), ("buffered", [4])]
    bench.link_down()
    channel = bench.link_up()
    bench.sample()
    assert channel.telemetry() == [("buffered", [1, 2, 3, 4]), ("live", [5])]


def test_courier_live_first_backlog_unanswered_does_not_hold_live_up_case_15(tmp_path: Path):
    bench = bench_on(tmp_path, flush_order="live_first", flush_batch_size=1)
    bench.sample(50)
    channel = bench.link_up()
    for number in range(51, 54):
        bench.sample()
        assert channel.telemetry()[-1] == ("live", [number])
    bench.archive_all()
    assert (bench.state, bench.held(), len(bench.kept)) == (State.CONNECTED, 0, 53)
    bench.shut()


def test_confirmed_readings_kept_for_less_time_go_at_the_next_pruning(bench: Bench):
    bench.link_up()
    for _ in range(3):
        bench.sample(2)
        bench.archive_all()
        bench.clock.advance(7_200)
    bench.file.begin()
    bench.file.prune()
    assert bench.file.commit()[0].kept_since == "2026-02-07T10:00:00.000Z"
    bench.file.settings = DeviceSettings(confirmed_keep_h=1)
    bench.file.begin()
    bench.file.prune()
    assert bench.file.commit()[0].kept_since == "2026-02-07T12:00:00.000Z"


def test_drain_of_few_readings_says_no_rate():
    drained = Drain()
    drained.begin(0.0)
    drained.answered(LEAST_READINGS - 1, 0.01)
    assert drained.per_s is None
    drained.answered(1, 0.5)
    drained.end()
    drained.answered(1_000, 9.0)
    assert drained.per_s == pytest.approx(LEAST_READINGS / 0.5)

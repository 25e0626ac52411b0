"""An archive that is away: live goes on, the backlog waits, the first answer brings it back."""

from __future__ import annotations

from pathlib import Path

from pulse_desktop.core.connection import State
from support.device_bench import Bench, bench_on


def test_courier_unanswered_for_five_seconds_is_away_and_live_goes_on(bench: Bench):
    bench.sample(5)
    channel = bench.link_up()
    bench.pass_time(5.5)
    assert bench.state is State.AWAY
    assert channel.beats()[-1]["status"] == "ONLINE"
    before = len(channel.telemetry())
    bench.sample(3)
    assert channel.telemetry()[before:] == [("live", [6]), ("live", [7]), ("live", [8])]


def test_courier_away_sends_only_the_oldest_batch_every_thirty_seconds(tmp_path: Path):
    bench = bench_on(tmp_path, flush_batch_size=2)
    bench.sample(5)
    channel = bench.link_up()
    bench.pass_time(6.0)
    before = len(channel.telemetry())
    bench.pass_time(61.0)
    assert channel.telemetry()[before:] == [("buffered", [1, 2]), ("buffered", [1, 2])]
    bench.shut()


def test_courier_first_answer_after_away_flushes_what_is_held(bench: Bench):
    bench.sample(3)
    channel = bench.link_up()
    bench.pass_time(6.0)
    bench.sample(2)
    assert bench.state is State.AWAY
    bench.archive_all()
    assert (bench.state, bench.held()) == (State.CONNECTED, 0)
    assert "SYNCING" in [beat["status"] for beat in channel.beats()[2:]]


def test_courier_every_worker_says_database_down_is_away_at_once(bench: Bench):
    bench.sample(2)
    bench.link_up()
    bench.status("DEGRADED", database="down")
    assert bench.state is State.AWAY
    bench.status("ONLINE")
    bench.pass_time(10.5)
    bench.archive_all()
    assert bench.state is State.CONNECTED


def test_courier_one_worker_of_two_up_is_not_away(bench: Bench):
    bench.sample(2)
    bench.link_up()
    bench.status("ONLINE", instance="1")
    bench.status("OFFLINE", instance="2")
    assert bench.state is State.SYNCING


def test_courier_archive_back_with_nothing_held_goes_live_again(bench: Bench):
    bench.link_up()
    bench.status("OFFLINE")
    assert bench.state is State.AWAY
    bench.status("ONLINE")
    bench.pass_time(11.0)
    assert bench.state is State.CONNECTED

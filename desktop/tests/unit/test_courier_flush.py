"""What the courier sends when: the backlog in order, in batches and paced, then live."""

from __future__ import annotations

import json
from pathlib import Path

from pulse_desktop.core.connection import State
from pulse_desktop.core.readings import Sample
from support.device_bench import DEVICE, Bench, bench_on, stamp


def test_courier_nothing_held_at_connect_goes_live_at_once(bench: Bench):
    channel = bench.link_up()
    assert bench.state is State.CONNECTED
    assert [beat["status"] for beat in channel.beats()] == ["SYNCING", "ONLINE"]
    bench.sample(2)
    assert channel.telemetry() == [("live", [1]), ("live", [2])]


def test_courier_backlog_goes_first_in_order_and_in_batches(tmp_path: Path):
    bench = bench_on(tmp_path, flush_batch_size=3)
    bench.sample(8)
    channel = bench.link_up()
    assert channel.telemetry() == [("buffered", [1, 2, 3]), ("buffered", [4, 5, 6]), ("buffered", [7, 8])]
    bench.sample()
    assert channel.telemetry()[-1] == ("buffered", [9]), "a reading taken meanwhile joins the end"
    assert bench.state is State.SYNCING
    bench.archive_all()
    assert bench.state is State.CONNECTED
    bench.sample()
    assert channel.telemetry()[-1] == ("live", [10])
    bench.shut()


def test_courier_old_streams_are_flushed_before_newer_ones(bench: Bench):
    bench.sample(2)
    bench.shut()
    bench.boot()
    bench.sample(2)
    channel = bench.link_up()
    sent = [
        (p["stream"][-1], [r["sequence_no"] for r in p["readings"]])
        for kind, p, _ in channel.sent
        if kind == "buffered"
    ]
    assert sent == [("1", [1, 2]), ("2", [1, 2])]


def test_courier_live_first_sends_new_readings_at_once_beside_the_backlog_case_15(tmp_path: Path):
    bench = bench_on(tmp_path, flush_order="live_first", flush_batch_size=2)
    bench.sample(4)
    channel = bench.link_up()
    bench.sample()
    assert bench.state is State.SYNCING
    assert channel.telemetry() == [("buffered", [1, 2]), ("buffered", [3, 4]), ("live", [5])]
    bench.archive_all()
    assert (bench.state, bench.held()) == (State.CONNECTED, 0)
    bench.shut()


def test_courier_backlog_answered_is_a_sync_although_newer_readings_wait(tmp_path: Path):
    bench = bench_on(tmp_path, flush_order="live_first", flush_batch_size=2)
    bench.sample(4)
    bench.link_up()
    bench.sample()
    bench.ignored = {5}
    bench.clock.advance(7)
    bench.archive_all()
    assert (bench.state, bench.held()) == (State.CONNECTED, 1)
    assert bench.notes["last_sync_at"] == stamp(bench.clock.now())
    bench.shut()


def test_courier_window_holds_the_backlog_back_until_answers_come_case_15(tmp_path: Path):
    bench = bench_on(tmp_path, flush_batch_size=1)
    bench.sample(20)
    channel = bench.link_up()
    assert len(channel.telemetry()) == 4
    bench.archive_all()
    assert [numbers[0] for _, numbers in channel.telemetry()] == list(range(1, 21))
    bench.shut()


def test_courier_batches_stay_below_the_size_limit(tmp_path: Path):
    bench = bench_on(tmp_path, flush_batch_size=1000)
    wide = {f"{'m' * 90}/{n}": 1.5 for n in range(256)}
    for _ in range(30):
        bench._transact(lambda: bench.file.add(Sample(bench.clock.now(), wide)))
    bench.settle_down()
    channel = bench.link_up()
    bench.archive_all()
    assert len(channel.telemetry()) > 2
    assert max(channel.sizes) <= 256 * 1024
    assert bench.held() == 0
    bench.shut()


def test_courier_reconnected_sends_everything_unanswered_again_case_8(bench: Bench):
    bench.link_up()
    bench.sample(3)
    bench.acknowledge_all()
    bench.link_down()
    bench.sample()
    channel = bench.link_up()
    assert channel.telemetry() == [("buffered", [1, 2, 3, 4])]


def test_courier_unanswered_live_reading_is_sent_again_as_buffered_case_1(bench: Bench):
    channel = bench.link_up()
    bench.sample()
    bench.lose_messages()
    bench.pass_time(2.0)
    assert channel.telemetry() == [("live", [1]), ("buffered", [1])]
    bench.archive_all()
    assert bench.held() == 0


def test_reading_on_the_wire_is_what_the_contract_says(bench: Bench):
    channel = bench.link_up()
    bench.courier.clock_measured(-1500)
    bench._transact(lambda: bench.file.add(Sample(bench.clock.now(), {"big": 2**63 - 1, "double": 72.0, "on": True})))
    bench.settle_down()
    kind, reading, retained = channel.sent[-1]
    assert (kind, retained) == ("live", False)
    assert reading == {
        "client_id": DEVICE, "stream": bench.file.state.current.stream, "sequence_no": 1,
        "timestamp": "2026-02-07T10:00:00.000Z", "metrics": {"big": 2**63 - 1, "double": 72.0, "on": True},
        "source": "desktop", "clock_offset_ms": -1500,
    }  # fmt: skip
    assert '"double":72.0' in json.dumps(reading, separators=(",", ":"))

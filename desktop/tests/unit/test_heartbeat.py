"""Heartbeats: every figure from one commit, in time, and the last one says goodbye."""

from __future__ import annotations

import json

import pytest

from pulse_acl.payloads import MAX_PAYLOAD_BYTES, Heartbeat, decode
from pulse_desktop.core.delivery.heartbeats import LATEST_BYTES
from pulse_desktop.core.delivery.messages import Mirrored
from pulse_desktop.core.readings import Sample
from support.device_bench import Bench, stamp


def test_heartbeat_has_every_figure_from_one_commit(bench: Bench):
    bench.sample(3)
    bench.acknowledge_all()
    channel = bench.link_up()
    beat = channel.beats()[0]
    stream = bench.file.state.current.stream
    assert beat["status"] == "SYNCING"
    assert (beat["stream"], beat["last_sequence_no"]) == (stream, 3)
    assert beat["held"] == [{"stream": stream, "first": 1, "last": 3, "count": 3}]
    assert (beat["pending"], beat["unarchived"], beat["quarantined"]) == (3, 0, 0)
    assert [row["sequence_no"] for row in beat["pending_sample"]] == [1, 2, 3]
    assert beat["latest"] == {"n": 2, "x": 0.5}
    assert beat["oldest_pending_at"] == "2026-02-07T10:00:00.000Z"
    assert (beat["sampling_interval_s"], beat["heartbeat_interval_s"]) == (1.0, 5.0)
    assert beat["app_version"]
    assert all(retained for kind, _, retained in channel.sent if kind == "heartbeat")


def test_heartbeat_comes_every_half_second_while_syncing_and_every_interval_after(bench: Bench):
    bench.sample(1)
    channel = bench.link_up()
    before = len(channel.beats())
    bench.pass_time(4.0)
    assert len(channel.beats()) - before == 8
    bench.archive_all()
    before = len(channel.beats())
    bench.pass_time(20.0)
    assert len(channel.beats()) - before == 4


def test_heartbeat_sums_up_streams_beyond_the_newest_twenty(bench: Bench):
    for _ in range(25):
        bench.sample(2)
        bench.shut()
        bench.boot()
    beat = bench.link_up().beats()[0]
    assert len(beat["held"]) == 20
    assert beat["held_older"] == {"newest": "018f0000-0000-7000-8000-000000000005", "streams": 5, "count": 10}
    assert beat["held"][0]["stream"] == "018f0000-0000-7000-8000-000000000006"


def test_heartbeat_of_more_metrics_than_fit_shows_the_newest_of_them(bench: Bench, capsys: pytest.CaptureFixture[str]):
    channel = bench.link_up()
    name = "plant/line-07/machine-12/axis/{:05d}/temperature_of_bearing_in_degrees_celsius_filtered"
    for first in range(0, 10_000, 200):
        values = {name.format(number): -1.2345678901234567e-308 for number in range(first, first + 200)}
        sample = Sample(bench.clock.now(), {"always": first, **values})
        bench._transact(lambda sample=sample: bench.file.add(sample))
        bench.settle_down()
    bench.archive_all()
    bench.pass_time(6.0)
    assert channel.sent[-1][0] == "heartbeat"
    assert LATEST_BYTES * 0.9 < channel.sizes[-1] < MAX_PAYLOAD_BYTES - 64 * 1024, "room for waiting rows is left"
    latest = decode(Heartbeat, json.dumps(channel.beats()[-1], separators=(",", ":")).encode()).latest
    assert latest is not None
    assert latest["always"] == 9_800
    assert name.format(9_999) in latest
    assert name.format(0) not in latest
    assert capsys.readouterr().out.count("desktop.latest_left_out") == 1


def test_heartbeat_tells_when_a_worker_was_seen_online(bench: Bench):
    channel = bench.link_up()
    bench.status("ONLINE")
    seen = stamp(bench.clock.now())
    bench.pass_time(6.0)
    assert channel.beats()[-1]["ingest_seen"] == seen


def test_farewell_says_offline_with_the_last_figures(bench: Bench):
    channel = bench.link_up()
    bench.sample(2)
    assert bench.courier.farewell() is not None
    bench.archive_all()
    bench.courier.configure(bench.settings)
    bench.courier.flush_wanted()
    bench.pass_time(6.0)
    assert (channel.beats()[-1]["status"], channel.beats()[-1]["last_sequence_no"]) == ("OFFLINE", 2)


def test_heartbeat_tells_where_the_device_is_in_the_servers_records(bench: Bench):
    channel = bench.link_up()
    assert not {"history", "identity_version", "config_version"} & channel.beats()[0].keys()
    history = "018f0000-0000-7000-8000-0000000000aa"
    bench.courier.mirrored(Mirrored(history, identity_version=7, config_version=5))
    bench.pass_time(5.0)
    beat = channel.beats()[-1]
    assert (beat["history"], beat["identity_version"], beat["config_version"]) == (history, 7, 5)


def test_heartbeat_tells_at_once_that_settings_came_into_force_and_a_row_of_them_is_told_together(bench: Bench):
    channel = bench.link_up()
    bench.archive_all()
    bench.pass_time(2.0)
    before = len(channel.beats())
    bench.courier.mirrored(Mirrored("h", identity_version=7, config_version=7))
    bench.pass_time(0.1)
    assert channel.beats()[-1]["config_version"] == 7
    assert len(channel.beats()) == before + 1
    for version in range(8, 18):
        bench.courier.mirrored(Mirrored("h", identity_version=version, config_version=version))
    bench.pass_time(1.0)
    assert channel.beats()[-1]["config_version"] == 17
    assert len(channel.beats()) == before + 2
    bench.courier.mirrored(Mirrored("h", identity_version=18, config_version=17))
    bench.pass_time(2.0)
    assert len(channel.beats()) == before + 2, "people and roles wait for the next heartbeat"

"""A full buffer: what is given up is numbered, declared and settled, never silent (delivery, point 7)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from pulse_desktop.core.connection import State
from pulse_desktop.core.settings import DeviceSettings
from support.device_bench import DEVICE, Bench, stamp


def full(folder: Path, policy: str = "refuse_new", limit: int = 5, **others: Any) -> Bench:
    counter = itertools.count(1)
    settings = DeviceSettings(buffer_limit=limit, buffer_full_policy=policy, **others)
    return Bench(folder, lambda: f"018f0000-0000-7000-8000-{next(counter):012d}", settings)


@pytest.fixture
def refusing(tmp_path: Path):
    made = full(tmp_path)
    yield made
    made.shut()


@pytest.fixture
def dropping(tmp_path: Path):
    made = full(tmp_path, "drop_oldest")
    yield made
    made.shut()


def held_numbers(bench: Bench) -> list[int]:
    state = bench.file.state
    return [row.sequence_no for row in bench.reader.oldest(state, 100, 2**62)]


def receipt(bench: Bench, **named: Any) -> dict[str, Any]:
    return {"client_id": DEVICE, "stream": bench.file.state.current.stream, "archived": [], "rejected": [], "lost": [],
            "wanted_since": None, "at": stamp(bench.clock.now()), **named}  # fmt: skip


def test_buffer_full_refusing_keeps_the_oldest_and_numbers_what_it_gives_up_case_22(refusing: Bench):
    refusing.sample(8)
    state = refusing.file.state
    assert held_numbers(refusing) == [1, 2, 3, 4, 5]
    assert (state.current.last_no, state.current.lost, state.lost, state.refused) == (8, ((6, 8),), 3, 3)
    assert (state.held, state.used_pct) == (5, 100.0)


def test_buffer_full_dropping_keeps_the_newest_case_22(dropping: Bench):
    dropping.sample(8)
    state = dropping.file.state
    assert held_numbers(dropping) == [4, 5, 6, 7, 8]
    assert (state.current.lost, state.evicted, state.refused) == (((1, 3),), 3, 0)


def test_buffer_full_dropping_takes_the_oldest_stream_first(dropping: Bench):
    dropping.sample(3)
    first = dropping.file.state.current.stream
    dropping.shut()
    dropping.boot()
    dropping.sample(4)
    assert [(one.stream == first, one.held, one.lost) for one in dropping.file.state.streams] == [
        (True, 1, ((1, 2),)),
        (False, 4, ()),
    ]


def test_buffer_full_dropping_rejected_reading_is_not_declared(dropping: Bench):
    dropping.sample(5)
    dropping.link_up()
    dropping.archive_all(lambda _stream, _number: True)
    dropping.link_down()
    dropping.sample(2)
    state = dropping.file.state
    assert (state.quarantined, state.held, state.lost) == (3, 2, 0)


def test_buffer_lowered_limit_deletes_nothing_by_itself(dropping: Bench):
    dropping.sample(5)
    dropping.file.settings = DeviceSettings(buffer_limit=2, buffer_full_policy="drop_oldest")
    dropping.note_only()
    assert held_numbers(dropping) == [1, 2, 3, 4, 5]
    dropping.sample()
    assert held_numbers(dropping) == [2, 3, 4, 5, 6]


def test_buffer_room_made_by_a_receipt_of_the_same_commit_counts(dropping: Bench):
    dropping.sample(5)
    dropping.link_up()
    dropping.archive_all()
    dropping.sample(3)
    assert dropping.file.state.lost == 0


def test_losses_survive_kill_and_restart(refusing: Bench):
    refusing.sample(7)
    refusing.shut()
    refusing.boot()
    first = refusing.file.state.streams[0]
    assert (first.lost, first.last_no) == (((6, 7),), 7)


def test_losses_of_a_failed_commit_are_not_counted_twice(refusing: Bench):
    refusing.sample(5)
    before = refusing.file.state.current.stream
    refusing.file.begin()
    refusing.add_one()
    refusing.file.rollback()
    refusing.sample()
    streams = {one.stream: one for one in refusing.file.state.streams}
    assert streams[before].lost == ()
    assert refusing.file.state.current.lost == ((1, 1),), "numbers of a failed commit are not met again"


def test_losses_are_declared_in_a_batch_of_their_own_and_settled_by_the_receipt(refusing: Bench):
    refusing.sample(8)
    channel = refusing.link_up()
    assert channel.losses() == [[[6, 8]]]
    assert ("buffered", [1, 2, 3, 4, 5]) in channel.telemetry()
    refusing.archive_all()
    assert (refusing.held(), refusing.declared()) == (0, set())
    assert refusing.lost == {(refusing.file.state.current.stream, number) for number in (6, 7, 8)}
    assert refusing.state is State.CONNECTED
    refusing.pass_time(30.0)
    assert channel.losses() == [[[6, 8]]], "what is settled is not declared again"


@pytest.mark.parametrize(
    "fate",
    [
        {"archived": [[6, 8]]},
        {"lost": [[6, 8]]},
        {"rejected": [{"sequence_no": number, "reason": "x"} for number in (6, 7, 8)]},
        {"archived": [[6, 6]], "lost": [[7, 7]], "rejected": [{"sequence_no": 8, "reason": "x"}]},
    ],
)
def test_losses_are_settled_by_any_of_the_three_fates(refusing: Bench, fate: dict[str, Any]):
    refusing.sample(8)
    refusing.link_up()
    refusing.receipt(receipt(refusing, **fate))
    assert (refusing.declared(), refusing.held()) == (set(), 5)


def test_losses_named_in_part_leave_the_rest_declared(refusing: Bench):
    refusing.sample(9)
    channel = refusing.link_up()
    refusing.receipt(receipt(refusing, lost=[[7, 8]]))
    assert refusing.file.state.current.lost == ((6, 6), (9, 9))
    assert channel.losses() == [[[6, 9]], [[9, 9]]], "the rest that stands alone now is told at once"


def test_losses_unanswered_are_sent_again_and_never_set_aside(refusing: Bench):
    refusing.sample(8)
    channel = refusing.link_up()
    refusing.loses_declarations = True
    for _ in range(120):
        refusing.archive_all()
        refusing.pass_time(0.5)
        refusing.sample()
    assert len(channel.losses()) >= 4
    assert len(refusing.courier.aside) == 0
    assert refusing.declared() >= {(refusing.file.state.current.stream, 6)}
    refusing.loses_declarations = False
    for _ in range(300):
        if not refusing.archive_all() and not refusing.declared():
            break
        refusing.pass_time(2.0)
    assert refusing.declared() == set()


def test_losses_alone_are_the_probe_while_the_archive_is_away(refusing: Bench):
    refusing.sample(8)
    channel = refusing.link_up()
    refusing.receipt(receipt(refusing, archived=[[1, 5]]))
    refusing.pass_time(6.0)
    assert refusing.state is State.AWAY
    before = len(channel.losses())
    refusing.pass_time(31.0)
    assert (refusing.state, len(channel.losses())) == (State.AWAY, before + 1)
    refusing.archive_all()
    assert (refusing.state, refusing.declared()) == (State.CONNECTED, set())


def test_heartbeat_spans_declared_losses_and_counts_readings(refusing: Bench):
    refusing.sample(8)
    beat = refusing.link_up().beats()[0]
    stream = refusing.file.state.current.stream
    assert beat["held"] == [{"stream": stream, "first": 1, "last": 8, "count": 5}]
    assert (beat["pending"], beat["last_sequence_no"], beat["buffer_used_pct"]) == (5, 8, 100.0)
    refusing.receipt(receipt(refusing, archived=[[1, 5]]))
    refusing.pass_time(5.0)
    assert refusing.channel is not None
    beat = refusing.channel.beats()[-1]
    assert (beat["held"], beat["pending"]) == ([{"stream": stream, "first": 6, "last": 8, "count": 0}], 0)


def test_buffer_says_at_eighty_percent_that_it_fills_and_when_there_is_room(tmp_path: Path):
    bench = full(tmp_path, limit=10)
    bench.sample(7)
    assert bench.file.state.notice == ""
    bench.sample()
    assert bench.file.state.notice.startswith("the buffer is filling (8 of 10 readings)")
    bench.sample(3)
    assert "is full (10 readings): new readings are given up" in bench.file.state.notice
    bench.link_up()
    bench.archive_all()
    assert bench.file.state.notice == ""
    bench.shut()


def test_settled_losses_are_kept_as_long_as_confirmed_readings(tmp_path: Path):
    bench = full(tmp_path, confirmed_keep_h=1)
    bench.link_up()
    for _ in range(3):
        bench.sample(8)
        bench.archive_all()
        bench.clock.advance(7200)
    times = "SELECT receipt_at FROM telemetry_lost_settled UNION SELECT receipt_at FROM telemetry_data"
    before = bench.file._db.execute(times).fetchall()
    bench.file.begin()
    bench.file.prune()
    bench.file.commit()
    assert bench.file._db.execute(times).fetchall() == before[1:], "the first hour's go, of both"
    assert len(before) == 3
    bench.shut()

"""What an answer means, and that one that lies or is malformed means nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pulse_desktop.core.connection import State
from pulse_desktop.core.outbox import Settlement
from support.device_bench import DEVICE, Bench, stamp
from support.device_fakes import FakeChannel


def test_courier_puback_alone_releases_nothing_case_2(bench: Bench):
    bench.link_up()
    bench.sample(3)
    bench.acknowledge_all()
    assert (bench.held(), bench.file.state.sent) == (3, 3)


def test_courier_puback_counts_for_the_rows_of_its_own_message_only_case_2(bench: Bench):
    channel = bench.link_up()
    bench.sample(3)
    second = next(at for at, (kind, payload, _) in enumerate(channel.sent, 1) if payload.get("sequence_no") == 2)
    for number in (second, second, len(channel.sent) + 100):
        bench.courier.acknowledged(number)
        bench.settle_down()
    assert (bench.held(), bench.file.state.sent) == (3, 1)


def test_courier_rejected_reading_is_quarantined_and_holds_nothing_up(bench: Bench):
    bench.sample(3)
    bench.link_up()
    bench.archive_all(lambda _stream, number: number == 2)
    assert (bench.state, bench.held(), bench.file.state.quarantined) == (State.CONNECTED, 0, 1)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("foreign stream", {"stream": "018f0000-0000-7000-8000-00000000ffff", "archived": [[1, 2]]}),
        ("above the last", {"archived": [[1, 3]]}),
        ("far above the last", {"archived": [[1, 2**63 - 2]]}),
        ("rejects above the last", {"archived": [[1, 1]], "rejected": [{"sequence_no": 9, "reason": "x"}]}),
        ("lost above the last", {"archived": [[1, 1]], "lost": [[5, 9]]}),
        ("another device", {"client_id": "D2", "archived": [[1, 2]]}),
        ("turned range", {"archived": [[2, 1]]}),
        ("zero", {"archived": [[0, 2]]}),
        ("numbers of no stream", {"stream": None, "archived": [[1, 2]]}),
        ("no time", {"archived": [[1, 2]], "at": "yesterday"}),
        ("impossible time", {"archived": [[1, 2]], "at": "2026-13-45T99:00:00Z"}),
    ],
)
def test_courier_receipt_that_lies_is_ignored_whole(bench: Bench, name: str, change: dict[str, Any]):
    bench.link_up()
    bench.sample(2)
    stream = bench.file.state.current.stream
    honest = {"client_id": DEVICE, "stream": stream, "archived": [], "rejected": [], "lost": [],
              "wanted_since": None, "at": stamp(bench.clock.now())}  # fmt: skip
    bench.receipt({**honest, **change})
    assert (bench.held(), bench.courier.ignored_receipts) == (2, 1), name


@pytest.mark.parametrize("payload", [b"", b"[]", b"\xff", b"{", b'{"client_id": "D1"}', b"9" * 300_000])
def test_courier_malformed_receipt_is_ignored(bench: Bench, payload: bytes):
    bench.link_up()
    bench.sample(2)
    bench.receipt(payload)
    assert (bench.held(), bench.courier.ignored_receipts) == (2, 1)


def set_one_aside(bench: Bench) -> FakeChannel:
    """Let the archive answer everything but the third reading until that is set aside; return the channel."""
    bench.sample(5)
    channel = bench.link_up()
    bench.ignored = {3}
    for _ in range(40):
        bench.archive_all()
        bench.pass_time(0.5)
        bench.sample()
    bench.archive_all()
    assert bench.held() == 1
    assert (len(bench.courier.aside), bench.notes["set_aside"]) == (1, "1")
    return channel


def test_courier_reading_that_is_never_answered_is_set_aside_and_holds_nothing_up(bench: Bench):
    channel = set_one_aside(bench)
    assert bench.state is State.CONNECTED
    assert channel.beats()[-1]["held"][0]["first"] == 3, "it is still held, and said so"
    before = len(channel.telemetry())
    bench.pass_time(601.0)
    assert channel.telemetry()[before:] == [("buffered", [3])], "it is offered alone every ten minutes"
    bench.link_down()
    channel = bench.link_up()
    assert bench.state is State.CONNECTED, "it does not hold up the next connection either"
    bench.ignored = set()
    bench.status("ONLINE")
    bench.status("ONLINE", started_at="2026-02-02T00:00:00.000Z")
    bench.pass_time(11.0)
    assert channel.telemetry()[0] == ("buffered", [3]), "a new worker is asked again"
    bench.archive_all()
    assert (bench.held(), len(bench.courier.aside), bench.notes["set_aside"]) == (0, 0, "0")


def test_courier_held_row_that_the_archive_calls_lost_is_sent_on(bench: Bench):
    bench.link_up()
    bench.sample()
    bench.receipt({"client_id": DEVICE, "stream": bench.file.state.current.stream, "archived": [], "rejected": [],
                   "lost": [[1, 1]], "wanted_since": None, "at": stamp(bench.clock.now())})  # fmt: skip
    assert bench.held() == 1
    bench.pass_time(2.5)
    bench.archive_all()
    assert bench.held() == 0


def test_courier_message_that_is_not_ours_is_ignored(bench: Bench):
    bench.link_up()
    for topic in ("archive/D1/other", "nothing", "system/auth-api/1/status", "system/ingest/1/status"):
        bench.courier.received(topic, b"{")
    assert bench.state is State.CONNECTED


def test_courier_readings_set_aside_are_noted_anew_by_each_run(bench: Bench):
    set_one_aside(bench)
    bench.shut()
    bench.boot()
    assert (len(bench.courier.aside), bench.notes["set_aside"]) == (0, "0"), "it is offered like any other"


def test_courier_reading_set_aside_that_is_held_no_more_is_noted_so(bench: Bench):
    set_one_aside(bench)
    bench.settle(Settlement(bench.file.state.current.stream, [(3, 3)], [], stamp(bench.clock.now())))
    bench.settle_down()
    assert bench.notes["set_aside"] == "1", "nobody has told the courier's list"
    bench.pass_time(700.0)
    assert (len(bench.courier.aside), bench.notes["set_aside"]) == (0, "0")

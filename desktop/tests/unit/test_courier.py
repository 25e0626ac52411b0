"""The courier: what is sent when, what an answer means, and that nothing goes without one."""

from __future__ import annotations

import itertools
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pulse_desktop.core.connection import State
from pulse_desktop.core.settings import DeviceSettings
from support.device_bench import DEVICE, Bench, stamp


def streams() -> Any:
    counter = itertools.count(1)
    return lambda: f"018f0000-0000-7000-8000-{next(counter):012d}"


@pytest.fixture
def bench(tmp_path: Path):
    made = Bench(tmp_path, streams())
    yield made
    made.shut()


def with_settings(folder: Path, **changes: Any) -> Bench:
    return Bench(folder, streams(), DeviceSettings(**changes))


def test_courier_nothing_held_at_connect_goes_live_at_once(bench: Bench):
    channel = bench.link_up()
    assert bench.state is State.CONNECTED
    assert [beat["status"] for beat in channel.beats()] == ["SYNCING", "ONLINE"]
    bench.sample(2)
    assert channel.telemetry() == [("live", [1]), ("live", [2])]


def test_courier_backlog_goes_first_in_order_and_in_batches(tmp_path: Path):
    bench = with_settings(tmp_path, flush_batch_size=3)
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


def test_courier_live_first_sends_new_readings_at_once_beside_the_backlog(tmp_path: Path):
    bench = with_settings(tmp_path, flush_order="live_first", flush_batch_size=2)
    bench.sample(4)
    channel = bench.link_up()
    bench.sample()
    assert bench.state is State.SYNCING
    assert channel.telemetry() == [("buffered", [1, 2]), ("buffered", [3, 4]), ("live", [5])]
    bench.archive_all()
    assert (bench.state, bench.held()) == (State.CONNECTED, 0)
    bench.shut()


def test_courier_window_holds_the_backlog_back_until_answers_come(tmp_path: Path):
    bench = with_settings(tmp_path, flush_batch_size=1)
    bench.sample(20)
    channel = bench.link_up()
    assert len(channel.telemetry()) == 4
    bench.archive_all()
    assert [numbers[0] for _, numbers in channel.telemetry()] == list(range(1, 21))
    bench.shut()


def test_courier_batches_stay_below_the_size_limit(tmp_path: Path):
    bench = with_settings(tmp_path, flush_batch_size=1000)
    wide = {f"{'m' * 90}/{n}": 1.5 for n in range(256)}
    for _ in range(30):
        bench._transact(lambda: bench.file.add(_sample(bench, wide)))
    bench.settle_down()
    channel = bench.link_up()
    bench.archive_all()
    assert len(channel.telemetry()) > 2
    assert max(channel.sizes) <= 256 * 1024
    assert bench.held() == 0
    bench.shut()


def _sample(bench: Bench, values: dict[str, Any]) -> Any:
    from pulse_desktop.core.readings import Sample

    return Sample(bench.clock.now(), values)


def test_courier_puback_alone_releases_nothing(bench: Bench):
    bench.link_up()
    bench.sample(3)
    bench.acknowledge_all()
    assert (bench.held(), bench.file.state.sent) == (3, 3)


def test_courier_unanswered_live_reading_is_sent_again_as_buffered(bench: Bench):
    channel = bench.link_up()
    bench.sample()
    bench.lose_messages()
    bench.pass_time(2.0)
    assert channel.telemetry() == [("live", [1]), ("buffered", [1])]
    bench.archive_all()
    assert bench.held() == 0


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
    bench = with_settings(tmp_path, flush_batch_size=2)
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


def test_courier_reconnected_sends_everything_unanswered_again(bench: Bench):
    bench.link_up()
    bench.sample(3)
    bench.acknowledge_all()
    bench.link_down()
    bench.sample()
    channel = bench.link_up()
    assert channel.telemetry() == [("buffered", [1, 2, 3, 4])]


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


def test_courier_reading_that_is_never_answered_is_set_aside_and_holds_nothing_up(bench: Bench):
    bench.sample(5)
    channel = bench.link_up()
    bench.ignored = {3}
    for _ in range(40):
        bench.archive_all()
        bench.pass_time(0.5)
        bench.sample()
    bench.archive_all()
    assert bench.held() == 1
    assert len(bench.courier.aside) == 1
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
    assert (bench.held(), len(bench.courier.aside)) == (0, 0)


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
    bench.courier.flush_wanted()
    bench.pass_time(6.0)
    assert (channel.beats()[-1]["status"], channel.beats()[-1]["last_sequence_no"]) == ("OFFLINE", 2)


def test_reading_on_the_wire_is_what_the_contract_says(bench: Bench):
    channel = bench.link_up()
    bench.courier.clock_measured(-1500)
    bench._transact(lambda: bench.file.add(_sample(bench, {"big": 2**63 - 1, "double": 72.0, "on": True})))
    bench.settle_down()
    kind, reading, retained = channel.sent[-1]
    assert (kind, retained) == ("live", False)
    assert reading == {
        "client_id": DEVICE, "stream": bench.file.state.current.stream, "sequence_no": 1,
        "timestamp": "2026-02-07T10:00:00.000Z", "metrics": {"big": 2**63 - 1, "double": 72.0, "on": True},
        "source": "desktop", "clock_offset_ms": -1500,
    }  # fmt: skip
    assert '"double":72.0' in json.dumps(reading, separators=(",", ":"))


class Delivery(RuleBasedStateMachine):
    """L1 to L3: any history of cuts, kills, silence and repetition, then an honest archive: all of it is there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name), streams(), DeviceSettings(flush_batch_size=3, buffer_limit=15))

    @rule(count=st.integers(1, 5), policy=st.sampled_from(["refuse_new", "drop_oldest"]))
    def sample(self, count: int, policy: str) -> None:
        self.bench.file.settings = replace(self.bench.settings, buffer_full_policy=policy)
        self.bench.sample(count)

    @rule()
    def link_up(self) -> None:
        self.bench.link_up()

    @rule()
    def link_down(self) -> None:
        self.bench.link_down()

    @rule()
    def kill_and_start(self) -> None:
        self.bench.shut()
        self.bench.boot()

    @rule(seconds=st.sampled_from([0.5, 3.0, 12.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.bench.pass_time(seconds)

    @rule()
    def broker_acknowledges(self) -> None:
        self.bench.acknowledge_all()

    @rule()
    def broker_forgets(self) -> None:
        self.bench.lose_messages()

    @rule(odd=st.integers(2, 7))
    def archive_answers(self, odd: int) -> None:
        self.bench.archive_all(lambda _stream, number: number % odd == 0)

    @rule(status=st.sampled_from(["ONLINE", "DEGRADED", "OFFLINE"]), start=st.integers(1, 3))
    def worker_speaks(self, status: str, start: int) -> None:
        self.bench.status(status, "ok" if status == "ONLINE" else "down", f"2026-01-0{start}T00:00:00.000Z")

    @rule()
    def archive_is_restored(self) -> None:
        """The archive forgets everything of a time, and asks for it; what it has forgotten comes back."""
        self.bench.clock.advance(1.0)
        self.bench.restore_archive()

    @precondition(lambda self: self.bench.produced)
    @rule(data=st.data())
    def receipt_lies(self, data: st.DataObject) -> None:
        stream, _ = data.draw(st.sampled_from(sorted(self.bench.produced)))
        held = self.bench.held()
        beyond = max(number for name, number in self.bench.produced if name == stream) + data.draw(st.integers(1, 9))
        self.bench.receipt({"client_id": DEVICE, "stream": stream, "archived": [[1, beyond]], "rejected": [],
                            "lost": [], "wanted_since": None, "at": stamp(self.bench.clock.now())})  # fmt: skip
        assert self.bench.held() == held

    @invariant()
    def nothing_is_nowhere(self) -> None:
        self.bench.check_account()
        rows = {(s.stream, r.sequence_no) for s in self.bench.file.state.streams if s.held
                for r in self.bench.reader.rows(s, s.first_held, s.last_held, 10_000, 2**62)}  # fmt: skip
        fates = (set(self.bench.kept), self.bench.rejected, self.bench.lost)
        assert not any(one & other for one, other in itertools.combinations(fates, 2)), "L3: two fates"
        here = rows | self.bench.declared()
        assert self.bench.numbers() <= here.union(*fates), "L2: a number left without a fate"
        assert not rows & self.bench.declared(), "L3: declared as lost and still held"

    def teardown(self) -> None:
        bench = self.bench
        bench.link_up()
        for _ in range(200):
            if not bench.archive_all() and not bench.held() and not bench.declared():
                break
            bench.pass_time(1.0)
        assert (bench.held(), bench.declared()) == (0, set())
        assert set(bench.kept) | bench.rejected | bench.lost == bench.numbers()
        assert bench.kept == {key: bench.produced[key] for key in bench.kept}
        bench.shut()
        self.folder.cleanup()


TestDelivery = Delivery.TestCase
TestDelivery.settings = hypothesis_settings(max_examples=50, stateful_step_count=25, deadline=None)

"""The outbox's file: numbers, fates, streams, and that no row leaves without a receipt."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pulse_desktop.core.outbox.file import OutboxFile, Settlement
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.settings import DeviceSettings
from support.device_fakes import FakeClock

AT = "2026-02-07T10:00:00.000Z"
LARGEST = 2**63 - 1


def names() -> Callable[[], str]:
    counter = itertools.count(1)
    return lambda: f"018f0000-0000-7000-8000-{next(counter):012d}"


class Bench:
    """A file in a folder with a fake clock; ``do`` runs one transaction."""

    def __init__(self, folder: Path, settings: DeviceSettings = DeviceSettings()) -> None:  # noqa: B008 - frozen
        self.path, self.clock, self.new_stream, self.settings = folder / "outbox.db", FakeClock(), names(), settings
        self.file = self.open()

    def open(self) -> OutboxFile:
        self.file = OutboxFile(self.path, self.clock, self.new_stream, self.settings)
        return self.file

    def add(self, *values: object) -> None:
        self.file.begin()
        self.file.add_all([Sample(self.clock.now(), value) for value in values or ({"a": 1},)])  # type: ignore[arg-type]
        self.file.commit()

    def sent(self, *ranges: tuple[int, int]) -> None:
        self.file.begin()
        self.file.mark_sent(self.file.state.current.stream, ranges)
        self.file.commit()

    def settle(self, archived: list[tuple[int, int]], rejected: list[tuple[int, str]] | None = None) -> None:
        self.file.begin()
        self.file.settle(Settlement(self.file.state.current.stream, archived, rejected or [], AT))
        self.file.commit()

    def rows(self, query: str) -> list[tuple[object, ...]]:
        db = sqlite3.connect(self.path)
        try:
            return db.execute(query).fetchall()
        finally:
            db.close()


@pytest.fixture
def bench(tmp_path: Path):
    made = Bench(tmp_path)
    yield made
    made.file.close()


def test_outbox_numbers_begin_at_one_and_skip_nothing(bench: Bench):
    bench.add({"a": 1}, {"a": 2})
    bench.add({"a": 3})
    assert bench.rows("SELECT sequence_no FROM telemetry_buffer") == [(1,), (2,), (3,)]
    assert bench.file.state.current.last_no == 3


def test_outbox_reopened_keeps_rows_in_their_stream_and_begins_another(bench: Bench):
    bench.add({"a": 1}, {"a": 2})
    first = bench.file.state.current.stream
    bench.file.close()
    bench.open()
    bench.add({"a": 3})
    second = bench.file.state.current.stream
    assert second != first
    assert bench.rows("SELECT stream, sequence_no FROM telemetry_buffer") == [(first, 1), (first, 2), (second, 1)]
    assert [(s.first_held, s.last_held, s.held) for s in bench.file.state.streams] == [(1, 2, 2), (1, 1, 1)]


@pytest.mark.parametrize("seconds", [6.0, -6.0, 86_400.0 * 365])
def test_outbox_clock_jumped_begins_a_stream(bench: Bench, seconds: float):
    bench.add()
    first = bench.file.state.current.stream
    bench.clock.jump(seconds)
    bench.add()
    assert bench.file.state.current.stream != first
    assert bench.file.state.current.last_no == 1


def test_outbox_clock_slewed_a_little_stays_in_its_stream(bench: Bench):
    bench.add()
    first = bench.file.state.current.stream
    bench.clock.jump(4.0)
    bench.clock.advance(3600)
    bench.add()
    assert (bench.file.state.current.stream, bench.file.state.current.last_no) == (first, 2)


def test_outbox_puback_deletes_nothing(bench: Bench):
    bench.add({"a": 1}, {"a": 2})
    bench.sent((1, 2))
    assert bench.rows("SELECT state FROM telemetry_buffer") == [("sent",), ("sent",)]
    assert (bench.file.state.held, bench.file.state.sent) == (2, 2)


def test_outbox_receipt_moves_exactly_the_named_rows(bench: Bench):
    bench.add(*({"a": n} for n in range(1, 7)))
    bench.sent((2, 4))
    bench.settle([(1, 2), (4, 4)], [(5, "too odd")])
    assert bench.rows("SELECT sequence_no, state, reason FROM telemetry_buffer") == [
        (3, "sent", None),
        (5, "quarantined", "too odd"),
        (6, "pending", None),
    ]
    assert bench.rows("SELECT sequence_no, receipt_at FROM telemetry_data") == [(1, AT), (2, AT), (4, AT)]
    state = bench.file.state
    assert (state.held, state.sent, state.quarantined) == (2, 1, 1)
    assert (state.current.first_held, state.current.last_held) == (3, 6)


def test_outbox_receipt_of_a_foreign_stream_changes_nothing(bench: Bench):
    bench.add()
    bench.file.begin()
    bench.file.settle(Settlement("018f0000-0000-7000-8000-00000000ffff", [(1, 1)], [], AT))
    bench.file.commit()
    assert bench.file.state.held == 1


@pytest.mark.parametrize("last", [2**41, 2**62, 2**63 - 1])
def test_outbox_receipt_with_absurd_ranges_stays_in_its_stream(bench: Bench, last: int):
    bench.add({"a": 1}, {"a": 2})
    first = bench.file.state.current.stream
    bench.clock.jump(60)
    bench.add({"a": 3})
    bench.file.begin()
    bench.file.settle(Settlement(first, [(0, last)], [(last, "odd")], AT))
    bench.file.commit()
    assert bench.rows("SELECT stream, state FROM telemetry_buffer") == [(bench.file.state.current.stream, "pending")]
    assert bench.file.state.held == 1


def test_outbox_same_receipt_again_changes_nothing(bench: Bench):
    bench.add({"a": 1}, {"a": 2})
    for _ in range(2):
        bench.settle([(1, 1)])
        assert (bench.file.state.held, bench.file.state.current.first_held) == (1, 2)
    assert bench.rows("SELECT count(*) FROM telemetry_data") == [(1,)]


def test_outbox_quarantined_reading_archived_after_all_leaves(bench: Bench):
    bench.add()
    bench.settle([], [(1, "unknown")])
    assert (bench.file.state.held, bench.file.state.quarantined) == (0, 1)
    bench.settle([(1, 1)])
    assert bench.file.state.quarantined == 0
    assert bench.rows("SELECT count(*) FROM telemetry_buffer") == [(0,)]


def test_outbox_largest_integers_stay_exact_case_41(bench: Bench):
    bench.add({"big": LARGEST, "low": -LARGEST - 1, "double": 72.0, "on": True})
    stored = bench.rows("SELECT metrics FROM telemetry_buffer")[0][0]
    assert stored == b'{"big":9223372036854775807,"low":-9223372036854775808,"double":72.0,"on":true}'


def test_outbox_values_outside_the_contract_are_dropped_alone(bench: Bench):
    odd = {"nan": float("nan"), "inf": float("inf"), "wide": 2**63, "text": "x", "none": None, "a b": 1, "": 2, "ok": 1}
    bench.add(odd)
    assert json.loads(bench.rows("SELECT metrics FROM telemetry_buffer")[0][0]) == {"ok": 1}  # type: ignore[arg-type]
    assert set(bench.file.state.dropped_values) == set(odd) - {"ok"}


def test_outbox_sample_with_nothing_left_takes_no_number(bench: Bench):
    bench.add({"a": float("nan")}, {}, {"a": 1})
    assert bench.file.state.current.last_no == 1


def test_outbox_values_made_from_their_number_get_it(bench: Bench):
    bench.add(lambda stream, number: {"n": number * 10}, lambda stream, number: {"n": number * 10})
    assert [json.loads(row[0]) for row in bench.rows("SELECT metrics FROM telemetry_buffer")] == [{"n": 10}, {"n": 20}]  # type: ignore[arg-type]


def test_outbox_source_that_raises_at_its_number_takes_none(bench: Bench):
    def broken(_stream: str, _number: int) -> dict[str, object]:
        raise RuntimeError("sensor gone")

    bench.add(broken, {"a": 1})
    assert bench.rows("SELECT sequence_no FROM telemetry_buffer") == [(1,)]


def test_outbox_failed_commit_takes_no_number_and_begins_a_stream(bench: Bench):
    bench.add()
    before = bench.file.state
    bench.file.begin()
    bench.file.add(Sample(bench.clock.now(), {"a": 2}))
    bench.file.rollback()
    assert bench.file.state == before
    bench.add({"a": 3})
    assert bench.file.state.current.stream != before.current.stream
    assert bench.rows("SELECT stream, sequence_no FROM telemetry_buffer") == [
        (before.current.stream, 1),
        (bench.file.state.current.stream, 1),
    ]


def test_outbox_last_sync_is_when_the_backlog_reached_zero(bench: Bench):
    assert bench.file.state.last_sync_at is None
    bench.add({"a": 1}, {"a": 2})
    bench.clock.advance(60)
    bench.settle([(1, 1)])
    assert bench.file.state.last_sync_at is None
    bench.settle([(2, 2)])
    assert bench.file.state.last_sync_at == "2026-02-07T10:01:00.000Z"


def test_outbox_confirmed_readings_go_after_their_time(tmp_path: Path):
    bench = Bench(tmp_path, DeviceSettings(confirmed_keep_h=1))
    settle_at(bench, "2026-02-07T06:00:00.000Z", "2026-02-07T07:30:00.000Z", "2026-02-07T08:00:00.000Z", AT)
    assert bench.file.state.kept_since == "2026-02-07T06:00:00.000Z"
    assert prune(bench) is False
    assert bench.rows("SELECT sequence_no FROM telemetry_data") == [(2,), (3,), (4,)]
    assert bench.file.state.kept_since == "2026-02-07T07:30:00.000Z"
    bench.file.close()


def test_outbox_keeps_what_was_confirmed_before_an_outage_until_the_archive_can_have_asked_for_it(tmp_path: Path):
    bench = Bench(tmp_path, DeviceSettings(confirmed_keep_h=24))
    before = [f"2026-02-05T{hour:02}:00:00.000Z" for hour in range(4, 20)]
    settle_at(bench, *before, "2026-02-07T10:00:00.000Z", "2026-02-07T11:59:00.000Z")
    assert prune(bench) is False
    assert bench.file.state.kept_since == before[0], "the archive that answers again may be a restored one"
    settle_at(bench, "2026-02-07T12:01:00.000Z")
    assert prune(bench) is False
    assert bench.file.state.kept_since == "2026-02-07T10:00:00.000Z"
    bench.file.close()


def settle_at(bench: Bench, *times: str) -> None:
    """Record a reading for each of *times* and apply its receipt of that time."""
    for at in times:
        bench.add({"a": 1})
        number = bench.file.state.current.last_no
        bench.file.begin()
        bench.file.settle(Settlement(bench.file.state.current.stream, [(number, number)], [], at))
        bench.file.commit()


def prune(bench: Bench) -> bool:
    bench.file.begin()
    more = bench.file.prune()
    bench.file.commit()
    return more


def test_outbox_without_keeping_confirmed_keeps_none(tmp_path: Path):
    bench = Bench(tmp_path, DeviceSettings(confirmed_keep_h=0))
    bench.add({"a": 1}, {"a": 2})
    bench.settle([(1, 2)])
    assert bench.rows("SELECT count(*) FROM telemetry_data") == [(0,)]
    assert (bench.file.state.held, bench.file.state.kept_since) == (0, None)
    bench.file.close()


def test_outbox_file_of_a_newer_version_is_refused(bench: Bench):
    bench.file.close()
    db = sqlite3.connect(bench.path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(sqlite3.NotSupportedError, match="newer version"):
        bench.open()
    db = sqlite3.connect(bench.path)
    db.execute("PRAGMA user_version = 1")
    db.close()
    bench.open()


def test_outbox_file_is_private(bench: Bench):
    assert bench.path.stat().st_mode & 0o777 == 0o600


class OutboxModel(RuleBasedStateMachine):
    """L2 and L3 on the device: whatever happens, held, archived and rejected are disjoint and cover 1..last."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.folder.name), DeviceSettings(buffer_limit=12))
        self.declared: set[tuple[str, int]] = set()
        self.last: dict[str, int] = {}
        self.archived: set[tuple[str, int]] = set()
        self.rejected: set[tuple[str, int]] = set()
        self.forgotten: set[tuple[str, int]] = set()  # rejected, and dropped for room since

    def teardown(self) -> None:
        self.bench.file.close()
        self.folder.cleanup()

    @rule(count=st.integers(1, 6), policy=st.sampled_from(["refuse_new", "drop_oldest"]))
    def sample(self, count: int, policy: str) -> None:
        self.bench.file.settings = DeviceSettings(buffer_limit=12, buffer_full_policy=policy)
        before = self._in_file()
        room = max(0, 12 - len(before))
        self.bench.add(*({"a": n} for n in range(count)))
        stream = self.bench.file.state.current.stream
        last = self.last.get(stream, 0)
        self.last[stream] = last + count
        new = [(stream, last + more + 1) for more in range(count)]
        if policy == "refuse_new":
            self.declared |= set(new[room:])
        else:
            begun = {name: at for at, name in enumerate(self.last)}
            gone = sorted(before, key=lambda key: (begun[key[0]], key[1]))[: max(0, count - room)]
            self.declared |= set(gone) - self.rejected
            self.rejected -= set(gone)
            self.forgotten |= set(gone) - self.declared

    def _in_file(self) -> list[tuple[str, int]]:
        return self.bench.rows("SELECT stream, sequence_no FROM telemetry_buffer")  # type: ignore[return-value]

    @rule(count=st.integers(1, 3))
    def failed_commit(self, count: int) -> None:
        self.bench.file.begin()
        self.bench.file.add_all([Sample(self.bench.clock.now(), {"a": 1})] * count)
        self.bench.file.rollback()

    @rule()
    def restart(self) -> None:
        self.bench.file.close()
        self.bench.open()

    @rule()
    def kill(self) -> None:
        self.bench.file._db.close()
        self.bench.open()

    @rule(seconds=st.sampled_from([-20.0, 20.0]))
    def clock_jumps(self, seconds: float) -> None:
        self.bench.clock.jump(seconds)

    @precondition(lambda self: self.last)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        stream, first, last = self._range(data)
        self.bench.file.begin()
        self.bench.file.mark_sent(stream, [(first, last)])
        self.bench.file.commit()

    @precondition(lambda self: self.last)
    @rule(data=st.data(), reject=st.booleans())
    def receipt(self, data: st.DataObject, reject: bool) -> None:
        stream, first, last = self._range(data)
        numbers = {(stream, number) for number in range(first, last + 1)}
        self.bench.file.begin()
        self.forgotten |= numbers & self.declared
        fresh = numbers - self.archived - self.forgotten
        if reject:
            self.bench.file.settle(Settlement(stream, [], [(n, "bad") for _, n in sorted(numbers - self.archived)], AT))
            self.rejected |= fresh
        else:
            self.bench.file.settle(Settlement(stream, [(first, last)], [], AT))
            self.archived |= fresh
            self.rejected -= numbers
        self.declared -= numbers
        self.bench.file.commit()

    def _range(self, data: st.DataObject) -> tuple[str, int, int]:
        stream = data.draw(st.sampled_from(sorted(self.last)))
        first = data.draw(st.integers(1, self.last[stream]))
        return stream, first, data.draw(st.integers(first, self.last[stream]))

    @invariant()
    def every_number_has_one_place(self) -> None:
        produced = {(stream, n) for stream, last in self.last.items() for n in range(1, last + 1)}
        rows = self.bench.rows("SELECT stream, sequence_no, state FROM telemetry_buffer")
        held = {(stream, number) for stream, number, state in rows if state != "quarantined"}
        assert held == produced - self.archived - self.rejected - self.declared - self.forgotten
        ranges = self.bench.rows("SELECT stream, first_no, last_no FROM telemetry_lost")
        assert {(s, n) for s, first, last in ranges for n in range(first, last + 1)} == self.declared  # type: ignore[call-overload]
        assert {(s, n) for s, n, state in rows if state == "quarantined"} == self.rejected
        assert {(s, n) for s, n in self.bench.rows("SELECT stream, sequence_no FROM telemetry_data")} == self.archived

    @invariant()
    def picture_is_what_the_file_says(self) -> None:
        rows = self.bench.rows("SELECT stream, sequence_no, state FROM telemetry_buffer")
        for stream in self.bench.file.state.streams:
            mine = [number for name, number, state in rows if name == stream.stream and state != "quarantined"]
            assert stream.held == len(mine)
            assert (stream.first_held, stream.last_held) == ((min(mine), max(mine)) if mine else (0, 0))
            assert stream.last_no == self.last.get(stream.stream, 0)
            declared = {number for name, number in self.declared if name == stream.stream}
            assert {n for first, last in stream.lost for n in range(first, last + 1)} == declared
            if stream.is_open:
                assert stream.open_span == (min({*mine, *declared}), max({*mine, *declared}))
        assert self.bench.file.state.sent == len([1 for row in rows if row[2] == "sent"])
        assert self.bench.file.state.quarantined == len(self.rejected)


TestOutboxModel = OutboxModel.TestCase
TestOutboxModel.settings = hypothesis_settings(max_examples=20, stateful_step_count=25, deadline=None)


def test_outbox_receipt_of_the_year_one_does_not_end_the_pruning(tmp_path: Path):
    bench = Bench(tmp_path, DeviceSettings(confirmed_keep_h=1))
    bench.add({"a": 1})
    bench.file.begin()
    bench.file.settle(Settlement(bench.file.state.current.stream, [(1, 1)], [], "0001-01-01T00:00:00.000Z"))
    assert bench.file.prune() is False
    bench.file.commit()
    bench.file.close()

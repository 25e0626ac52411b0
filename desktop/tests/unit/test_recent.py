"""The recent past for a chart and the rows that wait, read beside the writer at a bounded cost."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pulse_desktop.core import recent
from pulse_desktop.core.outbox import Settlement
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.recent import Recent
from pulse_desktop.core.settings import DeviceSettings
from support.device_fakes import FakeClock

AT = "2026-02-07T10:00:00.000Z"
LATEST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()
NUMBERS = itertools.count(1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path, clock: FakeClock):
    made = OutboxFile(
        tmp_path / "outbox.db", clock, lambda: f"018f0000-0000-7000-8000-{next(NUMBERS):012d}", DeviceSettings()
    )
    yield made
    made.close()


def add(file: OutboxFile, clock: FakeClock, count: int, metric: str = "n") -> None:
    file.begin()
    for _ in range(count):
        clock.advance(1)
        file.add(Sample(clock.now(), {metric: int(clock.passed_s)}))
    file.commit()


def settle(file: OutboxFile, first: int, last: int, rejected: tuple = ()) -> None:
    file.begin()
    file.settle(Settlement(file.state.current.stream, [(first, last)], rejected, AT))
    file.commit()


def test_points_of_confirmed_and_waiting_readings_are_one_curve(tmp_path: Path, file: OutboxFile, clock: FakeClock):
    add(file, clock, 10)
    settle(file, 1, 6)
    found = Recent(tmp_path / "outbox.db").points("n", 0, LATEST)
    assert [point.value for point in found] == list(range(1_001, 1_011))
    assert found[-1].at == clock.now().timestamp()


def test_points_begin_at_the_time_asked_for(tmp_path: Path, file: OutboxFile, clock: FakeClock):
    add(file, clock, 40)
    settle(file, 1, 20)
    since = clock.now().timestamp() - 29.5
    assert [point.value for point in Recent(tmp_path / "outbox.db").points("n", since, LATEST)] == list(
        range(1_011, 1_041)
    )
    later = clock.now().timestamp() + 1
    assert Recent(tmp_path / "outbox.db").points("n", later, LATEST) == []


@pytest.mark.parametrize("settled", [0, 500])
def test_points_too_many_are_thinned_evenly_and_end_with_the_newest(
    tmp_path: Path, file: OutboxFile, clock: FakeClock, settled: int
):
    add(file, clock, 500)
    if settled:
        settle(file, 1, settled)
    found = Recent(tmp_path / "outbox.db").points("n", 0, LATEST, limit=50)
    assert 45 <= len(found) <= 50
    assert found[-1].value == 1_500
    assert {later.at - point.at for point, later in itertools.pairwise(found)} == {10.0}


@pytest.mark.parametrize("settled", [0, 600])
@pytest.mark.parametrize("most_scanned", [100, recent.MOST_SCANNED])
def test_points_of_each_of_several_sources_are_there_however_they_alternate(  # noqa: PLR0917 - fixtures come by name
    tmp_path: Path, file: OutboxFile, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, settled: int, most_scanned: int
):
    monkeypatch.setattr(recent, "MOST_SCANNED", most_scanned)
    for _ in range(200):
        for metric in ("a", "b", "b/long"):
            add(file, clock, 1, metric)
    if settled:
        settle(file, 1, settled)
    for metric in ("a", "b", "b/long"):
        found = Recent(tmp_path / "outbox.db").points(metric, 0, LATEST, limit=20)
        assert 15 <= len(found) <= 20, metric
        steps = [later.at - point.at for point, later in itertools.pairwise(found)]
        assert max(steps) <= 60, (metric, steps)
        assert clock.now().timestamp() - found[-1].at < 3


def test_points_of_a_slow_source_beside_a_fast_one_are_all_there(tmp_path: Path, file: OutboxFile, clock: FakeClock):
    for _ in range(10):
        add(file, clock, 50, "fast")
        add(file, clock, 1, "slow")
    assert len(Recent(tmp_path / "outbox.db").points("slow", 0, LATEST, limit=40)) == 10


def test_points_of_a_slow_time_are_there_beside_those_of_a_fast_one(tmp_path: Path, file: OutboxFile, clock: FakeClock):
    add(file, clock, 300)
    for _ in range(10):
        clock.advance(99)
        add(file, clock, 1)
    found = Recent(tmp_path / "outbox.db").points("n", 0, LATEST, limit=100)
    assert [point.value for point in found][-10:] == [1_400 + 100 * step for step in range(10)]


def test_points_have_one_limit_however_many_streams_there_are(tmp_path: Path, clock: FakeClock):
    def begun() -> OutboxFile:
        return OutboxFile(
            tmp_path / "outbox.db", clock, lambda: f"018f0000-0000-7000-8000-{next(NUMBERS):012d}", DeviceSettings()
        )

    for settled in (100, 0, 0, 0):
        one = begun()
        add(one, clock, 100)
        if settled:
            settle(one, 1, settled)
        one.close()
    found = Recent(tmp_path / "outbox.db").points("n", 0, LATEST, limit=50)
    assert 40 <= len(found) <= 50
    assert max(later.at - point.at for point, later in itertools.pairwise(found)) <= 20


@pytest.mark.parametrize("settled", [0, 900])
@pytest.mark.parametrize("most_scanned", [100, recent.MOST_SCANNED])
@pytest.mark.parametrize("back_s", [120.5, 3600.5])
def test_points_after_the_clock_was_set_back_ascend_up_to_now(  # noqa: PLR0917 - fixtures come by name
    tmp_path: Path, file: OutboxFile, clock: FakeClock, monkeypatch: pytest.MonkeyPatch,
    settled: int, most_scanned: int, back_s: float
):  # fmt: skip
    monkeypatch.setattr(recent, "MOST_SCANNED", most_scanned)
    add(file, clock, 800)
    clock.jump(-back_s)
    add(file, clock, 100)
    if settled:
        settle(file, 1, settled)
    now = clock.now().timestamp()
    for limit in (50, 2_000):
        found = Recent(tmp_path / "outbox.db").points("n", now - 90, now, limit)
        at = [point.at for point in found]
        assert at == sorted(at)
        assert now - 90 <= at[0] <= at[-1] <= now
        new = [point for point in found if point.value > 1_800]
        assert now - new[-1].at <= 20, "as far as the newest, however many there are from before"
        assert max(later.at - point.at for point, later in itertools.pairwise(new)) <= 20


def test_latest_is_the_newest_value_of_each_metric_with_its_own_time(
    tmp_path: Path, file: OutboxFile, clock: FakeClock
):
    add(file, clock, 2, "press")
    add(file, clock, 3, "boiler")
    file.save_newest()
    assert Recent(tmp_path / "outbox.db").latest() == {
        "press": (1_002, "2026-02-07T10:00:02.000Z"),
        "boiler": (1_005, "2026-02-07T10:00:05.000Z"),
    }


def test_unanswered_is_what_the_running_device_has_noted(tmp_path: Path, file: OutboxFile):
    recent_past = Recent(tmp_path / "outbox.db")
    assert recent_past.unanswered() == 0
    file.begin()
    file.note({"set_aside": "3"})
    file.commit()
    assert recent_past.unanswered() == 3


def test_points_of_a_metric_that_is_not_there_are_none(tmp_path: Path, file: OutboxFile, clock: FakeClock):
    add(file, clock, 3)
    assert Recent(tmp_path / "outbox.db").points("other", 0, LATEST) == []


def test_points_of_an_empty_file_are_none(tmp_path: Path, file: OutboxFile):
    assert Recent(tmp_path / "outbox.db").points("n", 0, LATEST) == []


def test_waiting_rows_come_in_the_order_they_go_with_state_and_reason(
    tmp_path: Path, file: OutboxFile, clock: FakeClock
):
    add(file, clock, 5)
    file.begin()
    file.mark_sent(file.state.current.stream, [(2, 3)])
    file.commit()
    settle(file, 1, 1, ((4, "out of range"),))
    found = Recent(tmp_path / "outbox.db").waiting()
    assert [(row.sequence_no, row.state, row.reason) for row in found] == [
        (2, "sent", None),
        (3, "sent", None),
        (4, "quarantined", "out of range"),
        (5, "pending", None),
    ]
    assert found[0].metrics == {"n": 1_002}
    assert [row.sequence_no for row in Recent(tmp_path / "outbox.db").waiting(limit=2)] == [2, 3]

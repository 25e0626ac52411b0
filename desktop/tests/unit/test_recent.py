"""The recent past for a chart and the rows that wait, read beside the writer at a bounded cost."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from pulse_desktop.core.outbox import Settlement
from pulse_desktop.core.outbox.file import OutboxFile
from pulse_desktop.core.readings import Sample
from pulse_desktop.core.recent import Recent
from pulse_desktop.core.settings import DeviceSettings
from support.device_fakes import FakeClock

AT = "2026-02-07T10:00:00.000Z"
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
    found = Recent(tmp_path / "outbox.db").points("n", 0)
    assert [point.value for point in found] == list(range(1_001, 1_011))
    assert found[-1].at == clock.now().timestamp()


def test_points_begin_at_the_time_asked_for(tmp_path: Path, file: OutboxFile, clock: FakeClock):
    add(file, clock, 40)
    settle(file, 1, 20)
    since = clock.now().timestamp() - 29.5
    assert [point.value for point in Recent(tmp_path / "outbox.db").points("n", since)] == list(range(1_011, 1_041))
    later = clock.now().timestamp() + 1
    assert Recent(tmp_path / "outbox.db").points("n", later) == []


@pytest.mark.parametrize("settled", [0, 500])
def test_points_too_many_are_thinned_evenly_and_end_with_the_newest(
    tmp_path: Path, file: OutboxFile, clock: FakeClock, settled: int
):
    add(file, clock, 500)
    if settled:
        settle(file, 1, settled)
    found = Recent(tmp_path / "outbox.db").points("n", 0, limit=50)
    assert 45 <= len(found) <= 50
    assert found[-1].value == 1_500
    assert {later.at - point.at for point, later in itertools.pairwise(found)} == {10.0}


def test_points_of_a_metric_that_is_not_there_are_none(tmp_path: Path, file: OutboxFile, clock: FakeClock):
    add(file, clock, 3)
    assert Recent(tmp_path / "outbox.db").points("other", 0) == []


def test_points_of_an_empty_file_are_none(tmp_path: Path, file: OutboxFile):
    assert Recent(tmp_path / "outbox.db").points("n", 0) == []


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

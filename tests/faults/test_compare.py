"""The comparison finds what is planted, and the schedule follows from its seed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from faults.compare import Archived, Row, Verdict, compare
from faults.schedule import PATIENCE_S, Kind, device_names, link_names, link_of, schedule, targets
from faults.truth import Truth
from pulse_desktop.core.sources.simulator import values

STREAM, OTHER = "018f0000-0000-7000-8000-000000000001", "018f0000-0000-7000-8000-000000000002"
MADE = {STREAM: 5, OTHER: 3}


def truth(stream: str, number: int):
    return values(7, stream, number)


def archive() -> list[Row]:
    return [
        (stream, number, metric, value)
        for stream, last in MADE.items()
        for number in range(1, last + 1)
        for metric, value in truth(stream, number).items()
    ]


def taken_at(number: int) -> datetime:
    return datetime(2026, 2, 7, tzinfo=UTC) + timedelta(seconds=number)


TIMES = {(stream, number): taken_at(number) for stream, last in MADE.items() for number in range(1, last + 1)}


def verdict(
    rows: list[Row],
    lost: dict[str, set[int]] | None = None,
    given_up: dict[str, set[int]] | None = None,
    times: dict[tuple[str, int], datetime] | None = None,
    reused: set[tuple[str, int]] | None = None,
) -> Verdict:
    known = Truth(MADE, given_up or {}, TIMES, reused or set())
    return compare("D01", known, truth, Archived(rows, times or TIMES, lost or {}))


def without(number: int) -> list[Row]:
    return [row for row in archive() if row[:2] != (STREAM, number)]


def test_compare_whole_archive_is_sound():
    found = verdict(archive()[::-1])
    assert found.is_sound
    assert str(found) == "8 produced, 8 archived, 0 missing, 0 twice, 0 declared lost"


def test_compare_planted_missing_reading_is_found():
    found = verdict(without(3))
    assert (found.missing, found.archived, found.is_sound) == (1, 7, False)
    assert found.differences == [f"D01 {STREAM} 3: missing"]


def test_compare_reading_given_up_and_declared_lost_is_sound_and_counted():
    found = verdict(without(3), {STREAM: {3}}, {STREAM: {2, 3}})
    assert (found.missing, found.lost, found.is_sound) == (0, 1, True)
    assert str(found).endswith("0 missing, 0 twice, 1 declared lost")


def test_compare_reading_given_up_and_never_declared_is_missing():
    assert verdict(without(3), None, {STREAM: {3}}).missing == 1


def test_compare_reading_declared_lost_though_it_was_never_given_up_is_found():
    found = verdict(without(3), {STREAM: {3}})
    assert (found.mislaid, found.lost, found.is_sound) == (1, 0, False)


def test_compare_reading_declared_lost_though_it_is_archived_is_found():
    found = verdict(archive(), {STREAM: {3}}, {STREAM: {3}})
    assert (found.mislaid, found.lost, found.is_sound) == (1, 0, False)


def test_compare_another_reading_under_the_same_number_is_found_by_its_time():
    found = verdict(archive(), times={**TIMES, (STREAM, 3): taken_at(4)})
    assert (found.altered, found.is_sound) == (1, False)


def test_compare_number_given_to_two_readings_is_one_missing():
    found = verdict(archive(), reused={(STREAM, 3)})
    assert (found.produced, found.archived, found.missing, found.is_sound) == (9, 8, 1, False)


def test_compare_planted_doubled_reading_is_found():
    rows = archive()
    found = verdict(rows + [row for row in rows if row[:2] == (STREAM, 2)])
    assert (found.twice, found.altered, found.archived) == (1, 0, 8)
    assert not found.is_sound


def test_compare_single_doubled_row_is_found():
    assert verdict([*archive(), archive()[0]]).twice == 1


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("line/parts", 2.0),
        ("line/parts", 3),
        ("meter/energy_counter", 2**63 - 1),
        ("motor/running", 1),
        ("line/pressure_bar", 6.000000000001),
    ],
)
def test_compare_planted_altered_value_or_type_is_found(metric: str, value: float):
    rows = [(s, n, m, value if (s, n, m) == (STREAM, 2, metric) else v) for s, n, m, v in archive()]
    found = verdict(rows)
    assert (found.altered, found.missing, found.is_sound) == (1, 0, False)
    assert metric in found.differences[0]


def test_compare_metric_absent_or_added_is_found():
    assert verdict(archive()[1:]).altered == 1
    assert verdict([*archive(), (STREAM, 1, "odd/metric", 1)]).altered == 1


def test_compare_reading_that_was_never_made_is_found():
    found = verdict([*archive(), (STREAM, 6, "line/parts", 6)])
    assert (found.strangers, found.is_sound) == (1, False)


def test_verdict_of_several_devices_adds_up_and_names_the_first_differences():
    total = Verdict()
    for _ in range(30):
        total.add(verdict(without(1)))
    assert (total.missing, total.produced, len(total.differences)) == (30, 240, 10)


def test_schedule_same_seed_is_the_same_and_another_is_another():
    assert schedule(1, 60, 4) == schedule(1, 60, 4)
    assert schedule(1, 60, 4) != schedule(2, 60, 4)


@pytest.mark.parametrize("seed", range(20))
def test_schedule_any_seed_keeps_its_time_and_one_fault_a_target(seed: int):
    faults = schedule(seed, 120, 6)
    assert len(faults) > 20
    assert {fault.kind for fault in faults} == set(Kind)
    assert {"ingest", "broker", "postgres"} <= {fault.target for fault in faults}
    assert all(0 <= fault.at_s < fault.until_s <= 120 for fault in faults)
    for target in {fault.target for fault in faults}:
        own = [fault for fault in faults if fault.target == target]
        assert all(one.until_s + PATIENCE_S.get(one.kind, 0) <= other.at_s for one, other in pairwise(own))


@pytest.mark.parametrize("seed", range(5))
def test_schedule_of_ten_minutes_and_twenty_devices_has_each_kind_again_and_again(seed: int):
    kinds = [fault.kind for fault in schedule(seed, 600, 20)]
    assert len(kinds) > 200
    assert min(kinds.count(kind) for kind in Kind) >= 5


def test_schedule_leaves_out_what_cannot_be_done():
    assert Kind.DISK_FULL not in {fault.kind for fault in schedule(1, 120, 6, frozenset({Kind.DISK_FULL}))}


@pytest.mark.parametrize("devices", [1, 4, 20])
def test_targets_special_devices_are_not_copied(devices: int):
    special = [targets(kind, devices) for kind in (Kind.CLOCK, Kind.BUFFER_FULL, Kind.DISK_FULL)]
    copied = targets(Kind.CLONE, devices)
    assert copied == targets(Kind.RESTORE, devices)
    assert sorted([*copied, *(name for names in special for name in names)]) == device_names(devices)


@pytest.mark.parametrize("devices", [1, 4, 5, 20])
def test_every_device_has_a_link(devices: int):
    assert {link_of(name, devices) for name in device_names(devices)} <= set(link_names(devices))
    assert len(link_names(devices)) <= 5

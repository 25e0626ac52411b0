"""What becomes of a sample: the quick way gives what the careful way gives."""

from __future__ import annotations

import enum
import json
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pulse_acl.payloads import MAX_METRICS, format_time
from pulse_desktop.core.outbox.intake import Intake
from pulse_desktop.core.readings import Sample, clean

NOW = datetime(2026, 2, 7, 10, tzinfo=UTC)
VALUES = st.one_of(
    st.booleans(), st.integers(-(2**64), 2**64), st.floats(allow_nan=True), st.none(), st.text(max_size=2)
)
SAMPLES = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c/d", "e f", ""]), VALUES), max_size=8)


class Level(enum.IntEnum):
    HIGH = 3


class Celsius(float):
    """As libraries for arrays and units have their own numbers."""


def stored(intake: Intake, values: object, number: int = 1) -> object:
    made = intake.readings([Sample(NOW, values)], 1, "s", number)  # type: ignore[arg-type]
    return json.loads(made[0].metrics) if made else None


@hypothesis_settings(deadline=None)
@given(SAMPLES)
def test_intake_known_names_are_judged_like_new_ones(samples: list[dict[str, object]]):
    intake = Intake()
    for values in samples * 2:
        assert stored(intake, values) == (clean(values).metrics or None)


def test_intake_numbers_of_a_library_are_recorded_as_plain_ones():
    intake = Intake()
    for _ in range(2):
        assert stored(intake, {"level": Level.HIGH, "t": Celsius(21.5), "on": True}) == {
            "level": 3,
            "t": 21.5,
            "on": True,
        }


def test_intake_more_metrics_than_the_contract_allows_are_dropped_each_time():
    intake = Intake()
    for _ in range(2):
        found = stored(intake, {f"m{number}": number for number in range(MAX_METRICS + 2)})
        assert isinstance(found, dict)
        assert len(found) == MAX_METRICS
    assert set(intake.dropped.values()) == {2}


@hypothesis_settings(deadline=None)
@given(st.lists(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)), min_size=1), st.data())  # noqa: DTZ001 - bounds
def test_intake_writes_times_as_the_contract_does(moments: list[datetime], data: st.DataObject):
    intake = Intake()
    zones = [UTC, ZoneInfo("Europe/Berlin"), timezone(timedelta(hours=-3, minutes=-30))]
    for moment in moments:
        for step in (timedelta(0), timedelta(milliseconds=7), timedelta(seconds=59, microseconds=999_999)):
            at = (moment + step).astimezone(data.draw(st.sampled_from(zones)))
            assert intake.time(at) == format_time(at)


def test_intake_newest_value_of_a_metric_comes_last_whatever_it_came_with():
    intake = Intake()
    for number, values in enumerate(({"a": 1, "b": 1}, {"a": 2}, {"a": 3, "b": 3}, {"a": 4}), start=1):
        stored(intake, values, number)
    assert {metric: text for metric, text, _ in intake.take_newest()} == {"a": "4", "b": "3"}
    assert list(intake.take_newest()) == []


def test_intake_source_that_raises_gives_nothing():
    def broken(_stream: str, _number: int) -> dict[str, object]:
        raise RuntimeError("sensor gone")

    assert stored(Intake(), broken) is None

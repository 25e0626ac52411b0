"""Values keep their kind; times need their offset."""

from datetime import UTC, datetime

import pytest

from pulse_auth.domain.telemetry.values import kind, moment, pick, text


@pytest.mark.parametrize(
    ("value", "named", "written"),
    [
        (2**63 - 1, "integer", "9223372036854775807"),
        (-(2**63), "integer", "-9223372036854775808"),
        (72.0, "double", "72.0"),
        (1e22, "double", "1e+22"),
        (-0.0, "double", "-0.0"),
        (0.1, "double", "0.1"),
        (True, "boolean", "true"),
        (False, "boolean", "false"),
    ],
)
def test_text_of_a_value_tells_its_kind(value: float | bool, named: str, written: str) -> None:
    assert kind(value) == named
    assert text(value) == written


def test_pick_takes_the_one_column_that_is_set() -> None:
    assert pick(None, 0, None) == 0
    assert pick(None, None, False) is False
    with pytest.raises(ValueError, match="no value"):
        pick(None, None, None)


def test_moment_with_offset_is_read_as_utc() -> None:
    assert moment("2026-02-07T11:15:30.125+01:00", "from") == datetime(2026, 2, 7, 10, 15, 30, 125_000, tzinfo=UTC)
    assert moment(None, "from") is None


@pytest.mark.parametrize(
    "given", ["", "now", "2026-02-07", "2026-02-07T10:15:30", "2026-13-07T10:15:30Z", "1770459330"]
)
def test_moment_without_offset_or_sense_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="time"):
        moment(given, "from")

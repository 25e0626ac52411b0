"""Presence is judged by the age of the last heartbeat."""

from datetime import UTC, datetime, timedelta

import pytest

from pulse_auth.domain.devices.registry import _interval_s, judge_status

NOW = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "age_s", "interval_s", "judged"),
    [
        ("ONLINE", 0, 5, "ONLINE"),
        ("SYNCING", 15, 5, "SYNCING"),
        ("ONLINE", 15.1, 5, "OFFLINE"),
        ("ONLINE", 179, 60, "ONLINE"),
        ("ONLINE", 181, 60, "OFFLINE"),
        ("OFFLINE", 0, 5, "OFFLINE"),
        ("ONLINE", -30, 5, "ONLINE"),
    ],
)
def test_judge_status_is_offline_after_three_silent_intervals(
    said: str, age_s: float, interval_s: float, judged: str
) -> None:
    assert judge_status(said, NOW - timedelta(seconds=age_s), interval_s, NOW) == judged


def test_judge_status_of_a_device_never_heard_of_is_offline() -> None:
    assert judge_status(None, None, 5, NOW) == "OFFLINE"


@pytest.mark.parametrize(
    ("heartbeat", "interval_s"),
    [
        (None, 5),
        ("{}", 5),
        ('{"heartbeat_interval_s": 10}', 10),
        ('{"heartbeat_interval_s": 0}', 5),
        ('{"heartbeat_interval_s": -3}', 5),
        ('{"heartbeat_interval_s": 100000000}', 60),
        ('{"heartbeat_interval_s": "soon"}', 5),
        ("no json", 5),
    ],
)
def test_interval_of_a_heartbeat_stays_within_the_settings_bounds(heartbeat: str | None, interval_s: float) -> None:
    assert _interval_s(heartbeat) == interval_s

"""The short schedule of faults on mosquitto: workers share one load over MQTT 5, and nothing is missing or doubled."""

from __future__ import annotations

import pytest

from faults.run import run, say_on_stderr


@pytest.mark.timeout(480)
def test_every_reading_is_archived_once_after_any_fault_on_mosquitto_L1():  # noqa: N802
    report = run(30.0, 4, 5, say_on_stderr, "mosquitto")
    say_on_stderr(f"{report.story}\n{report.verdict}")
    assert report.is_sound, f"{report.verdict}\n{report.story}"
    assert report.seen.restored == 1
    assert report.verdict.produced > 500

"""A short schedule of faults with a fixed seed: every kind of fault, and nothing is missing or doubled (L1, L2)."""

from __future__ import annotations

import pytest

from faults.run import run, say_on_stderr

SECONDS, SEED, DEVICES = 28.0, 3, 4


@pytest.mark.timeout(480)
def test_every_reading_is_archived_once_and_unaltered_after_any_fault_L1():  # noqa: N802
    report = run(SECONDS, SEED, DEVICES, say_on_stderr)
    say_on_stderr(f"{report.story}\n{report.verdict}")
    assert report.is_sound, f"{report.verdict}\n{report.story}"
    assert report.verdict.produced > 100 * DEVICES
    assert len(report.faults) >= 8
    assert report.restored == 1

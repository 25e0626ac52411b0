"""A short schedule of faults with a fixed seed: every kind of fault, and nothing is missing or doubled (L1, L2)."""

from __future__ import annotations

import pytest

from faults.run import run, say_on_stderr
from faults.schedule import Kind

SECONDS, SEED, DEVICES = 30.0, 3, 5


@pytest.mark.timeout(480)
def test_every_reading_is_archived_once_and_unaltered_after_any_fault_L1():  # noqa: N802
    report = run(SECONDS, SEED, DEVICES, say_on_stderr)
    say_on_stderr(f"{report.story}\n{report.verdict}")
    assert report.is_sound, f"{report.verdict}\n{report.story}"
    assert report.verdict.produced > 100 * DEVICES
    assert {one.kind for one in report.faults} == set(Kind) - report.cannot
    assert report.seen.ran_past == report.seen.restored == 1
    assert report.seen.disks_full == int(Kind.DISK_FULL not in report.cannot)
    assert (report.seen.buffers_full, report.seen.clock_jumps > 0) == (1, True)
    assert report.verdict.lost > 0
    assert report.duplicates > 0
    assert report.absurd > 0

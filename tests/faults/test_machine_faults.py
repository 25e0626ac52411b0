"""The small disk and the turned clock are what they say, for a process that knows nothing of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from faults import small_disk
from faults.small_disk import SmallDisk
from faults.wall_clock import WallClock

PRINT_CLOCKS = "import time; print(time.time(), time.monotonic())"


def clocks(variables: dict[str, str]) -> list[float]:
    command = [sys.executable, "-c", PRINT_CLOCKS]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    return [float(text) for text in done.stdout.split()]


def test_wall_clock_set_ahead_turns_the_wall_clock_alone(tmp_path: Path):
    clock = WallClock(tmp_path, "one")
    for ahead_s in (0, 86_400, -10_000 * 86_400, 0):
        clock.set_ahead(ahead_s)
        wall, monotonic = clocks(clock.variables)
        assert abs(wall - time.time() - ahead_s) < 60
        assert abs(monotonic - time.monotonic()) < 60


def test_small_disk_filled_takes_no_byte_until_it_is_freed(tmp_path: Path):
    if not small_disk.can_mount():
        assert os.geteuid() != 0, "an administrator may mount"
        return
    folder = tmp_path / "disk"
    disk = SmallDisk.mounted(folder)
    try:
        disk.fill()
        assert os.statvfs(folder).f_bavail == 0
        disk.free()
        (folder / "file").write_bytes(bytes(4096))
    finally:
        disk.close()
    assert list(folder.iterdir()) == []

"""A wall clock of its own for a process that is started here: real, below Python, SQLite and OpenSSL alike."""

from __future__ import annotations

import mmap
import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_suffix(".c")


class WallClock:
    """Processes started with ``variables`` read the machine's clock, turned as told."""

    def __init__(self, folder: Path, name: str) -> None:
        """Compile what is preloaded into *folder*, once, and set the clock right."""
        library = folder / "wall_clock.so"
        if not library.exists():
            subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(_SOURCE)], check=True)
        file = folder / f"wall-clock-{name}"
        file.write_bytes(struct.pack("=q", 0))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)
        self.variables = {"LD_PRELOAD": str(library), "PULSE_TEST_WALL_CLOCK": str(file)}

    def set_ahead(self, seconds: int) -> None:
        """Let the clock be *seconds* ahead of the machine's from now on; negative: behind."""
        self._shared[:] = struct.pack("=q", seconds)

"""
The name of this worker among those of one host, when it is told to find one (``PULSE_INSTANCE=auto``).

Workers that were started alike (``--scale ingest-worker=3``) share ``PULSE_HOME``; each takes the first number whose
file nobody has locked. The kernel lets go of the lock when the process ends, however it ends, so that numbers are used
again and the broker keeps no statuses of workers that are gone for good.
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import ensure_private_dir

AUTO = "auto"
MOST = 1_000


@contextlib.contextmanager
def held_instance(wanted: str, folder: Path) -> Iterator[str]:
    """
    Yield *wanted*, or the first free number when it is ``auto``; the number is this process's until the end.

    Args:
        wanted: ``PULSE_INSTANCE``.
        folder: Where the locks lie; made when missing. Workers on one host share it.

    Raises:
        ConfigError: The folder cannot be used, or all numbers are taken.
    """
    if wanted != AUTO:
        yield wanted
        return
    ensure_private_dir(folder, "the worker's folder")
    for number in range(1, MOST + 1):
        with (folder / f"{number}.lock").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield str(number)
            return
    raise ConfigError(f"PULSE_INSTANCE is auto, but {MOST} workers share {folder}; give each a name of its own.")

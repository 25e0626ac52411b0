"""One running client for each folder: a lock that the system takes back however the process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pulse_runtime.errors import ConfigError

FILE_NAME = "running.lock"


class FolderLock:
    """Held from ``__init__`` to ``release`` or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """
        Take the lock.

        Raises:
            ConfigError: Another process has it; the sentence names that process.
        """
        self._handle = os.open(folder / FILE_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.read(self._handle, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise ConfigError(f"the device in {folder} is already running (process {owner}).") from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._handle)


def running_process(folder: Path) -> int | None:
    """Return the id of the process that has *folder* locked, ``None`` when nobody has."""
    try:
        handle = os.open(folder / FILE_NAME, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(handle, 20).decode(errors="replace").strip()
        return int(owner) if owner.isdecimal() else 0
    finally:
        os.close(handle)
    return None

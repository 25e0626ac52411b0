"""
The disk under the outbox: how much of it is left, and a reserve for when nothing is.

A receipt needs room before it gives any, because the write-ahead log grows first. So a spare file lies beside the
outbox: it is given up when a write fails, and made again when there is space. Recording stops while too little is
left; receipts are applied all the time. Pages that are free inside the file count as room. Source: delivery, "The
device", points 7 and 8.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import structlog

from ..settings import DeviceSettings
from .state import WARN_PCT

log = structlog.get_logger()
MOST_RESERVED = 8 * 1024 * 1024  # the write-ahead log at its usual greatest, and as much again for the file
SMALL_DISK_SHARE = 8
LOW = 5  # so many times what stops recording is worth a warning
_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})


class DiskRoom:
    """
    What is left for the outbox at *path*; ``used_pct`` and ``is_short`` are of the last ``look``.

    ``used_pct``: what rows take of what they could take, 0 to 100; at least 80 when little is left whoever uses it.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._spare = path.with_name(path.name + ".reserve")
        self._size = min(MOST_RESERVED, shutil.disk_usage(self._folder).total // SMALL_DISK_SHARE)
        self.used_pct = 0.0
        self.left = 0
        self.is_short = False
        if self._free() < self._size // 2:
            self.give_up()  # else the file could not even be opened

    @property
    def is_low(self) -> bool:
        """Tell whether people should know."""
        return self.used_pct >= WARN_PCT

    def notice(self) -> str:
        """Say that the disk is filling, or nothing."""
        if not self.is_low:
            return ""
        return f"the disk is filling ({self.left >> 20} MiB are left for readings); when it is full, recording stops"

    def look(self, db: sqlite3.Connection) -> None:
        """Measure; make the reserve again when there is space for it."""
        page, pages, unused = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
        )
        free, least = self._free(), self._size // 2
        if free >= self._size + 2 * least and self._reserved() < self._size:
            self._make()
            free = self._free()
        self.left = max(0, free + self._reserved() - self._size) + unused * page
        used = (pages - unused) * page
        self.used_pct = round(100.0 * used / (used + self.left), 3)
        if self.left < LOW * least:
            self.used_pct = max(self.used_pct, round(100.0 - (100.0 - WARN_PCT) * self.left / (LOW * least), 3))
        self.is_short = self.left < (2 * least if self.is_short else least)

    def give_up(self) -> bool:
        """Give the reserve back to the disk; tell whether there was one."""
        try:
            self._spare.unlink()
        except OSError:
            return False
        return True

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free

    def _reserved(self) -> int:
        try:
            return min(self._size, self._spare.stat().st_size)  # less after a power cut
        except OSError:
            return 0

    def _make(self) -> None:
        try:
            handle = os.open(self._spare, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(handle, 0, self._size)
                else:
                    os.write(handle, bytes(self._size))
            finally:
                os.close(handle)
        except OSError:
            self.give_up()


class Warnings:
    """What people are told of the buffer and the disk, and the log once."""

    def __init__(self) -> None:
        self._full = self._disk = ""

    def notice(self, used: int, settings: DeviceSettings, disk: DiskRoom) -> str:
        """Say how full the buffer (*used* rows) and the disk are when that should be known, else nothing."""
        full, low = full_notice(used, settings), disk.notice()
        if bool(full) != bool(self._full):
            log.warning("desktop.buffer_filling" if full else "desktop.buffer_has_room", used=used)
        if bool(low) != bool(self._disk):
            log.warning("desktop.disk_filling" if low else "desktop.disk_has_room", left_bytes=disk.left)
        self._full, self._disk = full, low
        return "; ".join(part for part in (full, low) if part)


def full_notice(used: int, settings: DeviceSettings) -> str:
    """Say how full the buffer is when that should be known, else nothing."""
    limit = settings.buffer_limit
    if used < limit * WARN_PCT / 100:
        return ""
    refuses = settings.buffer_full_policy == "refuse_new"
    then = "new readings are" if refuses else "the oldest readings are"
    if used < limit:
        return f"the buffer is filling ({used} of {limit} readings); when it is full, {then} given up"
    return f"the buffer is full ({limit} readings): {then} given up and declared as lost"


def is_out_of_room(error: sqlite3.Error) -> bool:
    """Tell whether *error* may come from a full disk."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _NO_ROOM

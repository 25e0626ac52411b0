"""
A damaged outbox: set aside under a dated name, what can be read goes into a new file, and the client goes on.

Whatever of a stream's numbers is not found, as a waiting row or as a confirmed one, is declared as lost: what the
archive has already settled stays as it is there, and the rest is not silent. A crash at any point leaves either the
damaged file or the finished one. Only the writer's thread calls this. Source: delivery, "The device", point 8.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from pulse_acl.ranges import count, difference, union

from . import wreck
from .schema import open_for_reading, open_for_writing

log = structlog.get_logger()
_DRAFT, _FINISHED = ".salvaging", ".salvaged"
_BESIDE = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What became of a damaged file: rows ``kept``, numbers that were ``unreadable``, where the old file is."""

    set_aside: Path
    kept: int
    unreadable: int

    def __str__(self) -> str:
        """Return the sentence for people."""
        return (
            f"the outbox was damaged and is set aside as {self.set_aside.name}; "
            f"{self.kept} waiting readings were saved, {self.unreadable} could not be read"
        )


def finish(path: Path) -> None:
    """Put a finished new file in its place, where a crash may have kept that from happening."""
    finished = _beside(path, _FINISHED)
    if finished.exists():
        for ending in _BESIDE:  # of the damaged file; the new one must never meet them
            _beside(path, ending).unlink(missing_ok=True)
        finished.replace(path)
        _sync(path.parent)


def mend(path: Path, now: datetime, reason: str) -> Salvaged:
    """
    Replace the damaged file at *path*; nobody else has it open for writing.

    Raises:
        OSError: There is no room for the new file, or the folder cannot be written to; nothing has changed.
        sqlite3.Error: The same, said by SQLite.
    """
    draft, aside = _beside(path, _DRAFT), _free_name(path, now)
    for ending in ("", *_BESIDE):
        _beside(draft, ending).unlink(missing_ok=True)
    kept, unreadable = _fill(path, draft)
    _sync(draft)
    for ending in ("", "-wal"):
        if _beside(path, ending).exists():
            _link(_beside(path, ending), _beside(aside, ending))
    draft.replace(_beside(path, _FINISHED))
    _sync(path.parent)
    finish(path)
    done = Salvaged(aside, kept, unreadable)
    log.error("desktop.outbox_salvaged", set_aside=aside.name, kept=kept, unreadable=unreadable, reason=reason)
    return done


def _fill(path: Path, draft: Path) -> tuple[int, int]:
    old, new = open_for_reading(path), open_for_writing(draft)
    try:
        new.execute("BEGIN IMMEDIATE")
        wreck.copy_small_tables(old, new)
        counts = _copy_streams(old, new)
        new.execute("COMMIT")
    finally:
        old.close()
        new.close()
    return counts


def _copy_streams(old: sqlite3.Connection, new: sqlite3.Connection) -> tuple[int, int]:
    confirmed = wreck.copy_confirmed(old, new)
    kept = unreadable = 0
    for found in wreck.streams(old):
        last, numbers, unread = wreck.copy_buffered(old, new, found)
        kept += count(numbers)
        unreadable += count(unread)
        new.execute(
            "INSERT INTO streams (ordinal, stream, begun_at, last_sequence_no) VALUES (?, ?, ?, ?)",
            (found.ordinal, found.stream, found.begun_at, last),
        )
        here = union(numbers, confirmed.get(found.stream, ()))
        new.executemany(
            "INSERT INTO telemetry_lost VALUES (?, ?, ?)",
            [(found.stream, *gone) for gone in difference([(1, last)] if last else [], here)],
        )
    return kept, unreadable


def _free_name(path: Path, now: datetime) -> Path:
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    names = [f"{path.stem}-damaged-{stamp}{more}{path.suffix}" for more in ("", *(f"-{n}" for n in range(2, 1000)))]
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def _link(one: Path, other: Path) -> None:
    try:
        other.hardlink_to(one)
    except OSError:  # a file system without links
        shutil.copy2(one, other)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems cannot sync a folder
            os.fsync(handle)
    finally:
        os.close(handle)

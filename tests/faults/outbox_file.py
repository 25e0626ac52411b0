"""
A device's file seen from outside: what it holds, what its commit log says, and old copies of it.

Speaks plain SQLite and uses no code of the device, whose word is to be checked.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

_UNANSWERED = "SELECT count(*) FROM telemetry_buffer WHERE state <> 'quarantined'"


def held(file: Path) -> int:
    """Return how many readings have no answer; -1 when the file cannot be read at this moment."""
    try:
        with closing(_opened(file)) as db:
            return int(db.execute(_UNANSWERED).fetchone()[0])
    except sqlite3.OperationalError:
        return -1


def commit_log(file: Path) -> dict[str, int]:
    """Return the last number of every stream that the file knows."""
    with closing(_opened(file)) as db:
        return dict(db.execute("SELECT stream, last_sequence_no FROM streams"))


def keep_copy(file: Path) -> None:
    """Copy the file as it is now, also while it is written to."""
    old = _copy_of(file)
    old.unlink(missing_ok=True)
    with closing(_opened(file)) as db, closing(sqlite3.connect(old)) as copy:
        db.backup(copy)


def put_back(file: Path) -> None:
    """Replace the file, which nobody may have open, by the copy."""
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(_copy_of(file), file.with_suffix(".new"))
    file.with_suffix(".new").chmod(0o600)
    file.with_suffix(".new").replace(file)


def _copy_of(file: Path) -> Path:
    return file.with_suffix(".old")


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5.0)

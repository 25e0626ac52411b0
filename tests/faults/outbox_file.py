"""
A device's file seen from outside: what it holds, what its commit log says, and old copies of it.

Speaks plain SQLite and uses no code of the device, whose word is to be checked.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

FILE_NAME = "outbox.db"
_OWN = {"running.lock"}  # what a process holds
_UNANSWERED = "SELECT count(*) FROM telemetry_buffer WHERE state <> 'quarantined'"
_DECLARED = "SELECT count(*) FROM telemetry_lost"
_GIVEN_UP = """SELECT stream, first_no, last_no FROM telemetry_lost
UNION SELECT stream, first_no, last_no FROM telemetry_lost_settled"""
_TIMES = """SELECT stream, sequence_no, recorded_at FROM telemetry_buffer
UNION SELECT stream, sequence_no, recorded_at FROM telemetry_data"""
_SET = "INSERT OR REPLACE INTO system_config VALUES (?, '', ?, '2026-01-01T00:00:00.000Z', 'test')"


def held(file: Path) -> int:
    """Return how many readings and declared losses have no answer; -1 when the file cannot be read at this moment."""
    try:
        with closing(_opened(file)) as db:
            return sum(int(db.execute(query).fetchone()[0]) for query in (_UNANSWERED, _DECLARED))
    except sqlite3.OperationalError:
        return -1


def commit_log(file: Path) -> dict[str, int]:
    """Return the last number of every stream that the file knows."""
    with closing(_opened(file)) as db:
        return dict(db.execute("SELECT stream, last_sequence_no FROM streams"))


def given_up(file: Path) -> dict[str, set[int]]:
    """Return the numbers that the device has given up because there was no room, by stream."""
    found: dict[str, set[int]] = {}
    with closing(_opened(file)) as db:
        for stream, first, last in db.execute(_GIVEN_UP):
            found.setdefault(stream, set()).update(range(first, last + 1))
    return found


def times(file: Path) -> dict[tuple[str, int], datetime]:
    """Return when each reading that is still in the file was taken, by stream and number."""
    with closing(_opened(file)) as db:
        return {(stream, number): datetime.fromisoformat(at) for stream, number, at in db.execute(_TIMES)}


def store_setting(file: Path, key: str, value: str) -> None:
    """Store a setting beside the running device, which looks for changes every few seconds."""
    with closing(sqlite3.connect(file, timeout=5.0)) as db, db:
        db.execute(_SET, (key, value))


def copy_folder(file: Path, folder: Path) -> None:
    """Make *folder* a clone of the device's folder, also while the device runs."""
    folder.mkdir(mode=0o700, parents=True)
    for one in file.parent.iterdir():
        if one.is_file() and one.name not in _OWN and not one.name.startswith("outbox."):
            shutil.copy2(one, folder / one.name)
    _copy(file, folder / FILE_NAME)
    (folder / FILE_NAME).chmod(0o600)


def keep_copy(file: Path) -> None:
    """Copy the file as it is now, also while it is written to."""
    _copy(file, _copy_of(file))


def put_back(file: Path) -> None:
    """Replace the file, which nobody may have open, by the copy."""
    for suffix in ("-wal", "-shm"):
        file.with_name(file.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(_copy_of(file), file.with_suffix(".new"))
    file.with_suffix(".new").chmod(0o600)
    file.with_suffix(".new").replace(file)


def _copy(file: Path, to: Path) -> None:
    to.unlink(missing_ok=True)
    with closing(_opened(file)) as db, closing(sqlite3.connect(to)) as copy:
        db.backup(copy)


def _copy_of(file: Path) -> Path:
    return file.with_suffix(".old")


def _opened(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5.0)

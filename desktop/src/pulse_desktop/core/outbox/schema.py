"""
The tables of the device's SQLite file and how it is opened; ``file`` writes them, ``reader`` reads them.

``telemetry_buffer`` is the outbox. Rows lie in it by ``position``, made of the stream's ordinal and the number
(``positions``), so that what is recorded is appended and a range of a stream is one stretch. A confirmed row moves to
``telemetry_data`` in the order of confirmation; ``streams`` remembers the last number of every stream, also when its
rows are gone. ``telemetry_lost``: numbers given up and not yet settled by a receipt. Not here: identity tables.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

VERSION = 4
FILE_NAME = "outbox.db"
NUMBERS = 1 << 40  # that a stream may have: a thousand years of the fastest sampling
MOST_STREAMS = 1 << 22
LARGE = 32 * 1024 * 1024
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_ADDED_SINCE_1 = {
    "wanted_since",
    "resent_since",
    "ingest_version",
    "drain_per_s",
    "set_aside",
    "closed_with",
}  # columns of sync_state
_TABLES = """
CREATE TABLE IF NOT EXISTS streams (
    ordinal INTEGER PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL UNIQUE,
    begun_at TEXT NOT NULL,
    last_sequence_no INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS telemetry_buffer (
    position INTEGER PRIMARY KEY,
    stream TEXT NOT NULL,
    sequence_no INTEGER NOT NULL,
    recorded_at TEXT NOT NULL,
    metrics BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state = 'pending' OR state = 'sent' OR state = 'quarantined'),
    reason TEXT,
    receipt_at TEXT);
CREATE TABLE IF NOT EXISTS telemetry_data (
    stream TEXT NOT NULL,
    sequence_no INTEGER NOT NULL,
    recorded_at TEXT NOT NULL,
    metrics BLOB NOT NULL,
    receipt_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS telemetry_lost (
    stream TEXT NOT NULL,
    first_no INTEGER NOT NULL,
    last_no INTEGER NOT NULL,
    PRIMARY KEY (stream, first_no)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS telemetry_lost_settled (
    stream TEXT NOT NULL,
    first_no INTEGER NOT NULL,
    last_no INTEGER NOT NULL,
    receipt_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS telemetry_live (
    metric_key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    stream TEXT NOT NULL,
    sequence_no INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sync_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    last_sync_at TEXT,
    wanted_since TEXT,
    resent_since TEXT,
    last_heartbeat TEXT,
    connection_status TEXT NOT NULL DEFAULT 'DISCONNECTED',
    link TEXT NOT NULL DEFAULT 'connecting',
    link_detail TEXT NOT NULL DEFAULT '',
    source_status TEXT NOT NULL DEFAULT '',
    problem TEXT NOT NULL DEFAULT '',
    ingest_seen TEXT,
    ingest_version TEXT,
    closed_with TEXT,
    drain_per_s TEXT,
    set_aside TEXT,
    clock_offset_ms INTEGER,
    updated_at TEXT);
CREATE TABLE IF NOT EXISTS system_config (
    config_key TEXT NOT NULL,
    device TEXT NOT NULL DEFAULT '',
    config_value TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    updated_by TEXT NOT NULL,
    PRIMARY KEY (config_key, device)) WITHOUT ROWID;
INSERT OR IGNORE INTO sync_state (id) VALUES (1);
"""
# Before version 4 the buffer's key was (stream, sequence_no), which costs twice the pages.
_SET_ASIDE = "ALTER TABLE telemetry_buffer RENAME TO old_buffer;"
_MOVE = f"""
INSERT OR IGNORE INTO streams (stream, begun_at) SELECT DISTINCT stream, '' FROM old_buffer;
INSERT INTO telemetry_buffer
SELECT ordinal * {NUMBERS} + sequence_no, stream, sequence_no, recorded_at, metrics, state, reason, receipt_at
FROM old_buffer JOIN streams USING (stream) ORDER BY 1;
DROP TABLE old_buffer;
"""  # noqa: S608 - our own number


class DamagedError(sqlite3.DatabaseError):
    """The file is no sound database any more; see ``salvage``."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """
    Open the file (0600, made when missing) for its one writer, tables in place, every commit on disk.

    Raises:
        DamagedError: Its pages or its header are not sound.
        sqlite3.Error: It cannot be opened.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0, cached_statements=64)
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -4096")
        db.execute("PRAGMA journal_size_limit = 67108864")
        _require_sound(db, path)
        _require_known_version(db)
        is_old = needs_positions(db)
        db.executescript(f"BEGIN IMMEDIATE; {_SET_ASIDE if is_old else ''} {_TABLES} {_MOVE if is_old else ''}")
        known = {row[1] for row in db.execute("PRAGMA table_info(sync_state)")}
        for column in _ADDED_SINCE_1 - known:
            db.execute(f"ALTER TABLE sync_state ADD COLUMN {column} TEXT")
        db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    except BaseException as error:
        db.close()
        if is_damage(error):
            raise DamagedError(str(error)) from error
        raise
    return db


def open_for_reading(path: Path) -> sqlite3.Connection:
    """
    Open the file beside its writer; sees what has been committed.

    Raises:
        sqlite3.Error: It is not there or cannot be read.
    """
    return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5.0)


def positions(ordinal: int, first: int, last: int) -> tuple[int, int]:
    """Return where the numbers *first* to *last* of a stream are in ``telemetry_buffer``, never in another's."""
    return ordinal * NUMBERS + min(max(0, first), NUMBERS), ordinal * NUMBERS + min(last, NUMBERS - 1)


def needs_positions(db: sqlite3.Connection) -> bool:
    """Tell whether the buffer is that of a file before version 4."""
    columns = {row[1] for row in db.execute("PRAGMA table_info(telemetry_buffer)")}
    return bool(columns) and "position" not in columns


def is_large(path: Path) -> bool:
    """Tell whether looking through the file takes so long that readings would be missed meanwhile."""
    return path.stat().st_size > LARGE


def damage_in(db: sqlite3.Connection) -> str:
    """Look through the whole file; return what is wrong, nothing when it is sound."""
    answer: str = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    return "" if answer == "ok" else answer


def is_damage(error: BaseException) -> bool:
    """Tell whether *error* says that the file is no sound database any more."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, DamagedError) or (
        isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in _DAMAGE
    )


def has_tables(path: Path) -> bool:
    """Tell whether the file is there and complete; a client that is just starting may not be so far."""
    if not path.exists():
        return False
    try:
        db = open_for_reading(path)
        try:
            return bool(db.execute("PRAGMA user_version").fetchone()[0])
        finally:
            db.close()
    except sqlite3.Error:
        return False


def _require_known_version(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise sqlite3.NotSupportedError(f"the file was written by a newer version ({found})")


def _require_sound(db: sqlite3.Connection, path: Path) -> None:
    if is_large(path) and _was_closed(db):
        return  # a checkup follows
    answer = damage_in(db)
    if answer:
        raise DamagedError(f"the integrity check says: {answer}")


def _was_closed(db: sqlite3.Connection) -> bool:
    try:
        return db.execute("SELECT 1 FROM sync_state WHERE closed_with IS NOT NULL").fetchone() is not None
    except sqlite3.OperationalError:  # a file of an older version
        return False

"""
The device's second file, ``identity.db``: people, roles, settings, the queue of changes, sign-ins and commands.

A file of its own, so that nothing that is mirrored can ever touch the buffer of readings. The running program and
the command line both write it, each in short transactions. What is deleted is overwritten. Read next: ``store``.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ..errors import StorageError

VERSION = 2
FILE_NAME = "identity.db"
BUSY_S = 5.0
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_TABLES = """
CREATE TABLE IF NOT EXISTS users (
    id TEXT PRIMARY KEY, username TEXT, password_hash TEXT, is_active INTEGER, deleted_at TEXT,
    clock TEXT NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS roles (
    id TEXT PRIMARY KEY, name TEXT, description TEXT, deleted_at TEXT,
    clock TEXT NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS permissions (
    id TEXT PRIMARY KEY, name TEXT, description TEXT, rules TEXT, deleted_at TEXT,
    clock TEXT NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS user_roles (
    user_id TEXT NOT NULL, role_id TEXT NOT NULL, present INTEGER,
    clock TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (user_id, role_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS role_permissions (
    role_id TEXT NOT NULL, permission_id TEXT NOT NULL, present INTEGER,
    clock TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (role_id, permission_id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS system_config (
    config_key TEXT NOT NULL, device TEXT NOT NULL, config_value TEXT, deleted_at TEXT,
    clock TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (config_key, device)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS change_queue (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    change_id TEXT NOT NULL UNIQUE,
    change TEXT NOT NULL,  -- as JSON
    signed TEXT NOT NULL,  -- the person's JWS over it
    old_value TEXT,  -- of what it replaces, as logs may show it
    applied_as INTEGER);  -- the server's version of it, once answered; shown until that version is here
CREATE TABLE IF NOT EXISTS sync_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entity_type TEXT NOT NULL, entity_id TEXT NOT NULL, action TEXT NOT NULL, source TEXT NOT NULL,
    status TEXT NOT NULL, timestamp TEXT NOT NULL, error_message TEXT NOT NULL DEFAULT '', reason TEXT,
    old_value TEXT, new_value TEXT, change_id TEXT, by TEXT NOT NULL DEFAULT '', reviewed_at TEXT);
CREATE TABLE IF NOT EXISTS sync_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    history TEXT, version INTEGER NOT NULL DEFAULT 0, config_version INTEGER,
    last_sync_at TEXT, connection_status TEXT NOT NULL DEFAULT 'DISCONNECTED', problem TEXT NOT NULL DEFAULT '',
    clock_offset_ms INTEGER, highest_at TEXT, last_contact_at TEXT, api_started_at TEXT,
    ask_wanted INTEGER NOT NULL DEFAULT 0, erasing INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS sign_in (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    user_id TEXT NOT NULL, username TEXT NOT NULL, at TEXT NOT NULL, is_from_cache INTEGER NOT NULL,
    hash_at TEXT, ended_at TEXT, ended_why TEXT);
CREATE TABLE IF NOT EXISTS sign_in_failures (
    subject TEXT PRIMARY KEY, failures INTEGER NOT NULL, locked_until TEXT NOT NULL,
    locked_at_s REAL) WITHOUT ROWID;  -- on the clock that counts from the machine's start
CREATE TABLE IF NOT EXISTS operator_keys (
    user_id TEXT PRIMARY KEY, wrapped BLOB NOT NULL, kid TEXT NOT NULL, made_at TEXT NOT NULL,
    hash_at TEXT, ended_why TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commands (
    command_id TEXT PRIMARY KEY, command TEXT NOT NULL, recorded_at TEXT NOT NULL, expires_at TEXT NOT NULL,
    status TEXT, message TEXT NOT NULL DEFAULT '', at TEXT, is_told INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
INSERT OR IGNORE INTO sync_state (id) VALUES (1);
"""
_ADDED_SINCE_1 = "ALTER TABLE sign_in_failures ADD COLUMN locked_at_s REAL;"


class DamagedIdentityError(StorageError):
    """The file is no sound database any more."""


def open_identity(path: Path) -> sqlite3.Connection:
    """
    Open the file (0600, made when missing) with its tables in place; use the connection in one thread only.

    Raises:
        DamagedIdentityError: Its pages are not sound.
        StorageError: It cannot be used; ``str()`` says why.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"the file {path} cannot be opened: {error}") from error
    try:
        _prepare(db)
    except sqlite3.Error as error:
        db.close()
        damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
        kind = DamagedIdentityError if damaged else StorageError
        raise kind(f"the file {path} cannot be used: {error}") from error
    db.row_factory = sqlite3.Row
    return db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA temp_store = MEMORY")  # a VACUUM leaves no copy of hashes in the temporary folder
    found = db.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise sqlite3.NotSupportedError(f"it was written by a newer version ({found})")
    if found < VERSION:
        added = _ADDED_SINCE_1 if found == 1 else ""
        try:
            db.executescript(f"BEGIN IMMEDIATE; {_TABLES} {added} PRAGMA user_version = {VERSION}; COMMIT")
        except sqlite3.OperationalError:
            if db.in_transaction:
                db.execute("ROLLBACK")
            if db.execute("PRAGMA user_version").fetchone()[0] != VERSION:  # else another process was first
                raise


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """
    Give *db* inside a transaction that holds the write lock from its beginning; inside another one, that one's.

    Raises:
        StorageError: The disk or the lock does not allow it; nothing was written.
    """
    if _is_inside(db):
        yield db
        return
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if _is_inside(db):  # SQLite ends it by itself on some errors
                db.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise StorageError(f"identity.db cannot be written to: {error}") from error


def _is_inside(db: sqlite3.Connection) -> bool:
    return db.in_transaction


def open_or_begin_anew(path: Path, now: datetime) -> tuple[sqlite3.Connection, Path | None]:
    """
    Open the file; one that is damaged is set aside first. The server's state comes again, the queue in it is lost.

    Returns:
        The connection, and where the damaged file is now.

    Raises:
        StorageError: It cannot be used.
    """
    try:
        db = open_identity(path)
        sound = db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        if sound:
            return db, None
        db.close()
    except DamagedIdentityError:
        pass
    aside = path.with_name(f"{path.name}.damaged-{now:%Y%m%dT%H%M%S}")
    for suffix in ("", "-wal", "-shm"):
        found = path.with_name(path.name + suffix)
        if found.exists():
            found.replace(aside.with_name(aside.name + suffix))
    return open_identity(path), aside

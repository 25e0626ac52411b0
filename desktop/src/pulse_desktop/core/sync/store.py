"""
The server's state as last received, in the device's file: the records of its view and the position they stand for.

What of it a desktop shows is ``holdings``. Every change of it is one transaction. Read next: ``engine``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from pulse_sync.records import Key, Kind, Record
from pulse_sync.replica import Position

from .rows import TABLES, record_of, statements
from .schema import writing

_STATE = frozenset({
    "history", "version", "config_version", "last_sync_at", "connection_status", "problem", "api_started_at",
    "ask_wanted", "erasing",
})  # fmt: skip


class SyncStore:
    """The mirrored records and ``sync_state`` of one device, by the connection *db*."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def held(self, kinds: Iterable[Kind] = tuple(TABLES)) -> dict[Key, Record]:
        """Return all records of *kinds*."""
        found: dict[Key, Record] = {}
        for table in map(TABLES.__getitem__, kinds):
            for row in self._db.execute(f"SELECT * FROM {table.name}"):  # noqa: S608
                record = record_of(table, row)
                found[record.key] = record
        return found

    def state(self) -> Mapping[str, Any]:
        """Return the row of ``sync_state``."""
        return dict(self._db.execute("SELECT * FROM sync_state").fetchone())

    def position(self) -> Position:
        """Return where this device is."""
        history, version = self._db.execute("SELECT history, version FROM sync_state").fetchone()
        return Position(history, version)

    def note(self, **fields: Any) -> None:
        """Write columns of ``sync_state``."""
        unknown = fields.keys() - _STATE
        if unknown:
            raise ValueError(f"no such columns: {unknown}")
        with writing(self._db):
            names = ", ".join(f"{name} = ?" for name in fields)
            self._db.execute(f"UPDATE sync_state SET {names}", tuple(fields.values()))  # noqa: S608

    def apply(self, records: Iterable[Record], version: int, at: str) -> None:
        """Store *records* as the server has them at *version*; hashes that left are overwritten."""
        changed = list(records)
        with writing(self._db):
            if any(self._loses_hash(record) for record in changed):
                self.note(erasing=1)
            self._put(changed, version)
            self.note(version=version, last_sync_at=at)
            if any(record.key.kind is Kind.SETTING for record in changed):
                self.note(config_version=version)

    def replace(self, records: Iterable[Record], history: str, version: int, at: str) -> None:
        """Store *records* as the whole state of *history* at *version*; everything else goes."""
        with writing(self._db):
            for table in TABLES.values():
                self._db.execute(f"DELETE FROM {table.name}")  # noqa: S608
            self._put(records, version)
            self.note(history=history, version=version, config_version=version, last_sync_at=at, erasing=1)

    def erase(self) -> bool:
        """
        Overwrite what was deleted wherever it still is, the write-ahead log included, when something waits for it.

        Returns:
            Whether nothing waits any more; while another process reads, it has to be tried again.
        """
        if not self._db.execute("SELECT erasing FROM sync_state").fetchone()[0]:
            return True
        try:
            # Pages that were rebuilt may hold copies in their gaps, which ``secure_delete`` does not reach.
            self._db.execute("VACUUM")
            if self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return False
            self.note(erasing=0)
        except sqlite3.OperationalError:
            return False
        return True

    def _put(self, records: Iterable[Record], version: int) -> None:
        for statement, rows in statements(records, version):
            self._db.executemany(statement, rows)

    def _loses_hash(self, record: Record) -> bool:
        if record.key.kind is not Kind.USER:
            return False
        row = self._db.execute("SELECT password_hash FROM users WHERE id = ?", (record.key.id,)).fetchone()
        return row is not None and row[0] not in {None, record.get("password_hash")}

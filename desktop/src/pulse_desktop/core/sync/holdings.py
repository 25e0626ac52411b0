"""
What this device shows and enforces: the server's state with its own unanswered changes on top.

Read fresh from the file; built for one question or one screen, then thrown away. Pure once read. Source: the identity
document, "The model". Read next: ``pulse_sync.replica``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from pulse_sync.names import name_key
from pulse_sync.records import NAME_FIELDS, Key, Kind, Record
from pulse_sync.replica import Position, shown
from pulse_sync.rights import Rights

from .change_queue import ChangeQueue
from .store import SyncStore


class Holdings:
    """The shown *records* of a device at *position*."""

    def __init__(self, records: Mapping[Key, Record], position: Position) -> None:
        self.records, self.position = records, position

    @cached_property
    def rights(self) -> Rights:
        """Who may do what."""
        return Rights(self.records)

    def of(self, kind: Kind) -> list[Record]:
        """Return the records of *kind*, tombstones included, in order of their ids."""
        return sorted((record for key, record in self.records.items() if key.kind is kind), key=lambda one: one.key.id)

    def named(self, kind: Kind, name: str) -> Record | None:
        """Return the live record of *kind* with that name, compared as names are."""
        wanted, field = name_key(name), NAME_FIELDS[kind]
        live = (record for record in self.of(kind) if not record.is_deleted)
        return next((record for record in live if name_key(record.get(field) or "") == wanted), None)

    def setting(self, key: str, client_id: str) -> Any:
        """Return the value in force of a setting: this device's own before the one of all; ``None``: none is set."""
        for device in (client_id, ""):
            record = self.records.get(Key.setting(key, device))
            if record is not None and not record.is_deleted:
                return record.get("config_value")
        return None

    def settings(self, client_id: str) -> dict[str, Any]:
        """Return every setting in force on *client_id*."""
        keys = {record.key.pair[0] for record in self.of(Kind.SETTING) if not record.is_deleted}
        return {key: self.setting(key, client_id) for key in sorted(keys)}


def read_holdings(db: sqlite3.Connection, kinds: Collection[Kind] = tuple(Kind)) -> Holdings:
    """Return what the device with the file *db* shows now of *kinds*, from one consistent look at it."""
    inside = db.in_transaction
    if not inside:
        db.execute("BEGIN")
    try:
        store = SyncStore(db)
        queue = [queued.change for queued in ChangeQueue(db).all() if queued.change.type in kinds]
        return Holdings(shown(store.held(kinds), queue), store.position())
    finally:
        if not inside:
            db.execute("COMMIT")

"""
Records as rows of the tables that the contract names, and back, exactly.

Which fields a record has is what its ``clock`` column names, so that a hash that left the view is told from one
that is there. Pure but for the rows handed in. Read next: ``store``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from pulse_sync.records import FIELDS, Key, Kind, Record, Stamp

_decode = msgspec.json.decode


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@dataclass(frozen=True, slots=True)
class Table:
    """Where the records of one kind are: name and columns of the key; ``coded``: fields that are kept as JSON."""

    kind: Kind
    name: str
    ids: tuple[str, ...]
    coded: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all columns, in the order of ``row_of``."""
        return (*self.ids, *FIELDS[self.kind], "clock", "version")


TABLES: Mapping[Kind, Table] = {
    table.kind: table
    for table in (
        Table(Kind.USER, "users", ("id",)),
        Table(Kind.ROLE, "roles", ("id",)),
        Table(Kind.PERMISSION, "permissions", ("id",), frozenset({"rules"})),
        Table(Kind.USER_ROLE, "user_roles", ("user_id", "role_id")),
        Table(Kind.ROLE_PERMISSION, "role_permissions", ("role_id", "permission_id")),
        Table(Kind.SETTING, "system_config", ("config_key", "device"), frozenset({"config_value"})),
    )
}
_BOOLEANS = frozenset({"is_active", "present"})


def row_of(record: Record, version: int) -> tuple[Any, ...]:
    """Return *record* as a row of its table; *version*: of the message that brought it."""
    table = TABLES[record.key.kind]
    ids = record.key.pair if len(table.ids) == 2 else (record.key.id,)
    values = [_stored(table, name, record) for name in FIELDS[table.kind]]
    stamps = {name: record.clock.get(name) for name in record.fields}
    clock = {name: stamp and {"at": stamp.at, "by": stamp.by, "source": stamp.source} for name, stamp in stamps.items()}
    return (*ids, *values, _encode(clock), version)


def record_of(table: Table, row: sqlite3.Row | Mapping[str, Any]) -> Record:
    """Return a row of *table* as a record of the device's view."""
    clock = _decode(row["clock"])
    fields = {name: _read(table, name, row[name]) for name in FIELDS[table.kind] if name in clock}
    stamps = {name: Stamp(one["at"], one["by"], one["source"]) for name, one in clock.items() if one is not None}
    return Record(Key(table.kind, "/".join(row[name] for name in table.ids)), fields, stamps)


def statements(records: Iterable[Record], version: int) -> Iterable[tuple[str, list[tuple[Any, ...]]]]:
    """Return what stores *records*: a statement for each table with its rows."""
    found: dict[Kind, list[tuple[Any, ...]]] = {}
    for record in records:
        found.setdefault(record.key.kind, []).append(row_of(record, version))
    for kind, rows in found.items():
        table = TABLES[kind]
        marks = ", ".join("?" * len(table.columns))
        yield f"INSERT OR REPLACE INTO {table.name} ({', '.join(table.columns)}) VALUES ({marks})", rows  # noqa: S608


def _stored(table: Table, name: str, record: Record) -> Any:
    if name not in record.fields:
        return None
    value = record.fields[name]
    return _encode(value) if name in table.coded else value


def _read(table: Table, name: str, value: Any) -> Any:
    if name in table.coded:
        return _decode(value)
    return bool(value) if name in _BOOLEANS else value

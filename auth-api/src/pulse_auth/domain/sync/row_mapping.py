"""
Records and the rows of their tables: the one place that knows both.

Reads rows as pure records and writes records into rows. Which change is written is decided elsewhere.
Read next: ``writing``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time, parse_time
from pulse_sync.names import name_key
from pulse_sync.records import DELETED_AT, FIELDS, NAME_FIELDS, Key, Kind, Record, Stamp

from ...db.models import PermissionRow, Role, RolePermission, SystemConfig, User, UserRole

Row = User | Role | PermissionRow | UserRole | RolePermission | SystemConfig
MODELS: Mapping[Kind, type[Row]] = {
    Kind.USER: User,
    Kind.ROLE: Role,
    Kind.PERMISSION: PermissionRow,
    Kind.USER_ROLE: UserRole,
    Kind.ROLE_PERMISSION: RolePermission,
    Kind.SETTING: SystemConfig,
}
# The columns that name a record, in the order of its id's parts.
_NAMED_BY: Mapping[Kind, tuple[str, ...]] = {
    Kind.USER: ("id",),
    Kind.ROLE: ("id",),
    Kind.PERMISSION: ("id",),
    Kind.USER_ROLE: ("user_id", "role_id"),
    Kind.ROLE_PERMISSION: ("role_id", "permission_id"),
    Kind.SETTING: ("config_key", "device"),
}


def key_of(row: Row) -> Key:
    """Return what names the record of *row*."""
    kind = next(kind for kind, model in MODELS.items() if isinstance(row, model))
    return Key(kind, "/".join(str(getattr(row, column)) for column in _NAMED_BY[kind]))


def to_record(row: Row) -> Record:
    """Return the record that stands in *row*."""
    key = key_of(row)
    fields = {name: getattr(row, name) for name in FIELDS[key.kind]}
    if fields.get(DELETED_AT) is not None:
        fields[DELETED_AT] = format_time(fields[DELETED_AT])
    # Rows of the first release have stamps without a version.
    clock = {
        name: Stamp(one["at"], one["by"], one["source"], one.get("version", row.version), one.get("change_id"))
        for name, one in row.clock.items()
    }
    return Record(key, fields, clock, row.version)


def new_row(key: Key, now: datetime) -> Row:
    """Return an empty row for a record that never was; *now* is when it is made."""
    kind = key.kind
    parts: tuple[Any, ...] = key.pair if len(_NAMED_BY[kind]) == 2 else (key.id,)
    if kind is not Kind.SETTING:
        parts = tuple(map(UUID, parts))
    return MODELS[kind](**dict(zip(_NAMED_BY[kind], parts, strict=True)), created_at=now)


def fill_row(row: Row, record: Record) -> None:
    """Write *record* into *row*, with what follows from it: the key of its name, and the newest stamp."""
    for name, value in record.fields.items():
        setattr(row, name, parse_time(value) if name == DELETED_AT and value is not None else value)
    name_field = NAME_FIELDS.get(record.key.kind)
    if name_field is not None:
        setattr(row, f"{name_field}_key", name_key(record.fields[name_field]))
    # A new dictionary: changes inside the old one would not be seen by the session.
    row.clock = {name: _stamp_data(stamp) for name, stamp in record.clock.items()}
    newest = max(record.clock.values(), key=lambda stamp: (stamp.at, stamp.version))
    row.updated_at, row.updated_by, row.source = parse_time(newest.at), newest.by, newest.source
    row.version = record.version


async def find_row(session: AsyncSession, key: Key) -> Row | None:
    """Return the row of a record as the database has it now, or ``None``; *key* is a checked one."""
    kind = key.kind
    parts: tuple[Any, ...] = key.pair if len(_NAMED_BY[kind]) == 2 else (key.id,)
    if kind is not Kind.SETTING:
        parts = tuple(map(UUID, parts))
    return await session.get(MODELS[kind], parts, populate_existing=True)


async def find_records(session: AsyncSession, kind: Kind, *conditions: ColumnElement[bool]) -> dict[Key, Record]:
    """Return the records of *kind* that fulfil the conditions on their table, tombstones included."""
    model = MODELS[kind]
    rows = await session.scalars(select(model).where(*conditions).execution_options(populate_existing=True))
    return {record.key: record for record in map(to_record, cast("Iterable[Row]", rows))}


async def find_all(session: AsyncSession, kinds: Iterable[Kind]) -> dict[Key, Record]:
    """Return all records of some *kinds*."""
    found: dict[Key, Record] = {}
    for kind in kinds:
        found |= await find_records(session, kind)
    return found


def _stamp_data(stamp: Stamp) -> dict[str, Any]:
    data: dict[str, Any] = {"at": stamp.at, "by": stamp.by, "source": stamp.source, "version": stamp.version}
    return data if stamp.change_id is None else {**data, "change_id": stamp.change_id}

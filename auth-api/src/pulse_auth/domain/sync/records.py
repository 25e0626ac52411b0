"""
Stamps a change of a mirrored record: field clocks, the next version, the row in the change log.

All three belong to the transaction of the change itself. The version comes from one counter row, so versions
are gapless and in the order of commits.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time, parse_time

from ...db.models import ChangeLog, PermissionRow, RecordVersion, Role, RolePermission, SystemConfig, User, UserRole

Record = User | Role | PermissionRow | UserRole | RolePermission | SystemConfig


async def stamp_change(
    session: AsyncSession,
    record: Record,
    *,
    fields: Iterable[str],
    event: str,
    at: datetime,
    by: str,
    source: str = "web",
) -> int:
    """
    Stamp *fields* of *record*, whose new values are already set, and log the event.

    Args:
        session: A session inside a transaction; *record* belongs to it.
        record: The changed or new record.
        fields: Names of the fields that got a new value.
        event: ``USER_CREATE``, ``USER_UPDATE``, ``USER_DELETE``, ``RBAC_UPDATE`` or ``CONFIG_UPDATE``.
        at: The server's time; a field is stamped later where its present stamp demands it.
        by: Who, ``user:<name>`` or ``system``.
        source: ``web`` or ``desktop:<client_id>``.

    Returns:
        The record's new version.
    """
    names = list(fields)
    stamps = {name: _next_stamp(record.clock.get(name), at) for name in names}
    # A new dictionary: changes inside the old one would not be seen by the session.
    record.clock = record.clock | {name: {"at": stamp, "by": by, "source": source} for name, stamp in stamps.items()}
    record.updated_at, record.updated_by, record.source = at, by, source
    counter = update(RecordVersion).values(version=RecordVersion.version + 1)
    history, version = (await session.execute(counter.returning(RecordVersion.history, RecordVersion.version))).one()
    record.version = version
    kind, record_id = _identify(record)
    session.add(
        ChangeLog(
            version=version,
            history=history,
            event=event,
            record_type=kind,
            record_id=record_id,
            record={"changed": names},
            at=at,
            by=by,
            source=source,
        )
    )
    return int(version)


def _next_stamp(present: dict[str, str] | None, at: datetime) -> str:
    """Return *at*, or a millisecond after the stamp that is replaced: whoever has seen a value beats it."""
    if present is not None:
        at = max(at, parse_time(present["at"]) + timedelta(milliseconds=1))
    return format_time(at)


def _identify(record: Record) -> tuple[str, str]:
    match record:
        case UserRole():
            return "user_role", f"{record.user_id}/{record.role_id}"
        case RolePermission():
            return "role_permission", f"{record.role_id}/{record.permission_id}"
        case SystemConfig():
            return "setting", f"{record.config_key}/{record.device}"
        case _:
            return type(record).__tablename__.removesuffix("s"), str(record.id)

"""
Puts the permissions and roles that the programs know into the database.

What was there once, tombstones included, is left as administrators made it; only names never seen are added.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.rules import PERMISSION_DESCRIPTIONS, PERMISSION_RULES, SEEDED_ROLES, Permission
from pulse_sync.names import name_key
from pulse_sync.records import Key, Kind

from ..sync.row_mapping import find_records
from ..sync.writing import Actor, RecordWriter, writing
from .rules_data import to_data

ADMIN_ROLE = "ADMIN"
_ROLE_DESCRIPTIONS = {
    "ADMIN": "Everything",
    "OPERATOR": "Watches machines, and makes them catch up",
    "VIEWER": "Watches, changes nothing",
}


async def seed_access(session: AsyncSession, now: datetime) -> None:
    """
    Add missing permissions and roles; a new permission is given to the seeded roles that should hold it.

    Args:
        session: A session inside a transaction that no other start shares.
        now: The server's time.
    """
    async with writing(session, Actor.SYSTEM, now) as records:
        added = await _add_permissions(session, records)
        found = await find_records(session, Kind.ROLE)
        known = {name_key(role.get("name")): role for role in found.values()}
        for name, permissions in SEEDED_ROLES.items():
            role = known.get(name_key(name))
            if role is None:
                values = {"name": name, "description": _ROLE_DESCRIPTIONS[name]}
                role = (await records.create(Kind.ROLE, values)).after
            if not role.is_deleted:
                for permission in sorted(permissions & added.keys()):
                    await records.edit(Key.role_permission(role.key.id, added[permission]), {"present": True})


async def _add_permissions(session: AsyncSession, records: RecordWriter) -> dict[Permission, str]:
    """Return the ids of the permissions that were not there, nor ever had been."""
    found = await find_records(session, Kind.PERMISSION)
    seen = {name_key(one.get("name")) for one in found.values()}
    added = {}
    for permission in Permission:
        if name_key(permission) not in seen:
            values = {
                "name": permission.value,
                "description": PERMISSION_DESCRIPTIONS[permission],
                "rules": to_data(PERMISSION_RULES[permission]),
            }
            added[permission] = (await records.create(Kind.PERMISSION, values)).key.id
    return added

"""
Puts the permissions and roles that the programs know into the database.

What was there once, tombstones included, is left as administrators made it; only names never seen are added.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from pulse_acl.rules import PERMISSION_DESCRIPTIONS, PERMISSION_RULES, SEEDED_ROLES, Permission

from ...db.models import PermissionRow, Role, RolePermission
from ..accounts.names import name_key
from ..sync.records import stamp_change
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
    added = await _add_permissions(session, now)
    known = {role.name_key: role for role in (await session.execute(select(Role))).scalars()}
    for name, permissions in SEEDED_ROLES.items():
        role = known.get(name_key(name))
        if role is None:
            role = Role(id=uuid7(), name=name, name_key=name_key(name), clock={}, created_at=now)
            role.description = _ROLE_DESCRIPTIONS[name]
            session.add(role)
            fields = ["name", "description"]
            await stamp_change(session, role, fields=fields, event="RBAC_UPDATE", at=now, by="system")
            await session.flush()
        if role.deleted_at is None:
            await _give(session, role, [added[one] for one in sorted(permissions & added.keys())], now)


async def _add_permissions(session: AsyncSession, now: datetime) -> dict[Permission, PermissionRow]:
    seen = set((await session.execute(select(PermissionRow.name_key))).scalars())
    added = {}
    for permission in Permission:
        if name_key(permission) in seen:
            continue
        row = PermissionRow(id=uuid7(), name=permission.value, name_key=name_key(permission), clock={}, created_at=now)
        row.description = PERMISSION_DESCRIPTIONS[permission]
        row.rules = to_data(PERMISSION_RULES[permission])
        session.add(row)
        fields = ["name", "description", "rules"]
        await stamp_change(session, row, fields=fields, event="RBAC_UPDATE", at=now, by="system")
        added[permission] = row
    await session.flush()
    return added


async def _give(session: AsyncSession, role: Role, permissions: list[PermissionRow], now: datetime) -> None:
    for permission in permissions:
        link = RolePermission(role_id=role.id, permission_id=permission.id, present=True, clock={}, created_at=now)
        session.add(link)
        await stamp_change(session, link, fields=["present"], event="RBAC_UPDATE", at=now, by="system")
    await session.flush()

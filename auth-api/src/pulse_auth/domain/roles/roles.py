"""
Making, changing and deleting roles. Decides nothing about who may: the write path judges each change.

Read next: ``permissions``, ``domain.access.changing``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission
from pulse_sync.names import name_key
from pulse_sync.records import Key, Kind

from ...db.models import PermissionRow, Role, RolePermission
from ...errors import InvalidNameError, UnknownRecordError
from ...http.preconditions import check_match, etag
from ..access.changing import Caller, Change, RecordChanges
from .schemas import ListedRole, NewRole, RoleItem, RolePage, RolePatch

MOST_ITEMS, DEFAULT_ITEMS = 500, 100


class Roles:
    """The roles as administrators work with them; one for the application."""

    def __init__(self, changes: RecordChanges) -> None:
        self._changes = changes

    async def create(self, wanted: NewRole, caller: Caller) -> RoleItem:
        """
        Make a role.

        Raises:
            RefusalError: The name is taken or impossible, a permission unknown, or *caller* does not hold it.
        """
        async with self._changes.open(caller) as change:
            fields = {"name": wanted.name.strip(), "description": wanted.description}
            key = (await change.records.create(Kind.ROLE, fields)).key
            await _set_permissions(change, UUID(key.id), wanted.permissions)
            return await read_role(change.session, UUID(key.id))

    async def change(self, role_id: UUID, patch: RolePatch, seen: str, caller: Caller) -> RoleItem:
        """
        Change a role whose present representation has the tag *seen*.

        Raises:
            RefusalError: Unknown role, another tag, what ``create`` raises, or no administrator would be left.
        """
        async with self._changes.open(caller) as change:
            check_match(seen, await read_role(change.session, role_id))
            fields = given_fields(patch, ("name", "description"))
            if fields:
                await change.records.edit(Key.role(role_id), fields)
            if patch.permissions is not UNSET:
                await _set_permissions(change, role_id, patch.permissions)
            return await read_role(change.session, role_id)

    async def delete(self, role_id: UUID, seen: str, caller: Caller) -> None:
        """
        Make a tombstone of a role whose present representation has the tag *seen*.

        Raises:
            RefusalError: Unknown role, another tag, or no administrator would be left.
        """
        async with self._changes.open(caller) as change:
            check_match(seen, await read_role(change.session, role_id))
            await change.records.delete(Key.role(role_id))


def given_fields(patch: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return those of the fields *names* that *patch* sets, names of records without white space around them."""
    given = {name: getattr(patch, name) for name in names if getattr(patch, name) is not UNSET}
    return {name: value.strip() if name == "name" else value for name, value in given.items()}


async def read_role(session: AsyncSession, role_id: UUID) -> RoleItem:
    """
    Return a role as the API shows it.

    Raises:
        UnknownRecordError: There is none, or only a tombstone.
    """
    role = await session.get(Role, role_id)
    if role is None or role.deleted_at is not None:
        raise UnknownRecordError("There is no such role.")
    return _item(role, (await _permissions_of(session, [role.id]))[role.id])


async def read_roles(session: AsyncSession, after: str | None, most: int) -> RolePage:
    """Return up to *most* roles by name, behind the name key *after*."""
    statement = select(Role).where(Role.deleted_at.is_(None)).order_by(Role.name_key).limit(most + 1)
    if after is not None:
        statement = statement.where(Role.name_key > after)
    rows = (await session.scalars(statement)).all()
    shown = rows[:most]
    held = await _permissions_of(session, [role.id for role in shown])
    items = [_listed(_item(role, held[role.id])) for role in shown]
    return RolePage(items, shown[-1].name_key if len(rows) > most else None)


async def _set_permissions(change: Change, role_id: UUID, names: Iterable[str]) -> None:
    """Make *names* the permissions of the role: those missing are given, the others taken away."""
    wanted = await _find_permissions(change.session, names)
    held = select(PermissionRow.id, PermissionRow.name).join(
        RolePermission, (RolePermission.permission_id == PermissionRow.id) & RolePermission.present
    )
    held = held.where(RolePermission.role_id == role_id, PermissionRow.deleted_at.is_(None))
    present = dict((await change.session.execute(held)).all())
    # Giving before taking, and last what allows to do this: so nobody stops themselves half-way.
    for permission_id in [one for one in wanted if one not in present]:
        await change.records.edit(Key.role_permission(role_id, permission_id), {"present": True})
    taken = present.keys() - set(wanted)
    for permission_id in sorted(taken, key=lambda one: (present[one] == Permission.MANAGE_ROLES, one)):
        await change.records.edit(Key.role_permission(role_id, permission_id), {"present": False})


async def _find_permissions(session: AsyncSession, names: Iterable[str]) -> Sequence[UUID]:
    keys = {name_key(name): name for name in names}
    if any("\0" in key for key in keys):
        raise InvalidNameError("A name has no NUL.")
    live = select(PermissionRow.name_key, PermissionRow.id).where(PermissionRow.name_key.in_(keys))
    found = dict((await session.execute(live.where(PermissionRow.deleted_at.is_(None)))).all())
    missing = [name for key, name in keys.items() if key not in found]
    if missing:
        raise InvalidNameError(f"There is no permission {missing[0]}.")
    return [found[key] for key in keys]


async def _permissions_of(session: AsyncSession, role_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    held = (
        select(RolePermission.role_id, PermissionRow.name)
        .join(
            PermissionRow,
            (PermissionRow.id == RolePermission.permission_id) & PermissionRow.deleted_at.is_(None),
        )
        .where(RolePermission.role_id.in_(role_ids), RolePermission.present)
        .order_by(PermissionRow.name_key)
    )
    permissions: dict[UUID, list[str]] = defaultdict(list)
    for role_id, name in await session.execute(held):
        permissions[role_id].append(name)
    return permissions


def _item(role: Role, permissions: list[str]) -> RoleItem:
    return RoleItem(
        id=role.id,
        name=role.name,
        description=role.description,
        permissions=permissions,
        created_at=format_time(role.created_at),
        updated_at=format_time(role.updated_at),
        updated_by=role.updated_by,
        source=role.source,
    )


def _listed(item: RoleItem) -> ListedRole:
    fields = {name: getattr(item, name) for name in RoleItem.__struct_fields__}
    return ListedRole(**fields, etag=etag(item))

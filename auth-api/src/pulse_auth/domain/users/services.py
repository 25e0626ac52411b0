"""
Making, changing and deleting users. Decides nothing about who may: the write path judges each change.

Read next: ``domain.access.changing``, ``domain.access.authority``.
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
from pulse_sync.records import Key, Kind

from ...db.models import PermissionRow, Role, RolePermission, User, UserRole
from ...errors import InvalidNameError, UnknownRecordError
from ...http.preconditions import check_match, etag
from ..access.changing import Caller, Change, RecordChanges
from ..accounts.names import clean_username, name_key
from ..accounts.passwords import Passwords, check_new_password
from .schemas import ListedUser, NewUser, UserItem, UserPage, UserPatch

MOST_ITEMS, DEFAULT_ITEMS = 500, 100


class Users:
    """The users as administrators work with them; one for the application."""

    def __init__(self, changes: RecordChanges, passwords: Passwords) -> None:
        self._changes = changes
        self._passwords = passwords

    async def create(self, wanted: NewUser, caller: Caller) -> UserItem:
        """
        Make a user, who has to change the password at the first sign-in.

        Raises:
            RefusalError: The name is taken or impossible, the password breaks the rules, a role is unknown, or
                *caller* may not give it.
        """
        username = clean_username(wanted.username)
        check_new_password(wanted.password)
        hashed = await self._passwords.hash(wanted.password)
        fields = {"username": username, "password_hash": hashed, "is_active": wanted.is_active}
        async with self._changes.open(caller) as change:
            key = (await change.records.create(Kind.USER, fields)).key
            user = await change.session.get_one(User, UUID(key.id))
            user.must_change_password = True
            await _set_roles(change, user.id, wanted.roles)
            return await read_user(change.session, user.id)

    async def change(self, user_id: UUID, patch: UserPatch, seen: str, caller: Caller) -> UserItem:
        """
        Change a user whose present representation has the tag *seen*.

        Raises:
            RefusalError: Unknown user, another tag, or what ``create`` raises.
        """
        fields = await self._fields(patch)
        async with self._changes.open(caller) as change:
            check_match(seen, await read_user(change.session, user_id))
            if fields:
                await change.records.edit(Key.user(user_id), fields)
            if patch.roles is not UNSET:
                await _set_roles(change, user_id, patch.roles)
            return await read_user(change.session, user_id)

    async def delete(self, user_id: UUID, seen: str, caller: Caller) -> None:
        """
        Make a tombstone of a user whose present representation has the tag *seen*.

        Raises:
            RefusalError: Unknown user, another tag, or the last administrator.
        """
        async with self._changes.open(caller) as change:
            check_match(seen, await read_user(change.session, user_id))
            await change.records.delete(Key.user(user_id))

    async def _fields(self, patch: UserPatch) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if patch.username is not UNSET:
            fields["username"] = clean_username(patch.username)
        if patch.is_active is not UNSET:
            fields["is_active"] = patch.is_active
        if patch.password is not UNSET:
            check_new_password(patch.password)
            fields["password_hash"] = await self._passwords.hash(patch.password)
        return fields


async def read_user(session: AsyncSession, user_id: UUID) -> UserItem:
    """
    Return a user as the API shows them.

    Raises:
        UnknownRecordError: There is none, or only a tombstone.
    """
    user = await session.get(User, user_id)
    if user is None or user.deleted_at is not None:
        raise UnknownRecordError("There is no such user.")
    return _item(user, (await _roles_of(session, [user.id]))[user.id])


async def read_users(session: AsyncSession, after: str | None, most: int, search: str | None) -> UserPage:
    """Return up to *most* users by name, behind the name key *after*; *search*: a part of the name."""
    statement = select(User).where(User.deleted_at.is_(None)).order_by(User.username_key).limit(most + 1)
    if after is not None:
        statement = statement.where(User.username_key > after)
    if search:
        statement = statement.where(User.username_key.contains(name_key(search), autoescape=True))
    rows = (await session.scalars(statement)).all()
    shown = rows[:most]
    roles = await _roles_of(session, [user.id for user in shown])
    items = [_listed(_item(user, roles[user.id])) for user in shown]
    return UserPage(items, shown[-1].username_key if len(rows) > most else None)


async def _set_roles(change: Change, user_id: UUID, names: Iterable[str]) -> None:
    """Make *names* the roles of the user: those missing are given, the others taken away."""
    wanted = await _find_roles(change.session, names)
    held = select(Role.id).join(UserRole, (UserRole.role_id == Role.id) & UserRole.present)
    alive = held.where(UserRole.user_id == user_id, Role.deleted_at.is_(None))
    present = set(await change.session.scalars(alive))
    # Giving before taking, and last what allows to do this: so nobody stops themselves half-way.
    for role_id in [one for one in wanted if one not in present]:
        await change.records.edit(Key.user_role(user_id, role_id), {"present": True})
    taken = present - set(wanted)
    managing = await _giving(change.session, taken, Permission.MANAGE_USERS)
    for role_id in [*sorted(taken - managing), *sorted(managing)]:
        await change.records.edit(Key.user_role(user_id, role_id), {"present": False})


async def _giving(session: AsyncSession, role_ids: Collection[UUID], permission: str) -> set[UUID]:
    """Return those of the roles that give *permission*."""
    found = (
        select(RolePermission.role_id)
        .join(PermissionRow, (PermissionRow.id == RolePermission.permission_id) & PermissionRow.deleted_at.is_(None))
        .where(RolePermission.role_id.in_(role_ids), RolePermission.present, PermissionRow.name == permission)
    )
    return set(await session.scalars(found))


async def _find_roles(session: AsyncSession, names: Iterable[str]) -> Sequence[UUID]:
    keys = {name_key(name): name for name in names}
    if any("\0" in key for key in keys):
        raise InvalidNameError("A name has no NUL.")
    live = select(Role.name_key, Role.id).where(Role.name_key.in_(keys), Role.deleted_at.is_(None))
    found = dict((await session.execute(live)).all())
    missing = [name for key, name in keys.items() if key not in found]
    if missing:
        raise InvalidNameError(f"There is no role {missing[0]}.")
    return [found[key] for key in keys]


async def _roles_of(session: AsyncSession, user_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    held = (
        select(UserRole.user_id, Role.name)
        .join(Role, (Role.id == UserRole.role_id) & Role.deleted_at.is_(None))
        .where(UserRole.user_id.in_(user_ids), UserRole.present)
        .order_by(Role.name_key)
    )
    roles: dict[UUID, list[str]] = defaultdict(list)
    for user_id, name in await session.execute(held):
        roles[user_id].append(name)
    return roles


def _item(user: User, roles: list[str]) -> UserItem:
    return UserItem(
        id=user.id,
        username=user.username,
        is_active=user.is_active,
        roles=roles,
        created_at=format_time(user.created_at),
        updated_at=format_time(user.updated_at),
        updated_by=user.updated_by,
        source=user.source,
    )


def _listed(item: UserItem) -> ListedUser:
    fields = {name: getattr(item, name) for name in UserItem.__struct_fields__}
    return ListedUser(**fields, etag=etag(item))

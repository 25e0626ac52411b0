"""Reads a person's roles, permissions and topic rules as they are in force now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.rules import Rule, merge

from ...db.models import PermissionRow, Role, RolePermission, User, UserRole
from .rules_data import from_data


@dataclass(frozen=True, slots=True)
class Rights:
    """What a person holds; names in alphabetic order, ``rules`` joined over all permissions."""

    roles: tuple[str, ...]
    permissions: frozenset[str]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """A permission that a person holds through a role, with its topic rules."""

    role: str
    permission: str
    rules: tuple[Rule, ...]


async def load_rights(session: AsyncSession, user_id: UUID) -> Rights:
    """Return the rights of *user_id*: present memberships with both ends alive."""
    rows = await _read(session, user_id)
    by_permission = {permission: rules for _, permission, rules in rows if permission is not None}
    return Rights(
        roles=tuple(dict.fromkeys(role for role, _, _ in rows)),
        permissions=frozenset(by_permission),
        rules=merge(from_data(rules) for rules in by_permission.values()),
    )


async def load_grants(session: AsyncSession, user_id: UUID) -> tuple[Grant, ...]:
    """Return through which roles *user_id* holds which permissions; the rules of all of them are their rights."""
    rows = await _read(session, user_id)
    return tuple(Grant(role, name, from_data(rules)) for role, name, rules in rows if name is not None)


async def load_rules_of(session: AsyncSession, user_ids: Collection[UUID]) -> dict[UUID, tuple[Rule, ...]]:
    """Return the topic rules of those of *user_ids* whose accounts are active, of many people at once."""
    active = select(User.id).where(User.id.in_(user_ids), User.is_active, User.deleted_at.is_(None))
    held: dict[UUID, list[tuple[Rule, ...]]] = {user_id: [] for user_id in await session.scalars(active)}
    found = (
        select(UserRole.user_id, PermissionRow.rules)
        .join(Role, (Role.id == UserRole.role_id) & Role.deleted_at.is_(None))
        .join(RolePermission, (RolePermission.role_id == Role.id) & RolePermission.present)
        .join(PermissionRow, (PermissionRow.id == RolePermission.permission_id) & PermissionRow.deleted_at.is_(None))
        .where(UserRole.user_id.in_(held), UserRole.present)
    )
    for user_id, rules in await session.execute(found):
        held[user_id].append(from_data(rules))
    return {user_id: merge(groups) for user_id, groups in held.items()}


async def holders_of(session: AsyncSession, permission: str) -> list[str]:
    """Return the names of the active people who hold *permission*, in alphabetic order."""
    found = (
        select(User.username)
        .join(UserRole, (UserRole.user_id == User.id) & UserRole.present)
        .join(Role, (Role.id == UserRole.role_id) & Role.deleted_at.is_(None))
        .join(RolePermission, (RolePermission.role_id == Role.id) & RolePermission.present)
        .join(PermissionRow, (PermissionRow.id == RolePermission.permission_id) & PermissionRow.deleted_at.is_(None))
        .where(PermissionRow.name == permission, User.is_active, User.deleted_at.is_(None))
        .distinct()
        .order_by(User.username)
    )
    return list((await session.scalars(found)).all())


async def _read(session: AsyncSession, user_id: UUID) -> Sequence[tuple[str, str | None, object]]:
    found = (
        select(Role.name, PermissionRow.name, PermissionRow.rules)
        .select_from(UserRole)
        .join(Role, (Role.id == UserRole.role_id) & Role.deleted_at.is_(None))
        .outerjoin(RolePermission, (RolePermission.role_id == Role.id) & RolePermission.present)
        .outerjoin(
            PermissionRow,
            (PermissionRow.id == RolePermission.permission_id) & PermissionRow.deleted_at.is_(None),
        )
        .where(UserRole.user_id == user_id, UserRole.present)
        .order_by(Role.name, PermissionRow.name)
    )
    return [(row[0], row[1], row[2]) for row in (await session.execute(found)).all()]

"""
Making, changing and deleting permissions. Topic rules are data, so a new permission opens new topics without code.

Which rules may stand in one is ``pulse_acl.rules.refusal``, asked by the write path. Read next: ``roles``.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_sync.changes import Reason
from pulse_sync.records import Key, Kind
from pulse_sync.values import rules_problem

from ...db.models import PermissionRow
from ...errors import InvalidRuleError, UnknownRecordError
from ...http.preconditions import check_match, etag
from ..access.changing import Caller, RecordChanges
from .roles import given_fields
from .schemas import ListedPermission, NewPermission, PermissionItem, PermissionPage, PermissionPatch, TopicRule


class Permissions:
    """The permissions as administrators work with them; one for the application."""

    def __init__(self, changes: RecordChanges) -> None:
        self._changes = changes

    async def create(self, wanted: NewPermission, caller: Caller) -> PermissionItem:
        """
        Make a permission.

        Raises:
            RefusalError: The name is taken or impossible, or a rule may not stand in a permission.
        """
        fields = {"name": wanted.name.strip(), "description": wanted.description}
        async with self._changes.open(caller) as change:
            _check_rules(wanted.rules)
            rules = msgspec.to_builtins(wanted.rules)
            key = (await change.records.create(Kind.PERMISSION, fields | {"rules": rules})).key
            return await read_permission(change.session, UUID(key.id))

    async def change(self, permission_id: UUID, patch: PermissionPatch, seen: str, caller: Caller) -> PermissionItem:
        """
        Change a permission whose present representation has the tag *seen*.

        Raises:
            RefusalError: Unknown permission, another tag, what ``create`` raises, or no administrator would be left.
        """
        fields = msgspec.to_builtins(given_fields(patch, ("name", "description", "rules")))
        async with self._changes.open(caller) as change:
            check_match(seen, await read_permission(change.session, permission_id))
            if patch.rules is not UNSET:
                _check_rules(patch.rules)
            if fields:
                await change.records.edit(Key.permission(permission_id), fields)
            return await read_permission(change.session, permission_id)

    async def delete(self, permission_id: UUID, seen: str, caller: Caller) -> None:
        """
        Make a tombstone of a permission whose present representation has the tag *seen*.

        Raises:
            RefusalError: Unknown permission, another tag, or no administrator would be left.
        """
        async with self._changes.open(caller) as change:
            check_match(seen, await read_permission(change.session, permission_id))
            await change.records.delete(Key.permission(permission_id))


async def read_permission(session: AsyncSession, permission_id: UUID) -> PermissionItem:
    """
    Return a permission as the API shows it.

    Raises:
        UnknownRecordError: There is none, or only a tombstone.
    """
    row = await session.get(PermissionRow, permission_id)
    if row is None or row.deleted_at is not None:
        raise UnknownRecordError("There is no such permission.")
    return _item(row)


async def read_permissions(session: AsyncSession, after: str | None, most: int) -> PermissionPage:
    """Return up to *most* permissions by name, behind the name key *after*."""
    table = PermissionRow
    statement = select(table).where(table.deleted_at.is_(None)).order_by(table.name_key).limit(most + 1)
    if after is not None:
        statement = statement.where(table.name_key > after)
    rows = (await session.scalars(statement)).all()
    items = [_listed(_item(row)) for row in rows[:most]]
    return PermissionPage(items, rows[most - 1].name_key if len(rows) > most else None)


def _check_rules(rules: Iterable[TopicRule]) -> None:
    """Refuse as the write path would, and say at which of *rules*, so that a page can show it there."""
    for number, rule in enumerate(rules):
        problem = rules_problem([msgspec.to_builtins(rule)])
        if problem is not None:
            raise InvalidRuleError(problem, reason=str(Reason.INVALID_RULE), rule=number)


def _item(row: PermissionRow) -> PermissionItem:
    return PermissionItem(
        id=row.id,
        name=row.name,
        description=row.description,
        rules=[TopicRule(one["action"], one["topic"]) for one in row.rules],
        created_at=format_time(row.created_at),
        updated_at=format_time(row.updated_at),
        updated_by=row.updated_by,
        source=row.source,
    )


def _listed(item: PermissionItem) -> ListedPermission:
    fields = {name: getattr(item, name) for name in PermissionItem.__struct_fields__}
    return ListedPermission(**fields, etag=etag(item))

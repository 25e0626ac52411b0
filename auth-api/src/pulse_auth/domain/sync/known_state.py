"""
The records that one transaction knows, read as needed under the version counter's lock and kept up to date.

Holds what the access decision and the question of who moves into the devices' view ask for: all roles,
permissions and their memberships, and single users with theirs. Read next: ``writing``.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.rules import Permission
from pulse_sync.records import Key, Kind, Record
from pulse_sync.rights import Rights

from ...db.models import User, UserRole
from .row_mapping import find_all, find_records, find_row, to_record


class KnownState:
    """Records by key; ``originals``: those that this transaction wrote, as they were before (``None``: not there)."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._has_rbac = self._has_administrators = False
        self._users: set[str] = set()
        self.records: dict[Key, Record] = {}
        self.originals: dict[Key, Record | None] = {}

    async def read(self, key: Key) -> Record | None:
        """Return a record as it is now."""
        if key not in self.records:
            row = await find_row(self._session, key)
            if row is None:
                return None
            self.records[key] = to_record(row)
        return self.records[key]

    def wrote(self, before: Record | None, after: Record) -> None:
        """Remember a write."""
        self.originals.setdefault(after.key, before)
        self.records[after.key] = after

    @property
    def before(self) -> dict[Key, Record]:
        """The known records as they were before this transaction."""
        older = {**self.records, **self.originals}
        return {key: record for key, record in older.items() if record is not None}

    async def load_rbac(self) -> None:
        """Know all roles, permissions and the memberships between them."""
        if not self._has_rbac:
            self._has_rbac = True
            self._keep(await find_all(self._session, (Kind.ROLE, Kind.PERMISSION, Kind.ROLE_PERMISSION)))

    async def load_users(self, users: Iterable[str]) -> None:
        """Know these users and their memberships."""
        missing = [UUID(user) for user in set(users) - self._users]
        if missing:
            self._users.update(map(str, missing))
            self._keep(await find_records(self._session, Kind.USER, User.id.in_(missing)))
            self._keep(await find_records(self._session, Kind.USER_ROLE, UserRole.user_id.in_(missing)))

    async def load_administrators(self) -> None:
        """Know everyone who may be an administrator: who has a role that gives ``MANAGE_USERS``."""
        if not self._has_administrators:
            self._has_administrators = True
            await self.load_rbac()
            rights = Rights(self.records)
            roles = [role for role in rights.roles if Permission.MANAGE_USERS in rights.of_role(role).permissions]
            await self.load_users(await self.members_of(roles))

    async def members_of(self, roles: Iterable[str]) -> list[str]:
        """Return the ids of the users with a present membership in one of *roles*."""
        wanted = [UUID(role) for role in roles]
        found = select(UserRole.user_id).where(UserRole.role_id.in_(wanted), UserRole.present).distinct()
        return list(map(str, await self._session.scalars(found)))

    def _keep(self, found: dict[Key, Record]) -> None:
        # What was written here is newer than any read of it: the rows are flushed, but not the same objects.
        self.records |= {key: record for key, record in found.items() if key not in self.records}

"""
The single write path of mirrored records: users, roles, permissions, memberships, settings.

Change, versions, rows in ``change_log`` and ``sync_log``, and the word to the publisher are one transaction, and
all writers wait for each other at the version counter. Read next: ``pulse_sync.merge`` (the rules),
``domain.access.authority`` (who may), ``row_mapping`` (tables).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.records import WEB, Key, Kind, Record


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes: ``by`` as in tokens (``user:ann``), the person's id, and ``web`` or ``desktop:<client_id>``."""

    SYSTEM: ClassVar[Actor]

    by: str
    user_id: str | None
    source: str = WEB

    @classmethod
    def person(cls, user_id: UUID, username: str) -> Actor:
        """Return a person at the web."""
        return cls(f"user:{username}", str(user_id))


Actor.SYSTEM = Actor("system", None)


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """What happened to one record at one version; ``event`` as in the sync's topics (``USER_UPDATE``)."""

    version: int
    event: str
    key: Key
    before: Record | None
    after: Record


class RecordWriter:
    """Writes of one transaction; made by ``writing``. ``events``: what was written so far, in order."""

    def __init__(self, session: AsyncSession, actor: Actor, now: datetime) -> None:
        self._session, self._actor, self._now = session, actor, now
        self.events: list[RecordEvent] = []

    async def read(self, key: Key) -> Record | None:
        """Return the record as it is now, tombstones included."""
        raise NotImplementedError

    async def create(self, kind: Kind, values: Mapping[str, Any], record_id: UUID | None = None) -> RecordEvent:
        """Add a user, role or permission with all of its *values*."""
        raise NotImplementedError

    async def edit(self, key: Key, values: Mapping[str, Any]) -> RecordEvent | None:
        """Set fields of a record; memberships and settings are made when missing. ``None``: nothing to change."""
        raise NotImplementedError

    async def delete(self, key: Key) -> RecordEvent | None:
        """Make a tombstone of a record."""
        raise NotImplementedError

    async def restore(self, key: Key) -> RecordEvent | None:
        """Take a tombstone back."""
        raise NotImplementedError


@contextlib.asynccontextmanager
async def writing(session: AsyncSession, actor: Actor, now: datetime) -> AsyncIterator[RecordWriter]:
    """Hold the version counter for the rest of the transaction; see the module."""
    yield RecordWriter(session, actor, now)

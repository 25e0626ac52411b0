"""
What devices hold, read from the database: whole views with their digests, single records, and how far each is.

A view is computed once for a version and kept, because after an outage all devices ask at once; devices without
settings of their own share one. Read next: ``pulse_sync.view``, ``answers``.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.records import Key, Kind, Record
from pulse_sync.rights import Rights
from pulse_sync.view import audience, concerns, digest, to_wire, visible

from ...db.models import RecordVersion
from ...db.session import Sessions
from .known_state import KnownState
from .row_mapping import find_all

_LAST_CONCERNING = text(
    """
    SELECT greatest(coalesce((SELECT max(version) FROM change_log WHERE audience IS NULL AND version <= :upto), 0),
                    coalesce((SELECT max(version) FROM change_log WHERE audience = :device AND version <= :upto), 0))
    """
)


@dataclass(frozen=True, slots=True)
class Counter:
    """The server's history and version."""

    history: str
    version: int


@dataclass(frozen=True, slots=True)
class Held:
    """A device's view as it travels, and its digest; ``variant``: the device, or empty for all without own settings."""

    records: list[dict[str, Any]]
    digest: str
    variant: str


@dataclass(slots=True)
class _Views:
    counter: Counter
    records: dict[Key, Record]
    held: dict[str, Held] = field(default_factory=dict)

    def of(self, device: str) -> Held:
        variant = device if any(audience(key) == device for key in self.records) else ""
        if variant not in self.held:
            view = {key: record for key, record in self.records.items() if concerns(key, variant)}
            # In the order of the digest, so that equal views make equal pages.
            self.held[variant] = Held([to_wire(view[key]) for key in sorted(view)], digest(view), variant)
        return self.held[variant]


class DeviceViews:
    """Whole views, kept for the newest version that was asked for."""

    def __init__(self) -> None:
        self._views: _Views | None = None

    async def of(self, session: AsyncSession, counter: Counter, device: str) -> Held:
        """Return the view of *device*; *session* is one of ``snapshot``, and *counter* what it shows."""
        if self._views is None or self._views.counter != counter:
            records = await find_all(session, Kind)
            rights = Rights(records)
            shown = {
                key: visible(record, may_sign_in=key.kind is Kind.USER and rights.may_sign_in(key.id))
                for key, record in records.items()
            }
            session.expunge_all()
            self._views = _Views(counter, shown)
        return self._views.of(device)


@contextlib.asynccontextmanager
async def snapshot(sessions: Sessions) -> AsyncIterator[tuple[AsyncSession, Counter]]:
    """Give a session that sees one state of the database throughout, and that state's counter."""
    async with sessions() as session:
        await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        row = (await session.execute(select(RecordVersion.history, RecordVersion.version))).one()
        yield session, Counter(str(row.history), row.version)


async def last_concerning(session: AsyncSession, device: str, upto: int) -> int:
    """Return the version of the newest event, at most *upto*, that concerned *device*; 0 when there was none."""
    return int(await session.scalar(_LAST_CONCERNING, {"device": device, "upto": upto}) or 0)


async def visible_records(session: AsyncSession, keys: Collection[Key]) -> dict[Key, Record]:
    """Return records as devices hold them now."""
    known = KnownState(session)
    users = [key.id for key in keys if key.kind is Kind.USER]
    if users:
        await known.load_rbac()
        await known.load_users(users)
    rights = Rights(known.records)
    found = {key: await known.read(key) for key in keys}
    return {
        key: visible(record, may_sign_in=key.kind is Kind.USER and rights.may_sign_in(key.id))
        for key, record in found.items()
        if record is not None
    }

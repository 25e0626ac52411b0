"""
Sends what is in the change log to the devices that it concerns, each its own copy.

One publisher at a time over all instances (an advisory lock), woken by NOTIFY, by a new connection to the broker,
and now and then. How far it came is stored after the broker has everything, so no event is lost because broker,
database or this program was away; devices ignore what comes twice. Read next: ``sealing``, ``answers``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.envelopes import Key as CryptoKey
from pulse_sync.messages import Event
from pulse_sync.records import Key, Kind, Record
from pulse_sync.view import to_wire

from ...db.models import ChangeLog, Device, SyncPublication
from ...db.session import Sessions
from .answers import Shared, Whereabouts, answer
from .device_views import Counter, DeviceViews, snapshot, visible_records
from .sealing import seal
from .writing import CHANNEL

LOCK = 0x5053594E  # "PSYN"
LOOK_EVERY_S, RETRY_S = 5.0, 0.5
# With more than this outstanding, pages are less work for everybody than single events.
MOST_EVENTS = 50
Messages = Iterable[tuple[str, bytes]]
_log = structlog.get_logger(__name__)


@dataclass
class Reached:
    """The newest version that concerned every device, and those that concerned only one."""

    common: int = 0
    own: dict[str, int] = field(default_factory=dict)

    def for_device(self, client_id: str) -> int:
        """Return the newest version that concerned *client_id*."""
        return max(self.common, self.own.get(client_id, 0))

    def note(self, event: ChangeLog) -> None:
        """Take in one more event."""
        if event.audience is None:
            self.common = event.version
        else:
            self.own[event.audience] = event.version


class Publication:
    """The publisher; ``reached`` tells the last versions sent while this instance is the one that publishes."""

    def __init__(
        self,
        sessions: Sessions,
        dsn: str,
        views: DeviceViews,
        signing: CryptoKey,
        send: Callable[[Messages], Awaitable[bool]],
    ) -> None:
        """Publish through *send*, which tells whether the broker has everything."""
        self._sessions, self._dsn, self._views = sessions, dsn, views
        self._signing, self._send = signing, send
        self._wake = asyncio.Event()
        self.reached: Reached | None = None

    def look_now(self) -> None:
        """Look into the log now: something was written, or the broker is back."""
        self._wake.set()

    async def run(self) -> None:
        """Publish until cancelled; outages of the database are waited out."""
        while True:
            try:
                connection = await asyncpg.connect(self._dsn, timeout=10)
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                _log.warning("sync.database_away", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
                continue
            try:
                await self._publish_with(connection)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, TimeoutError) as error:
                _log.warning("sync.publisher_interrupted", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)
            finally:
                self.reached = None
                with contextlib.suppress(Exception):  # a connection that is gone already ends as it likes
                    await connection.close(timeout=2)

    async def _publish_with(self, connection: Any) -> None:
        """Publish while *connection* holds the lock, which ends with it."""
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK):  # noqa: ASYNC110 - another's
            await asyncio.sleep(LOOK_EVERY_S)
        connection.add_termination_listener(lambda _connection: self._wake.set())
        await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
        _log.info("sync.publishing")
        while not connection.is_closed():
            self._wake.clear()
            is_done = await self.publish_outstanding()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S if is_done else RETRY_S)

    async def publish_outstanding(self) -> bool:
        """Send what was not sent yet; ``False`` when the broker may not have all of it."""
        async with snapshot(self._sessions) as (session, counter):
            sent = await session.scalar(select(SyncPublication.version)) or 0
            reached = await _reached(session, sent)
            if sent < counter.version:
                messages = await self._outstanding(session, counter, sent, reached)
        if sent < counter.version:
            if not await self._send(messages):
                return False
            async with self._sessions.begin() as session:
                await session.execute(update(SyncPublication).values(version=counter.version))
        self.reached = reached
        return True

    async def _outstanding(
        self, session: AsyncSession, counter: Counter, sent: int, reached: Reached
    ) -> Iterator[tuple[str, bytes]]:
        """Return what is to be sent; moves *reached* to the end of it."""
        found = select(ChangeLog).where(ChangeLog.version > sent).order_by(ChangeLog.version)
        events = (await session.scalars(found)).all()
        devices = (await session.scalars(select(Device).where(Device.revoked_at.is_(None)))).all()
        before = {device.client_id: reached.for_device(device.client_id) for device in devices}
        for event in events:
            reached.note(event)
        _log.debug("sync.events_found", events=len(events), devices=len(devices))
        if len(events) > MOST_EVENTS:
            pages, shared = [], Shared()
            for device in devices:
                where = Whereabouts(device.client_id, counter.history, before[device.client_id])
                pages += [(device, page) for page in await answer(session, counter, self._views, where, shared)]
            return (seal(page, device, self._signing) for device, page in pages)
        records = await visible_records(session, {_key(event) for event in events})
        return self._sealed(events, records, devices, before)

    def _sealed(
        self,
        events: Sequence[ChangeLog],
        records: dict[Key, Record],
        devices: Sequence[Device],
        before: dict[str, int],
    ) -> Iterator[tuple[str, bytes]]:
        """Yield each event for each device that it concerns, naming the one before it that did."""
        for event in events:
            record = to_wire(records[_key(event)])
            for device in devices:
                if event.audience not in {None, device.client_id}:
                    continue
                message = Event(
                    aud=device.client_id,
                    history=str(event.history),
                    version=event.version,
                    previous=before[device.client_id],
                    event=event.event,
                    record=record,
                )
                before[device.client_id] = event.version
                yield seal(message, device, self._signing)


async def _reached(session: AsyncSession, upto: int) -> Reached:
    newest = select(ChangeLog.audience, func.max(ChangeLog.version)).where(ChangeLog.version <= upto)
    rows = (await session.execute(newest.group_by(ChangeLog.audience))).all()
    own = {audience: version for audience, version in rows if audience is not None}
    return Reached(max((version for audience, version in rows if audience is None), default=0), own)


def _key(event: ChangeLog) -> Key:
    return Key(Kind(event.record_type), event.record_id)

"""
What a device that is behind gets: the records that changed since, in pages, or a snapshot of everything.

Decides from where the device says it is; sends nothing. Read next: ``device_views``, ``service``.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.messages import FromServer, Page, Snapshot, pages_of
from pulse_sync.records import Key, Kind
from pulse_sync.view import to_wire

from ...db.models import ChangeLog
from .device_views import Counter, DeviceViews, last_concerning, visible_records

MOST_CHANGED = 2_000  # records; beyond that a snapshot is less work for both


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """
    Where a device says it is.

    ``digest``: of its view, when it said so; ``nonce``: of its request, ``None`` when nobody asked.
    """

    client_id: str
    history: str | None
    version: int
    digest: str | None = None
    nonce: str | None = None


async def answer(session: AsyncSession, counter: Counter, views: DeviceViews, device: Whereabouts) -> list[FromServer]:
    """
    Return what brings *device* to the present state, to be sent in order; at least one message.

    Args:
        session: One of ``device_views.snapshot``, with its *counter*.
        counter: See *session*.
        views: The kept views.
        device: Where it is.
    """
    held = await views.of(session, counter, device.client_id)
    last = await last_concerning(session, device.client_id, counter.version)
    if device.history == counter.history and 0 < device.version <= last:
        is_astray = device.version == last and device.digest not in {None, held.digest}
        changed = [] if is_astray else await _changed(session, device, last)
        if not is_astray and len(changed) <= MOST_CHANGED:
            return await _pages(session, counter, device, changed, (last, held.digest))
    snapshot, runs = str(uuid4()), pages_of(held.records)
    return [
        Snapshot(
            aud=device.client_id,
            history=counter.history,
            version=last,
            snapshot=snapshot,
            part=number,
            parts=len(runs),
            records=records,
            digest=held.digest,
            nonce=device.nonce,
        )
        for number, records in enumerate(runs, 1)
    ]


async def _changed(session: AsyncSession, device: Whereabouts, last: int) -> list[tuple[Key, int]]:
    """Return the records with events behind the device's version, and the newest version of each, ascending."""
    newest = func.max(ChangeLog.version)
    found = (
        select(ChangeLog.record_type, ChangeLog.record_id, newest)
        .where(ChangeLog.version > device.version, ChangeLog.version <= last)
        .where(or_(ChangeLog.audience.is_(None), ChangeLog.audience == device.client_id))
        .group_by(ChangeLog.record_type, ChangeLog.record_id)
        .order_by(newest)
        .limit(MOST_CHANGED + 1)
    )
    return [(Key(Kind(kind), record_id), version) for kind, record_id, version in await session.execute(found)]


async def _pages(
    session: AsyncSession,
    counter: Counter,
    device: Whereabouts,
    changed: list[tuple[Key, int]],
    reached: tuple[int, str],
) -> list[FromServer]:
    records = await visible_records(session, [key for key, _ in changed])
    versions = [version for _, version in changed]
    last, digest = reached
    pages: list[FromServer] = []
    previous, done = device.version, 0
    for run in pages_of([to_wire(records[key]) for key, _ in changed]):
        done += len(run)
        # The last page leads to the end also where nothing changed.
        version = last if done == len(versions) else versions[done - 1]
        pages.append(
            Page(
                aud=device.client_id,
                history=counter.history,
                version=version,
                previous=previous,
                records=run,
                digest=digest,
                digest_version=last,
                nonce=device.nonce,
            )
        )
        previous = version
    return pages

"""
What a device that is behind gets: the records that changed since, in pages, or a snapshot of everything.

Decides from where the device says it is; sends nothing. Read next: ``device_views``, ``service``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
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


@dataclass(slots=True)
class Shared:
    """
    What many devices get alike, kept while all of them are answered from one state of the database.

    ``runs``: by variant, version before and version reached, what each page leads to and holds; ``None``: too much.
    """

    wires: dict[Key, dict[str, Any]] = field(default_factory=dict)
    runs: dict[tuple[str, int, int], list[tuple[int, list[dict[str, Any]]]] | None] = field(default_factory=dict)


async def answer(
    session: AsyncSession,
    counter: Counter,
    views: DeviceViews,
    device: Whereabouts,
    shared: Shared | None = None,
) -> list[FromServer]:
    """
    Return what brings *device* to the present state, to be sent in order; at least one message.

    Args:
        session: One of ``device_views.snapshot``, with its *counter*.
        counter: See *session*.
        views: The kept views.
        device: Where it is.
        shared: Given when many are answered with the same *session*, so that they hold each record once.
    """
    held = await views.of(session, counter, device.client_id)
    last = await last_concerning(session, device.client_id, counter.version)
    if device.history == counter.history and 0 < device.version <= last:
        is_astray = device.version == last and device.digest not in {None, held.digest}
        runs = None if is_astray else await _runs(session, device, last, held.variant, shared or Shared())
        if runs is not None:
            return _pages(counter, device, runs, (last, held.digest))
    snapshot, parts = str(uuid4()), pages_of(held.records)
    return [
        Snapshot(
            aud=device.client_id,
            history=counter.history,
            version=last,
            snapshot=snapshot,
            part=number,
            parts=len(parts),
            records=records,
            digest=held.digest,
            nonce=device.nonce,
        )
        for number, records in enumerate(parts, 1)
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


async def _runs(
    session: AsyncSession, device: Whereabouts, last: int, variant: str, shared: Shared
) -> list[tuple[int, list[dict[str, Any]]]] | None:
    """Return the version that each page leads to, and its records; ``None`` when a snapshot is less work."""
    key = (variant, device.version, last)
    if key not in shared.runs:
        changed = await _changed(session, device, last)
        shared.runs[key] = await _cut(session, changed, last, shared) if len(changed) <= MOST_CHANGED else None
    return shared.runs[key]


async def _cut(
    session: AsyncSession, changed: list[tuple[Key, int]], last: int, shared: Shared
) -> list[tuple[int, list[dict[str, Any]]]]:
    new = await visible_records(session, [key for key, _ in changed if key not in shared.wires])
    shared.wires |= {key: to_wire(record) for key, record in new.items()}
    found, done = [], 0
    for run in pages_of([shared.wires[key] for key, _ in changed]):
        done += len(run)
        # The last page leads to the end also where nothing changed.
        found.append((last if done == len(changed) else changed[done - 1][1], run))
    return found


def _pages(
    counter: Counter,
    device: Whereabouts,
    runs: list[tuple[int, list[dict[str, Any]]]],
    reached: tuple[int, str],
) -> list[FromServer]:
    last, digest = reached
    pages: list[FromServer] = []
    previous = device.version
    for version, run in runs:
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

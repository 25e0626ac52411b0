"""
One-use addresses for exports, and the readings behind them as a stream of bounded memory.

The address is the secret: 256 random bits, stored hashed, good for one use within a minute.
Read next: ``export_rows`` (how rows are read), ``export_format`` (how they are written).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.rules import Permission

from ...db.models import ExportLink
from ...db.session import Sessions
from ..access.people import load_rights
from .export_format import HEADERS, WRITERS, ExportFormat
from .export_rows import read_rows

LINK_LIFE = timedelta(seconds=60)
_CLAIM = text(
    """
    UPDATE export_links AS link SET used_at = :now
    FROM users
    WHERE link.token_hash = :token_hash AND link.used_at IS NULL AND link.expires_at > :now
      AND users.id = link.user_id AND users.is_active AND users.deleted_at IS NULL
    RETURNING link.user_id, link.client_id, link.format, link.from_at, link.to_at
    """
)
_FORGET = text("DELETE FROM export_links WHERE expires_at < :before")


class ExportRequest(msgspec.Struct, frozen=True):
    """What is to be exported: the readings of a device from a time on, up to but without another."""

    client_id: str
    format: ExportFormat
    from_at: datetime | None
    to_at: datetime | None


class ClaimedLink(msgspec.Struct, frozen=True):
    """A link that was used up just now: whose it was, and what they asked for."""

    user_id: UUID
    asked: ExportRequest


async def make_link(
    session: AsyncSession, asked: ExportRequest, user_id: UUID, now: datetime, random_text: Callable[[], str]
) -> str:
    """Store a link for *asked* in the open transaction and return its secret; long-dead links are deleted."""
    secret = random_text()
    await session.execute(_FORGET, {"before": now - timedelta(days=1)})
    session.add(
        ExportLink(
            token_hash=_hash(secret),
            user_id=user_id,
            client_id=asked.client_id,
            format=asked.format.value,
            from_at=asked.from_at,
            to_at=asked.to_at,
            created_at=now,
            expires_at=now + LINK_LIFE,
        )
    )
    return secret


async def claim_link(session: AsyncSession, secret: str, now: datetime) -> ClaimedLink | None:
    """Use the link up; ``None``: it never was, is used or too old, or its person is gone or may no longer export."""
    found = (await session.execute(_CLAIM, {"token_hash": _hash(secret), "now": now})).one_or_none()
    if found is None or Permission.VIEW_DASHBOARD not in (await load_rights(session, found.user_id)).permissions:
        return None
    asked = ExportRequest(found.client_id, ExportFormat(found.format), found.from_at, found.to_at)
    return ClaimedLink(found.user_id, asked)


async def stream_export(sessions: Sessions, asked: ExportRequest) -> AsyncGenerator[bytes, None]:
    """Yield the export piece by piece, whatever its size; between two pieces no table is held."""
    yield HEADERS[asked.format]
    write = WRITERS[asked.format]
    async with contextlib.aclosing(read_rows(sessions, asked.client_id, asked.from_at, asked.to_at)) as found:
        async for rows in found:
            yield write(rows)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

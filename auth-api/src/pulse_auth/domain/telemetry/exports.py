"""
One-use addresses for exports, and the readings behind them as a stream of bounded memory.

The address is the secret: 256 random bits, stored hashed, good for one use within a minute.
Read next: ``export_format`` (how rows are written).
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import ExportLink
from ...db.session import Sessions
from .export_format import HEADERS, WRITERS, ExportFormat, ExportRow
from .values import pick

LINK_LIFE = timedelta(seconds=60)
_ROWS_AT_A_TIME = 2_000
_CLAIM = text(
    """
    UPDATE export_links AS link SET used_at = :now
    FROM users
    WHERE link.token_hash = :token_hash AND link.used_at IS NULL AND link.expires_at > :now
      AND users.id = link.user_id AND users.is_active AND users.deleted_at IS NULL
    RETURNING link.client_id, link.format, link.from_at, link.to_at
    """
)
_FORGET = text("DELETE FROM export_links WHERE expires_at < :before")
_READINGS = text(
    """
    SELECT recorded_at, received_at, stream, sequence_no, metric_key, metric_value, metric_long, metric_bool
    FROM telemetry_data
    WHERE client_id = :client_id
      AND recorded_at >= coalesce(CAST(:from_at AS timestamptz), '-infinity')
      AND recorded_at < coalesce(CAST(:to_at AS timestamptz), 'infinity')
    ORDER BY recorded_at, stream, sequence_no, metric_key
    """
)


class ExportRequest(msgspec.Struct, frozen=True):
    """What is to be exported: the readings of a device from a time on, up to but without another."""

    client_id: str
    format: ExportFormat
    from_at: datetime | None
    to_at: datetime | None


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


async def claim_link(session: AsyncSession, secret: str, now: datetime) -> ExportRequest | None:
    """Use the link up; ``None`` when it never was, is used or too old, or its person is gone."""
    found = (await session.execute(_CLAIM, {"token_hash": _hash(secret), "now": now})).one_or_none()
    if found is None:
        return None
    return ExportRequest(found.client_id, ExportFormat(found.format), found.from_at, found.to_at)


async def stream_export(sessions: Sessions, asked: ExportRequest) -> AsyncGenerator[bytes, None]:
    """Yield the export piece by piece from a cursor in the database, whatever its size."""
    yield HEADERS[asked.format]
    write = WRITERS[asked.format]
    given = {"client_id": asked.client_id, "from_at": asked.from_at, "to_at": asked.to_at}
    async with sessions() as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        result = await session.stream(_READINGS, given, execution_options={"max_row_buffer": _ROWS_AT_A_TIME})
        async for rows in result.partitions(_ROWS_AT_A_TIME):
            yield write(ExportRow(row[0], row[1], row[2], row[3], row[4], pick(*row[5:])) for row in rows)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()

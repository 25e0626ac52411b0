"""The newest value of each metric, by the time it was measured. Reads only; the worker keeps the table."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import telemetry_latest
from .values import Value, pick


class LatestValue(msgspec.Struct, frozen=True):
    """The newest reading of one metric of one device."""

    client_id: str
    metric: str
    value: Value
    recorded_at: datetime
    received_at: datetime
    stream: UUID
    sequence_no: int


async def read_latest(session: AsyncSession, client_id: str | None) -> list[LatestValue]:
    """Return the newest values of one device, or of all (``None``), by device and metric."""
    table = telemetry_latest.c
    statement = select(telemetry_latest).order_by(table.client_id, table.metric_key)
    if client_id is not None:
        statement = statement.where(table.client_id == client_id)
    return [
        LatestValue(
            row.client_id,
            row.metric_key,
            pick(row.metric_value, row.metric_long, row.metric_bool),
            row.recorded_at,
            row.received_at,
            row.stream,
            row.sequence_no,
        )
        for row in await session.execute(statement)
    ]

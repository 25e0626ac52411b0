"""The newest value of each metric, by the time it was measured. Reads only; the worker keeps the table."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import telemetry_latest
from .values import Value, pick

MOST_ITEMS = 10_000


class LatestValue(msgspec.Struct, frozen=True):
    """The newest reading of one metric of one device."""

    client_id: str
    metric: str
    value: Value
    recorded_at: datetime
    received_at: datetime
    stream: UUID
    sequence_no: int


async def read_latest(
    session: AsyncSession, client_id: str | None, after: tuple[str, str] | None = None, most: int = MOST_ITEMS
) -> tuple[list[LatestValue], bool]:
    """
    Return the newest values by device and metric, and whether there are more.

    Args:
        session: Open session; nothing is written.
        client_id: Only of this device; ``None``: of all.
        after: The device and metric to go on behind.
        most: At most so many values; devices choose the names of their metrics, so there may be any number.
    """
    table = telemetry_latest.c
    statement = select(telemetry_latest).order_by(table.client_id, table.metric_key).limit(most + 1)
    if client_id is not None:
        statement = statement.where(table.client_id == client_id)
    if after is not None:
        statement = statement.where(tuple_(table.client_id, table.metric_key) > after)
    rows = (await session.execute(statement)).all()
    return [_value(row) for row in rows[:most]], len(rows) > most


def _value(row: Row[Any]) -> LatestValue:
    return LatestValue(
        row.client_id,
        row.metric_key,
        pick(row.metric_value, row.metric_long, row.metric_bool),
        row.recorded_at,
        row.received_at,
        row.stream,
        row.sequence_no,
    )

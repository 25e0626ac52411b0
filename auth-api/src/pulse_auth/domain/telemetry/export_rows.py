"""
The rows of an export, day by day, each day out of a cursor that holds no lock while its reader is slow.

A cursor ``WITH HOLD`` is read to its end by the server and kept in a temporary file of its own when its transaction
ends. So an export stands in the way of nobody who makes, detaches or drops a partition (``ATTACH`` waits for every
reader of the DEFAULT partition), and the file is never larger than a day's readings of one device.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ...db.session import Sessions, engine_of
from .export_format import ExportRow
from .values import pick

ROWS_AT_A_TIME = 2_000
Span: TypeAlias = tuple[datetime | None, datetime | None]
_DAYS = text(
    """
    SELECT day
    FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid
    CROSS JOIN LATERAL (SELECT to_date(relname, '"telemetry_data_y"YYYY"m"MM"d"DD') AS day) AS named
    WHERE inhparent = 'telemetry_data'::regclass AND relname <> 'telemetry_data_default'
    """
)
_DECLARE = text(
    """
    DECLARE export_rows NO SCROLL CURSOR WITH HOLD FOR
    SELECT recorded_at, received_at, stream, sequence_no, metric_key, metric_value, metric_long, metric_bool
    FROM telemetry_data
    WHERE client_id = :client_id
      AND recorded_at >= coalesce(CAST(:from_at AS timestamptz), '-infinity')
      AND recorded_at < coalesce(CAST(:to_at AS timestamptz), 'infinity')
    ORDER BY recorded_at, stream, sequence_no, metric_key
    """
)
_FETCH = text(f"FETCH {ROWS_AT_A_TIME} FROM export_rows")
_CLOSE = text("CLOSE export_rows")


async def read_rows(
    sessions: Sessions, client_id: str, from_at: datetime | None, to_at: datetime | None
) -> AsyncGenerator[list[ExportRow], None]:
    """
    Yield the readings of *client_id* from *from_at* on, up to but without *to_at*, at most ``ROWS_AT_A_TIME`` at once.

    Ordered by time, stream, number and metric. Each day is as it was when its turn came.
    """
    async with engine_of(sessions).connect() as connection:
        try:
            async with connection.begin():
                days = (await connection.scalars(_DAYS)).all()
            for span in spans_by_day(from_at, to_at, days):
                async for rows in _rows_of(connection, client_id, span):
                    yield rows
        except BaseException:
            await connection.invalidate()  # its cursor may be open, and must not meet the next user's
            raise


def spans_by_day(from_at: datetime | None, to_at: datetime | None, days: Iterable[date]) -> list[Span]:
    """Cut a span (``None``: without end) where *days* (UTC) begin and end, so that no part touches two partitions."""
    midnights = {_midnight(day + timedelta(days=more)) for day in days for more in (0, 1)}
    inside = (at for at in sorted(midnights) if (from_at is None or from_at < at) and (to_at is None or at < to_at))
    return list(pairwise([from_at, *inside, to_at]))


async def _rows_of(connection: AsyncConnection, client_id: str, span: Span) -> AsyncGenerator[list[ExportRow], None]:
    given = {"client_id": client_id, "from_at": span[0], "to_at": span[1]}
    async with connection.begin():
        await connection.execute(_DECLARE, given)
    is_last = False
    while not is_last:
        async with connection.begin():
            found = (await connection.execute(_FETCH)).all()
            is_last = len(found) < ROWS_AT_A_TIME
            if is_last:
                await connection.execute(_CLOSE)
        if found:
            yield [ExportRow(row[0], row[1], row[2], row[3], row[4], pick(*row[5:])) for row in found]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)

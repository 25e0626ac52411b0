"""
The history of one metric, thinned in the database to as many points as a chart can draw.

Every bucket of time keeps its smallest and its greatest reading, so no peak is ever smoothed away. Reads
only. Read next: ``latest``, ``exports`` (for all readings, unthinned).
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from .values import Value, pick

LEAST_POINTS, MOST_POINTS, DEFAULT_POINTS = 2, 20_000, 1_000
_SPAN = """
    FROM telemetry_data
    WHERE client_id = :client_id AND metric_key = :metric AND recorded_at >= :from_at AND recorded_at < :to_at
"""
_COLUMNS = "recorded_at, stream, sequence_no, metric_value, metric_long, metric_bool"
_ALL = text(f"SELECT {_COLUMNS} {_SPAN} ORDER BY recorded_at, stream, sequence_no LIMIT :most")
# A double orders integers rightly up to rounding, and metric_long settles the rest, so extremes are exact.
# The window's first row in a bucket is its smallest reading, the row before the next bucket its greatest.
_THINNED = text(
    f"""
    WITH extent AS (
        SELECT extract(epoch FROM min(recorded_at))::float8 AS first_s,
               extract(epoch FROM max(recorded_at))::float8 AS last_s {_SPAN}
    ), placed AS (
        SELECT {_COLUMNS},
               coalesce(metric_value, metric_long::float8, metric_bool::int::float8) AS size,
               width_bucket(
                   extract(epoch FROM recorded_at)::float8, extent.first_s, extent.last_s + 0.001, :buckets
               ) AS bucket
        FROM extent, telemetry_data
        WHERE client_id = :client_id AND metric_key = :metric AND recorded_at >= :from_at AND recorded_at < :to_at
    ), ranked AS (
        SELECT {_COLUMNS}, bucket, lag(bucket) OVER by_size AS before, lead(bucket) OVER by_size AS after
        FROM placed
        WINDOW by_size AS (ORDER BY bucket, size, metric_long, recorded_at, stream, sequence_no)
    )
    SELECT {_COLUMNS} FROM ranked
    WHERE before IS DISTINCT FROM bucket OR after IS DISTINCT FROM bucket
    ORDER BY recorded_at, stream, sequence_no
    """  # noqa: S608
)


class Point(msgspec.Struct, frozen=True):
    """One reading of the metric; ``at`` is when it was measured."""

    at: datetime
    value: Value
    stream: UUID
    sequence_no: int


async def read_history(
    session: AsyncSession, client_id: str, metric: str, span: tuple[datetime, datetime], max_points: int
) -> tuple[list[Point], bool]:
    """
    Return the points of *metric*, ascending by time, and whether some were left out.

    Args:
        session: Open session; nothing is written.
        client_id: The device.
        metric: The metric's key.
        span: From the first time on, up to but without the second (UTC).
        max_points: ``LEAST_POINTS`` to ``MOST_POINTS``; at most so many are returned.
    """
    given = {"client_id": client_id, "metric": metric, "from_at": span[0], "to_at": span[1]}
    points = await _read(session, _ALL, {**given, "most": max_points + 1})
    if len(points) <= max_points:
        return points, False
    return await _read(session, _THINNED, {**given, "buckets": max_points // 2}), True


async def _read(session: AsyncSession, statement: TextClause, given: dict[str, object]) -> list[Point]:
    rows = await session.execute(statement, given)
    return [Point(row[0], pick(row[3], row[4], row[5]), row[1], row[2]) for row in rows]

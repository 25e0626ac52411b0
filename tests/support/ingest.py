"""Telemetry as the ingest worker sees it, for its tests: payloads, decoded batches, and what the database holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from pulse_acl.ranges import Ranges, from_text
from pulse_ingest.decode import decode
from pulse_ingest.messages import Decoded, Raw

STREAM = UUID("018f0000-0000-7000-8000-000000000001")
NEXT_STREAM = UUID("018f0000-0000-7000-8000-000000000002")
RECEIVED = datetime(2026, 2, 7, 12, tzinfo=UTC)
START = datetime(2026, 2, 7, 10, tzinfo=UTC)


def time_of(number: int) -> datetime:
    """Return when the reading with this number was measured: one a second."""
    return START + timedelta(seconds=number % 1_000_000)


def reading(number: Any, metrics: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a reading of a batch; its metric ``a`` is its number."""
    made = {"sequence_no": number, "timestamp": "2026-02-07T10:00:00.000Z", "metrics": metrics or {"a": number}}
    if isinstance(number, int):
        made["timestamp"] = time_of(number).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return made | changes


def bad(number: int) -> dict[str, Any]:
    """Return a reading that breaks the contract."""
    return reading(number, {"a": "no number"})


def message(
    readings: Iterable[dict[str, Any]] = (),
    lost: Sequence[Sequence[int]] = (),
    *,
    client_id: str = "D1",
    stream: UUID = STREAM,
    received_at: datetime = RECEIVED,
) -> Decoded:
    """Return a decoded batch message."""
    payload = {"client_id": client_id, "stream": str(stream), "readings": list(readings), "lost": list(lost)}
    return decode(Raw(f"telemetry/{client_id}/buffered", json.dumps(payload).encode(), received_at))


def numbered(numbers: Iterable[int], **options: Any) -> Decoded:
    """Return a decoded batch message of good readings."""
    return message((reading(number) for number in numbers), **options)


async def archived(conn: asyncpg.Connection[asyncpg.Record], client_id: str = "D1") -> list[int]:
    """Return the numbers in telemetry_data, one for each row of metric ``a``, so that a double shows."""
    rows = await conn.fetch(
        "SELECT sequence_no FROM telemetry_data WHERE client_id = $1 AND metric_key = 'a' ORDER BY 1", client_id
    )
    return [row[0] for row in rows]


async def account(
    conn: asyncpg.Connection[asyncpg.Record], client_id: str = "D1", stream: UUID = STREAM
) -> dict[str, Ranges | int]:
    """Return a ledger row with its sets as ranges."""
    row = await conn.fetchrow(
        "SELECT settled::text, rejected::text, lost::text, produced, archived_count, duplicate_count"
        " FROM telemetry_ledger WHERE client_id = $1 AND stream = $2",
        client_id,
        stream,
    )
    assert row is not None, "no such ledger row"
    return {key: from_text(value) if isinstance(value, str) else value for key, value in row.items()}

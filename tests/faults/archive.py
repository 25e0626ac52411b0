"""Reads the archive as the API's role, one device at a time; nothing is rounded on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import asyncpg

from faults.compare import Archived
from support.stack import Stack

T = TypeVar("T")
_ROWS = """SELECT stream::text, sequence_no, metric_key, metric_value, metric_long, metric_bool
FROM telemetry_data WHERE client_id = $1"""
_TIMES = """SELECT DISTINCT stream::text, sequence_no, coalesce(claimed_at, recorded_at)
FROM telemetry_data WHERE client_id = $1"""
_LOST = """SELECT stream::text, lower(piece), upper(piece)
FROM telemetry_ledger, unnest(lost) AS piece WHERE client_id = $1"""
_SEEN = "SELECT count(DISTINCT client_id) FROM telemetry_ledger WHERE archived_count > 0"
_DUPLICATES = "SELECT coalesce(sum(duplicate_count), 0) FROM telemetry_ledger"
_ABSURD = """SELECT count(DISTINCT (client_id, stream, sequence_no))
FROM telemetry_data WHERE claimed_at IS NOT NULL"""


def archived(stack: Stack, device: str) -> Archived:
    """Return all that is archived of a device; of the three columns of a metric exactly one is set."""

    async def read(connection: asyncpg.Connection[asyncpg.Record]) -> Archived:
        found = await connection.fetch(_ROWS, device)
        lost: dict[str, set[int]] = {}
        for stream, first, end in await connection.fetch(_LOST, device):
            lost.setdefault(stream, set()).update(range(first, end))
        return Archived(
            rows=[(r[0], r[1], r[2], next(value for value in (r[3], r[4], r[5]) if value is not None)) for r in found],
            times={(stream, number): at for stream, number, at in await connection.fetch(_TIMES, device)},
            lost=lost,
        )

    return _asked(stack, read)


def devices_seen(stack: Stack) -> int:
    """Return of how many devices something is archived."""
    return _count(stack, _SEEN)


def duplicates_dropped(stack: Stack) -> int:
    """Return how many readings came again and were dropped."""
    return _count(stack, _DUPLICATES)


def absurd_times(stack: Stack) -> int:
    """Return how many readings are archived under the received time, with the claimed one beside it."""
    return _count(stack, _ABSURD)


def _count(stack: Stack, query: str) -> int:
    async def read(connection: asyncpg.Connection[asyncpg.Record]) -> int:
        return int(await connection.fetchval(query))

    return _asked(stack, read)


def _asked(stack: Stack, read: Callable[[asyncpg.Connection[asyncpg.Record]], Awaitable[T]]) -> T:
    async def ask() -> T:
        folder = stack.home / "postgres"
        password = (folder / "auth-password").read_text().strip()
        connection = await asyncpg.connect(host=str(folder), user="pulse_auth", database="pulse", password=password)
        try:
            return await read(connection)
        finally:
            await connection.close()

    # A thread of its own: a browser test before this one may have left an event loop running in the main thread.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(ask())).result()

"""Reads the archive as the API's role, one device at a time; nothing is rounded on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import asyncpg

from faults.compare import Row
from support.stack import Stack

T = TypeVar("T")
_ROWS = """SELECT stream::text, sequence_no, metric_key, metric_value, metric_long, metric_bool
FROM telemetry_data WHERE client_id = $1"""
_LOST = """SELECT stream::text, lower(piece), upper(piece)
FROM telemetry_ledger, unnest(lost) AS piece WHERE client_id = $1"""
_ARCHIVED = "SELECT count(DISTINCT client_id) FROM telemetry_ledger WHERE archived_count > 0"


def rows(stack: Stack, device: str) -> list[Row]:
    """Return every archived metric of a device; of the three columns exactly one is set."""

    async def read(connection: asyncpg.Connection[asyncpg.Record]) -> list[Row]:
        found = await connection.fetch(_ROWS, device)
        return [(r[0], r[1], r[2], next(value for value in (r[3], r[4], r[5]) if value is not None)) for r in found]

    return _asked(stack, read)


def lost(stack: Stack, device: str) -> dict[str, set[int]]:
    """Return the numbers that the ledger has as declared lost, by stream."""

    async def read(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, set[int]]:
        made: dict[str, set[int]] = {}
        for stream, first, end in await connection.fetch(_LOST, device):
            made.setdefault(stream, set()).update(range(first, end))
        return made

    return _asked(stack, read)


def devices_seen(stack: Stack) -> int:
    """Return of how many devices something is archived."""

    async def read(connection: asyncpg.Connection[asyncpg.Record]) -> int:
        return int(await connection.fetchval(_ARCHIVED))

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

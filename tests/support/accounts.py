"""What became of readings: the integrity call, and the archive itself."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import asyncpg

from support.stack import Stack


def integrity(stack: Stack, device_id: str) -> dict[str, Any]:
    """Return the account of one device as the API states it."""
    answer = stack.admin.get(f"/devices/{device_id}/integrity")
    assert answer.is_success, answer.text
    return answer.json()


def psql(stack: Stack, query: str, *arguments: object) -> Any:
    """Ask the system's database for one value."""

    async def ask() -> Any:
        folder = stack.home / "postgres"
        connection = await asyncpg.connect(
            host=str(folder),
            user="pulse_auth",
            database="pulse",
            password=(folder / "auth-password").read_text().strip(),
        )
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    # A thread of its own: a browser test before this one may have left an event loop running in the main thread.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(ask())).result()


def repeated_values(stack: Stack) -> int:
    """Count the values, one of a stream, number and metric, that stand in the archive more than once."""
    return int(
        psql(
            stack,
            "SELECT count(*) FROM (SELECT 1 FROM telemetry_data GROUP BY client_id, stream, sequence_no, metric_key"
            " HAVING count(*) > 1) twice",
        )
    )

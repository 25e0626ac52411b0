"""The worker's transaction (ledger, COPY, latest, rollup), against a bare COPY into the same indexed table."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import msgspec

from bench.figures import Figure, compare
from pulse_ingest.decode import decode
from pulse_ingest.messages import Raw
from pulse_ingest.writer import Database, Target
from support.stack import Stack, short_home
from support.waiting import until

BATCHES, READINGS = 20, 1_000
COLUMNS = ("client_id", "stream", "sequence_no", "metric_key", "metric_value", "metric_long", "metric_bool",
           "recorded_at", "received_at")  # fmt: skip


def measure() -> Figure:
    """Return readings (three metrics each) archived per second in batches of 1,000, decoding not counted."""
    with short_home() as home:
        stack = Stack(home)
        try:
            _start_database(stack)
            batches = itertools.count()
            with asyncio.Runner() as runner:
                arguments = _arguments(home)
                conn = runner.run(asyncpg.connect(**arguments))
                runner.run(_make_partition(conn))
                database = Database(Target(arguments))
                figure = compare(
                    "archive transaction",
                    lambda: runner.run(_through_the_writer(database, batches)),
                    "bare COPY",
                    lambda: runner.run(_bare_copy(conn, batches)),
                    bar=0.5,
                )
                runner.run(database.close())
                runner.run(conn.close())
            return figure
        finally:
            stack.stop()


def _start_database(stack: Stack) -> None:
    stack.start("postgres")
    migration = stack.add("migrate", ["pulse-auth-api", "migrate"]).start()
    until(lambda: not migration.running, within_s=60, what="the schema is there")
    assert migration.process is not None
    assert migration.process.returncode == 0, migration.tail()


def _arguments(home: Path) -> dict[str, str]:
    folder = home / "postgres"
    password = (folder / "auth-password").read_text().strip()
    return {"host": str(folder), "user": "pulse_auth", "database": "pulse", "password": password}


async def _make_partition(conn: asyncpg.Connection[asyncpg.Record]) -> None:
    await conn.execute("SELECT telemetry_make_partition($1)", datetime.now(UTC).date())


def _payloads(number: int) -> tuple[str, uuid.UUID, bytes]:
    client_id, stream = f"bench-{number % 10}", uuid.uuid4()
    start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    readings = [
        {
            "sequence_no": one,
            "timestamp": (start + timedelta(milliseconds=one))
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "metrics": {"temperature": 72.45 + one / 7, "rpm": 9_007_199_254_740_993 + one, "is_active": one % 2 == 0},
        }
        for one in range(1, READINGS + 1)
    ]
    batch = {"client_id": client_id, "stream": str(stream), "readings": readings, "source": "bench"}
    return client_id, stream, msgspec.json.encode(batch)


async def _through_the_writer(database: Database, numbers: Iterator[int]) -> float:
    now = datetime.now(UTC)
    batches = []
    for _ in range(BATCHES):
        client_id, _stream, payload = _payloads(next(numbers))
        batches.append([decode(Raw(f"telemetry/{client_id}/buffered", payload, now))])
    started = time.perf_counter()
    for batch in batches:
        written = await database.write_batch(batch, now)
        assert written.archived == READINGS
    return BATCHES * READINGS / (time.perf_counter() - started)


async def _bare_copy(conn: asyncpg.Connection[asyncpg.Record], numbers: Iterator[int]) -> float:
    now = datetime.now(UTC)
    batches = [_rows(*_payloads(next(numbers)), now) for _ in range(BATCHES)]
    started = time.perf_counter()
    for rows in batches:
        async with conn.transaction():
            await conn.copy_records_to_table("telemetry_data", records=rows, columns=COLUMNS)
    return BATCHES * READINGS / (time.perf_counter() - started)


def _rows(client_id: str, stream: uuid.UUID, payload: bytes, now: datetime) -> list[tuple[object, ...]]:
    rows = []
    for reading in msgspec.json.decode(payload)["readings"]:
        at = datetime.fromisoformat(reading["timestamp"])
        for key, value in reading["metrics"].items():
            kinds = (
                value if isinstance(value, float) else None,
                value if type(value) is int else None,
                value if isinstance(value, bool) else None,
            )
            rows.append((client_id, stream, reading["sequence_no"], key, *kinds, at, now))
    return rows

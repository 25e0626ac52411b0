"""A worker between a real broker and a real PostgreSQL in which somebody holds a lock that each batch needs."""

import asyncio
from typing import TypeAlias

import asyncpg
import pytest

from pulse_ingest import worker
from pulse_ingest.settings import read_settings
from support.ingest import archived
from support.ingest_bench import IngestBench

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


async def test_worker_waits_for_who_locks_the_archive_says_so_and_leaves_no_reading(
    bench: IngestBench, owner: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BATCH_LOCK_TIMEOUT_S", 0.5, raising=False)
    await bench.start_broker()
    working = worker.Worker(read_settings(bench.variables))
    running = asyncio.create_task(working.run())
    try:
        await bench.worker_says("database", "ok")
        async with bench.device() as device:
            async with owner.transaction():  # as somebody does who makes a day's partition, for as long as that takes
                await owner.execute("LOCK telemetry_data_default IN ACCESS EXCLUSIVE MODE")
                await device.live(1)
                await bench.worker_says("database", "away", within_s=20)
                assert device.archived == set()
            await device.told({1})
            await bench.worker_says("database", "ok")
    finally:
        working._stopping.set()
        await running
    assert await archived(owner) == [1]
    assert working._measures.left_unanswered._value.get() == 0

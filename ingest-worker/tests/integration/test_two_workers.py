"""Two workers without shared subscriptions: both get everything, and what both have is stored once."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import asyncpg
import pytest

from support.ingest import account, archived, reading
from support.ingest_bench import IngestBench, TokenApi
from support.processes import Program, free_ports, program

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def other(bench: IngestBench) -> AsyncIterator[Program]:
    """A second worker with a name of its own, not started yet."""
    (metrics_port,) = free_ports(1)
    tokens = TokenApi(bench.mint, bench.mqtts_port, instance="2")
    own = {"PULSE_INSTANCE": "2", "PULSE_API_URL": tokens.url, "PULSE_METRICS_PORT": str(metrics_port)}
    made = Program("worker-2", [program("pulse-ingest")], {**bench.variables, **own}, bench.home / "worker-2.log")
    yield made
    if made.running:
        await asyncio.to_thread(made.stop)
    tokens.close()


async def test_two_workers_on_the_same_devices_one_killed_store_everything_once(
    bench: IngestBench, other: Program, owner: Conn
) -> None:
    await bench.start()
    other.start()
    await bench.worker_says("database", "ok", instance="2")
    first_half, numbers = set(range(1, 301)), set(range(1, 601))
    async with bench.device("D1") as one, bench.device("D2") as two:
        for number in sorted(first_half):
            await one.live(number)
            await two.live(number)
        bench.worker.kill9()
        for device in (one, two):
            await device.told(first_half, within_s=30)
            await device.buffered([reading(number) for number in sorted(numbers - first_half)])
        for device in (one, two):
            await device.told(numbers, within_s=30)
            assert (device.rejected, device.lost) == ({}, set())
    for name in ("D1", "D2"):
        assert await archived(owner, name) == sorted(numbers)
        found = await account(owner, name)
        assert (found["settled"], found["archived_count"]) == ([(1, 600)], 600)
    samples = await owner.fetchval("SELECT sum(samples) FROM telemetry_minute")
    assert samples == 2 * 600, "the rollup has each reading once"

"""A worker whose store hangs for no reason that anybody foresaw, between a real broker and a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import pytest
from structlog.testing import capture_logs

from pulse_ingest import watchdog, worker
from pulse_ingest.errors import Stalled
from pulse_ingest.messages import Decoded
from pulse_ingest.settings import read_settings
from support.ingest import archived
from support.ingest_bench import BenchDevice, IngestBench
from support.waiting import eventually

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Hanging:
    async def store(self, messages: list[Decoded]) -> None:
        await asyncio.Event().wait()


@asynccontextmanager
async def heartbeats(device: BenchDevice) -> AsyncIterator[None]:
    """Let the device send heartbeats during the block."""

    async def beat() -> None:
        while True:
            status = {"client_id": device.client_id, "status": "ONLINE", "timestamp": "2026-02-07T12:00:00.000Z"}
            await device.publish(f"heartbeat/{device.client_id}", status, retain=True)
            await asyncio.sleep(0.1)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait([beating])


async def test_worker_that_gets_nowhere_ends_and_its_successor_archives_what_it_held_case_11(
    bench: IngestBench, owner: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "STALLED_AFTER_S", 1.0)
    monkeypatch.setattr(worker, "INTERVAL_S", 0.2)
    monkeypatch.setattr(worker, "FINISH_WITHIN_S", 0.2)
    await bench.start_broker()
    stuck = worker.Worker(read_settings(bench.variables))
    stuck._pipeline._store = Hanging()
    with capture_logs() as logs:
        running = asyncio.create_task(stuck.run())
        await bench.worker_says("database", "ok")
        async with bench.device() as device:
            assert not running.done(), "nothing is held yet, so nothing is stalled"
            async with heartbeats(device):  # which are stored: no progress of the telemetry
                await eventually(lambda: owner.fetchval("SELECT 1 FROM device_presence"), what="a heartbeat is stored")
                await device.live(1)
                with pytest.raises(Stalled):
                    await asyncio.wait_for(running, 20)
            assert await owner.fetchval("SELECT count(*) FROM device_presence") == 1
            assert device.archived == set()
            bench.worker.start()
            await bench.worker_says("database", "ok")
            await device.live(1)  # no receipt came, so the device sends it again
            await device.told({1})
    assert "worker.stalled" in {entry["event"] for entry in logs}
    assert await archived(owner) == [1]

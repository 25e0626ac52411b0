"""A worker whose store hangs for no reason that anybody foresaw, between a real broker and a real PostgreSQL."""

import asyncio
from typing import TypeAlias

import asyncpg
import pytest
from structlog.testing import capture_logs

from pulse_ingest import watchdog, worker
from pulse_ingest.errors import Stalled
from pulse_ingest.messages import Decoded
from pulse_ingest.settings import read_settings
from support.ingest import archived
from support.ingest_bench import IngestBench

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class Hanging:
    async def store(self, messages: list[Decoded]) -> None:
        await asyncio.Event().wait()


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
            await device.live(1)
            with pytest.raises(Stalled):
                await asyncio.wait_for(running, 20)
            assert device.archived == set()
            bench.worker.start()
            await bench.worker_says("database", "ok")
            await device.live(1)  # no receipt came, so the device sends it again
            await device.told({1})
    assert "worker.stalled" in {entry["event"] for entry in logs}
    assert await archived(owner) == [1]

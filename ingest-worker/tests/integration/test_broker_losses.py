"""What the broker took and lost, on the embedded broker: a PUBACK was no delivery, so the device sends again."""

from typing import Any, TypeAlias

import asyncpg

from support.ingest import STREAM, account, archived, reading
from support.ingest_bench import IngestBench

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
LARGE = "x" * 200_000
MESSAGES = 200  # 40 MB, more than the embedded broker keeps for one session


def large_batch(number: int) -> dict[str, Any]:
    """Return a batch of one reading that takes much room in a queue."""
    return {"client_id": "D1", "stream": str(STREAM), "readings": [reading(number)], "lost": [], "padding": LARGE}


async def test_worker_away_longer_than_the_brokers_queue_costs_nothing_case_7(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    bench.worker.kill9()
    numbers = set(range(1, MESSAGES + 1))
    async with bench.device() as device:
        for number in sorted(numbers):
            await device.publish("telemetry/D1/buffered", large_batch(number))
        bench.worker.start()
        await device.told({MESSAGES}, within_s=60)
        dropped = numbers - device.archived
        assert 1 in dropped, "the oldest were dropped although each was acknowledged"
        await device.buffered([reading(number) for number in sorted(dropped)])
        await device.told(numbers)
    assert await archived(owner) == sorted(numbers)
    assert (await account(owner))["archived_count"] == MESSAGES


async def test_broker_killed_with_messages_in_its_sessions_costs_nothing_case_8(
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    bench.worker.kill9()
    async with bench.device() as device:
        for number in range(1, 51):
            await device.live(number)
        assert device.archived == set()
    bench.broker.kill9()
    await bench.start_broker()
    bench.worker.start()
    await bench.worker_says("database", "ok")
    async with bench.device() as device:
        await device.live(51)
        await device.told({51})
        assert await archived(owner) == [51], "the broker had acknowledged the others, and lost them"
        await device.buffered([reading(number) for number in range(1, 51)])
        await device.told(set(range(1, 52)))
    assert await archived(owner) == list(range(1, 52))

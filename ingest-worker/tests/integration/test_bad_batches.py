"""Batches that are odd or break the contract, to the worker as a process: each handled, neighbours unharmed."""

import json
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from support.ingest import STREAM, account, archived, bad, reading
from support.ingest_bench import BenchDevice, IngestBench

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
MOST_BYTES = 256 * 1024


async def unharmed(device: BenchDevice, number: int) -> None:
    """Require that the next reading of the device is archived as ever."""
    await device.live(number)
    await device.told({number})


async def test_worker_repeated_number_in_a_batch_keeps_the_first_copy_and_counts_the_others(
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.buffered([reading(1, {"a": 10}), reading(2), reading(1, {"a": 20}), bad(2), reading(1, {"a": 30})])
        await device.told({1, 2})
        await unharmed(device, 3)
        assert device.rejected == {}
    values = await owner.fetch("SELECT sequence_no, metric_long FROM telemetry_data ORDER BY 1")
    assert [tuple(row) for row in values] == [(1, 10), (2, 2), (3, 3)]
    found = await account(owner)
    assert (found["settled"], found["archived_count"], found["duplicate_count"]) == ([(1, 3)], 3, 3)


async def test_worker_descending_and_shuffled_numbers_are_archived_like_any(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.buffered([reading(number) for number in range(300, 0, -1)])
        await device.buffered([reading(number) for number in (305, 301, 304, 302, 303)])
        await device.told(set(range(1, 306)))
    assert await archived(owner) == list(range(1, 306))
    latest = "SELECT sequence_no FROM telemetry_latest"
    assert await owner.fetchval(latest) == 305, "the newest by time, not the last of the batch"


async def test_worker_overlapping_batches_of_two_connections_are_archived_once(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        for start in range(1, 401, 50):  # each number in four batches
            await device.buffered([reading(number) for number in range(start, start + 200)], [[start, start + 10]])
        await device.told(set(range(1, 551)))
        assert device.lost == set(), "what is archived is not lost, whoever says so"
    assert await archived(owner) == list(range(1, 551))
    found = await account(owner)
    assert (found["settled"], found["lost"], found["duplicate_count"]) == ([(1, 550)], [], 8 * 200 - 550)


def sized(number: int, size: int) -> bytes:
    """Return a batch of one reading that is *size* bytes long."""
    made: dict[str, Any] = {"client_id": "D1", "stream": str(STREAM), "readings": [reading(number)], "padding": ""}
    made["padding"] = "x" * (size - len(json.dumps(made)))
    return json.dumps(made).encode()


async def test_worker_message_at_the_limits_is_taken_and_above_is_recorded_once(
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.buffered([reading(number) for number in range(1, 1_001)])
        await device.publish("telemetry/D1/buffered", sized(1_001, MOST_BYTES))
        await device.told(set(range(1, 1_002)))
        await device.buffered([reading(number) for number in range(2_001, 3_002)], [[1_900, 2_000]])
        await device.publish("telemetry/D1/buffered", sized(1_002, MOST_BYTES + 1))
        await unharmed(device, 1_003)
        assert (device.rejected, device.lost) == ({}, set())
    rows = await owner.fetch("SELECT client_id, sequence_no, reason FROM telemetry_rejects ORDER BY id")
    assert [(row["client_id"], row["sequence_no"]) for row in rows] == [("D1", None)] * 2
    assert "1001 readings" in rows[0]["reason"]
    assert f"{MOST_BYTES + 1} bytes" in rows[1]["reason"]
    assert (await account(owner))["settled"] == [(1, 1_001), (1_003, 1_003)]


async def test_worker_batch_of_nothing_but_losses_is_answered_and_a_late_copy_leaves_lost(
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.live(3)
        await device.told({3})
        await device.buffered([], [[1, 5], [4, 9], [20, 20]])
        await unharmed(device, 30)
        assert device.lost == {1, 2, 4, 5, 6, 7, 8, 9, 20}
        await device.buffered([reading(7), bad(8)])
        await device.told({7})
        assert list(device.rejected) == [8]
    found = await account(owner)
    assert found["lost"] == [(1, 2), (4, 6), (9, 9), (20, 20)]
    assert (found["rejected"], found["archived_count"]) == ([(8, 8)], 3)


@pytest.mark.parametrize("lost", [[[5, 1]], [[0, 3]], [["1", "2"]], "all", [[1, 2, 3]]])
async def test_worker_declaration_that_cannot_be_read_is_recorded_and_costs_no_reading(
    bench: IngestBench, owner: Conn, lost: Any
) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.buffered([reading(10)], lost)
        await device.told({10})
        assert device.lost == set()
    assert await owner.fetchval("SELECT count(*) FROM telemetry_rejects WHERE sequence_no IS NULL") == 1
    assert (await account(owner))["settled"] == [(10, 10)]


async def test_worker_empty_batch_and_foreign_stream_disturb_nobody(bench: IngestBench, owner: Conn) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.buffered([])
        other = {"client_id": "D1", "stream": str(UUID(int=7)), "readings": [reading(1)], "lost": []}
        await device.publish("telemetry/D1/buffered", other)
        await unharmed(device, 2)
    streams = await owner.fetch("SELECT stream, settled::text FROM telemetry_ledger ORDER BY stream")
    assert [tuple(row) for row in streams] == [(UUID(int=7), "{[1,2)}"), (STREAM, "{[2,3)}")]

"""What fails alone and what exceeds the memory bound, with the worker, the broker and PostgreSQL as they are."""

import json
from pathlib import Path
from typing import TypeAlias

import asyncpg
import httpx

from support.ingest import STREAM, account, archived, reading
from support.ingest_bench import IngestBench
from support.waiting import eventually

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
# A failure that is no data's: SQLSTATE P0001 for one number, whatever batch it is in.
POISON = """
CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'poison'; END $$;
CREATE TRIGGER poison BEFORE INSERT ON telemetry_data_default FOR EACH ROW WHEN (NEW.sequence_no = 13)
EXECUTE FUNCTION poison()
"""
BATCH_BYTES = 200_000
BOUND_BYTES = 64 * 1024 * 1024


async def metric(bench: IngestBench, name: str) -> float:
    key = (bench.home / "services" / "ingest" / "metrics-key").read_text().strip()
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as client:
        text = (await client.get(f"http://127.0.0.1:{bench.metrics_port}/metrics")).text
    return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name} "))


async def shows_some(bench: IngestBench, name: str) -> bool:
    return await metric(bench, name) >= 1


async def holds_nothing(bench: IngestBench) -> bool:
    return await metric(bench, "pulse_ingest_held_bytes") == 0


async def test_poison_reading_is_left_unanswered_alone_and_its_neighbours_are_archived_case_12(
    bench: IngestBench, owner: Conn
) -> None:
    await owner.execute(POISON)
    await bench.start()
    async with bench.device() as device:
        # Of a day long ago, so that the readings go to the DEFAULT partition, where the poison waits.
        old = "2001-02-03T04:05:06.000Z"
        await device.buffered([reading(number, timestamp=old) for number in range(1, 41)])
        good = set(range(1, 41)) - {13}
        await device.told(good, within_s=60)
        left = "pulse_ingest_left_unanswered_total"
        await eventually(lambda: shows_some(bench, left), 30, what="the poison is counted", every_s=0.05)
        assert device.archived == good
        assert (device.rejected, device.lost) == ({}, set())
        await owner.execute("DROP TRIGGER poison ON telemetry_data_default")
        await device.buffered([reading(13, timestamp=old)])
        await device.told({13})
    assert await archived(owner) == list(range(1, 41))
    assert await owner.fetchval("SELECT count(*) FROM telemetry_rejects") == 0
    assert "archivist.reading_left" in bench.worker.log.read_text()
    assert (await account(owner))["archived_count"] == 40


async def test_memory_stays_bounded_while_the_archive_is_away_and_what_exceeds_is_dropped_and_counted_L7(  # noqa: N802
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    async with bench.device() as device:
        await device.live(1)
        await device.told({1})
        before = resident_bytes(bench)
        await bench.gate.shut()
        # Full batches first: one in the transaction that fails, one that waits for it, one at the decoder's door.
        for start in (1_001, 2_001, 3_001):
            await device.buffered([reading(number) for number in range(start, start + 1_000)])
        for number in range(10_000, 10_000 + 2 * BOUND_BYTES // BATCH_BYTES):
            await device.publish("telemetry/D1/buffered", large_batch(number))
        dropped = "pulse_ingest_dropped_total"
        await eventually(lambda: shows_some(bench, dropped), 30, what="some is dropped", every_s=0.05)
        assert await metric(bench, "pulse_ingest_held_bytes") <= BOUND_BYTES
        assert resident_bytes(bench) - before < 2 * BOUND_BYTES
        await bench.gate.open()
        await eventually(lambda: holds_nothing(bench), 30, what="all that was held is stored", every_s=0.05)
        await device.live(99_999)
        await device.told({1_001, 4_000, 10_000, 99_999})
        assert device.archived == set(await archived(owner))


def large_batch(number: int) -> bytes:
    """Return a batch of one reading that is as long as many; what makes it long is a field that nobody knows."""
    made = {"client_id": "D1", "stream": str(STREAM), "readings": [reading(number)], "lost": [], "padding": ""}
    made["padding"] = "x" * (BATCH_BYTES - len(json.dumps(made)))
    return json.dumps(made).encode()


def resident_bytes(bench: IngestBench) -> int:
    """Return the worker's memory as Linux sees it."""
    assert bench.worker.process is not None
    status = Path(f"/proc/{bench.worker.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) * 1024

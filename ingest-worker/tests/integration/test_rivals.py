"""Two workers with one PULSE_INSTANCE, as processes on a real broker and a real PostgreSQL."""

import asyncio
from typing import TypeAlias

import asyncpg

from pulse_ingest.writer import Database, Target
from support.database import Database as ClonedDatabase
from support.ingest import archived
from support.ingest_bench import IngestBench
from support.processes import Program, free_ports, program
from support.waiting import eventually

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def rival_of(bench: IngestBench) -> Program:
    """Return a second worker with the name of the first, not started yet."""
    (metrics_port,) = free_ports(1)
    variables = {**bench.variables, "PULSE_METRICS_PORT": str(metrics_port)}
    return Program("rival", [program("pulse-ingest")], variables, bench.home / "rival.log")


async def test_worker_started_twice_gives_way_with_one_sentence_and_the_first_goes_on_case_40(
    bench: IngestBench, owner: Conn
) -> None:
    await bench.start()
    rival = rival_of(bench).start()
    try:
        await eventually(lambda: not rival.running, 45, what="the second worker ends")
    finally:
        code = await asyncio.to_thread(rival.stop)
    assert code == 2
    sentence = rival.tail(1)
    assert sentence.startswith("pulse-ingest: Another worker with the same PULSE_INSTANCE"), sentence
    assert bench.worker.running
    await bench.worker_says("database", "ok")
    async with bench.device() as device:
        await device.live(1)
        await device.told({1})
    assert await archived(owner) == [1]


async def test_worker_follows_a_killed_one_of_its_name(bench: IngestBench) -> None:
    first = await bench.start()
    bench.worker.kill9()
    bench.worker.start()
    await bench.worker_says("database", "ok", unlike=first)
    assert "PULSE_INSTANCE" not in bench.worker.tail(100)


async def test_claim_instance_is_held_by_one_and_free_when_it_ends(database: ClonedDatabase) -> None:
    first, second = (Database(Target({"dsn": database.dsn("ingest")})) for _ in range(2))
    assert [await first.claim_instance("1"), await first.claim_instance("1")] == [True, True]
    assert await second.claim_instance("1") is False
    assert await second.claim_instance("2") is True, "another name is free"
    await first.close()
    await eventually(lambda: second.claim_instance("1"), what="the name is free when its holder has closed")
    await second.close()

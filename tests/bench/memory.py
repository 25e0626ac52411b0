"""
The worker's memory at full load: as many live readings as it archives, for ``MEMORY_SECONDS`` (default 60).

The publisher stays a bounded number of readings ahead of the receipts, so that the broker's queue does not grow. The
archive's rows are thrown away every now and then, for the disk's sake; the ledger stays.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time

import asyncpg
import psutil

from bench.children import child
from bench.figures import Limit
from bench.load import Load, pour_ahead
from bench.plant import Plant, mosquitto_plant
from bench.receipts import receipts_at

SECONDS = float(os.environ.get("MEMORY_SECONDS") or 60)
WARM_S, EVERY_S, EMPTIED_EVERY_S = 5.0, 0.5, 60.0
MOST_MB, MOST_GROWTH_PCT = 200.0, 10.0
RUN = "full"


def measure() -> list[Limit]:
    """Return the most memory that the worker took, and how much more in the last quarter than in the second."""
    with mosquitto_plant() as plant, receipts_at(plant.plain_port) as receipts:
        assert plant["ingest"].process is not None
        worker = psutil.Process(plant["ingest"].process.pid)
        with child(pour_ahead, plant.plain_port, Load(RUN, 10**9)) as publisher:
            publisher.tell(0)
            sizes: list[float] = []
            began, emptied = time.monotonic(), time.monotonic()
            while (now := time.monotonic()) < began + WARM_S + SECONDS:
                publisher.tell(receipts.archived(RUN))
                if now > began + WARM_S + len(sizes) * EVERY_S:
                    sizes.append(worker.memory_info().rss / 1e6)
                if now > emptied + EMPTIED_EVERY_S:
                    emptied = now
                    asyncio.run(_empty(plant))
                time.sleep(0.02)
            archived = receipts.archived(RUN)
    told = (
        f"first {sizes[0]:.0f}, median {statistics.median(sizes):.0f}, last {sizes[-1]:.0f}, most {max(sizes):.0f} MB"
        f" over {SECONDS:.0f} s; {archived:,} readings archived, {archived / (SECONDS + WARM_S):,.0f}/s"
    )
    quarter = max(1, len(sizes) // 4)
    grown = statistics.median(sizes[-quarter:]) / statistics.median(sizes[quarter : 2 * quarter]) - 1
    return [
        Limit("worker memory at full load", max(sizes), "MB", MOST_MB, told),
        Limit("worker memory, last quarter over the second", 100 * grown, "%", MOST_GROWTH_PCT),
    ]


async def _empty(plant: Plant) -> None:
    folder = plant.home / "postgres"
    password = (folder / "auth-password").read_text().strip()
    conn = await asyncpg.connect(host=str(folder), user="pulse_auth", database="pulse", password=password)
    await conn.execute("TRUNCATE telemetry_data")
    await conn.close()

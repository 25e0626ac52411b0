"""
A backlog from a real device's outbox to the last receipt in that outbox, through mosquitto.

The reference is a plain COPY of the same rows, made beforehand, into the same table, 1,000 readings in a transaction.
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg

from bench.archive import COLUMNS
from bench.desktops import SPACING, add_backlog, enrolled, metrics_of, outbox_of
from bench.figures import Figure, Limit, paired
from bench.plant import Plant, mosquitto_plant
from bench.receipts import Receipts, receipts_at
from faults.outbox_file import held
from support.waiting import until

READINGS, ROUNDS = 100_000, 3
IN_TRANSACTION = 1_000
MOST_S = 15.0
WITHIN_S = 120.0


def measure() -> list[Figure | Limit]:
    """Return readings per second against the COPY, and how long 100,000 of them take."""
    with mosquitto_plant() as plant, receipts_at(plant.plain_port) as receipts:
        _end_of_preparation(plant)
        numbers = itertools.count()
        rates, copied = [], []
        for _ in range(ROUNDS):
            copied.append(asyncio.run(_copy(plant)))
            rates.append(_flush(plant, receipts, f"flush-{next(numbers)}"))
    seconds = READINGS / statistics.median(rates)
    return [
        paired("flush, outbox to receipt", rates, "plain COPY", copied, bar=0.5),
        Limit(f"flush of {READINGS:,} readings", seconds, "s", MOST_S),
    ]


def _flush(plant: Plant, receipts: Receipts, client_id: str) -> float:
    device = enrolled(plant, client_id, interval_s=3_600)
    file = outbox_of(plant, client_id)
    add_backlog(file, READINGS)
    device.start()
    started = receipts.wait_beat(client_id, within_s=30)
    receipts.wait(client_id, READINGS, within_s=WITHIN_S)
    until(lambda: held(file) == 0, within_s=10, what="the outbox knows it", every_s=0.02)
    took_s = time.monotonic() - started
    device.stop()
    return READINGS / took_s


def _end_of_preparation(plant: Plant) -> None:
    """Make yesterday's partition too: what is flushed may reach back over midnight."""
    asyncio.run(_make_partitions(plant))


async def _connected(plant: Plant) -> asyncpg.Connection[asyncpg.Record]:
    folder = plant.home / "postgres"
    password = (folder / "auth-password").read_text().strip()
    return await asyncpg.connect(host=str(folder), user="pulse_auth", database="pulse", password=password)


async def _make_partitions(plant: Plant) -> None:
    conn = await _connected(plant)
    for day in {datetime.now(UTC).date(), (datetime.now(UTC) - SPACING * READINGS).date()}:
        await conn.execute("SELECT telemetry_make_partition($1)", day)
    await conn.close()


async def _copy(plant: Plant) -> float:
    conn = await _connected(plant)
    batches = [list(_rows(first)) for first in range(1, READINGS + 1, IN_TRANSACTION)]
    started = time.perf_counter()
    for rows in batches:
        async with conn.transaction():
            await conn.copy_records_to_table("telemetry_data", records=rows, columns=COLUMNS)
    took_s = time.perf_counter() - started
    await conn.close()
    return READINGS / took_s


def _rows(first: int) -> Iterator[tuple[object, ...]]:
    stream, now = uuid.uuid4(), datetime.now(UTC)
    start = now - SPACING * READINGS
    for number in range(first, first + IN_TRANSACTION):
        for key, value in metrics_of(number).items():
            kinds = (
                value if isinstance(value, float) else None,
                value if type(value) is int else None,
                value if isinstance(value, bool) else None,
            )
            yield ("copied", stream, number, key, *kinds, start + SPACING * number, now)

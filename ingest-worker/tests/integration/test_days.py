"""Readings of any time, late, absurd or of no day that has a partition, with the worker as a process."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import asyncpg

from pulse_acl.payloads import format_time
from support.ingest import archived, reading
from support.ingest_bench import IngestBench

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
DEFAULT = "telemetry_data_default"


def partition_of(moment: datetime) -> str:
    return f"telemetry_data_y{moment:%Y}m{moment:%m}d{moment:%d}"


async def test_worker_late_and_absurd_times_are_archived_where_they_belong_case_23(
    bench: IngestBench, owner: Conn
) -> None:
    now = datetime.now(UTC)
    late, old = now - timedelta(days=40), now - timedelta(days=1_000)
    claimed = {
        1: format_time(late),  # a day that has no partition yet
        2: format_time(old),  # older than any partition is made for
        3: "1970-01-01T00:00:05.000Z",
        4: "1999-12-31T23:59:59.999Z",
        5: format_time(now + timedelta(hours=30)),
        6: format_time(now + timedelta(hours=20)),  # a clock that is fast by less than a day is believed
        7: "9999-12-31T23:59:59.999Z",
    }
    await bench.start()
    async with bench.device() as device:
        await device.buffered([reading(number, timestamp=text) for number, text in claimed.items()])
        await device.told(set(claimed))
        assert device.rejected == {}
    assert await archived(owner) == sorted(claimed)
    rows = await owner.fetch("SELECT *, tableoid::regclass::text AS place FROM telemetry_data")
    found = {row["sequence_no"]: row for row in rows}
    assert found[1]["place"] == partition_of(late)
    assert found[2]["place"] == DEFAULT
    for number in (1, 2, 6):
        assert format_time(found[number]["recorded_at"]) == claimed[number]
        assert found[number]["claimed_at"] is None
    for number in (3, 4, 5, 7):
        assert found[number]["recorded_at"] == found[number]["received_at"]
        assert format_time(found[number]["claimed_at"]) == claimed[number], "what it said is kept, and flags it"
        assert found[number]["place"] == partition_of(found[number]["received_at"])


async def test_worker_tile_shows_the_newest_by_time_whatever_comes_later_case_14(
    bench: IngestBench, owner: Conn
) -> None:
    now = datetime.now(UTC)
    await bench.start()
    async with bench.device() as device:
        await device.live(500, timestamp=format_time(now))
        await device.told({500})
        backlog = [reading(n, timestamp=format_time(now - timedelta(seconds=500 - n))) for n in range(1, 500)]
        await device.buffered(backlog)
        await device.told(set(range(1, 501)))
    assert await owner.fetchval("SELECT sequence_no FROM telemetry_latest") == 500

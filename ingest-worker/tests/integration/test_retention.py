"""Dropping old telemetry on a real PostgreSQL: by the time of its coming, and never as if it had been missing."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

import asyncpg
import pytest
from structlog.testing import capture_logs

from pulse_ingest import retention as module
from pulse_ingest.clock import SystemClock
from pulse_ingest.measures import Measures
from pulse_ingest.retention import Retention
from pulse_ingest.writer import Database, Target
from support.ingest import NEXT_STREAM, RECEIVED, account, archived, bad, message, numbered, time_of

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
DAYS = 30


def retention(writer: Database) -> Retention:
    return Retention(writer, DAYS, Measures(), SystemClock())


async def partitions(owner: Conn) -> list[str]:
    rows = await owner.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'telemetry_data'::regclass"
    )
    return sorted(row[0] for row in rows)


async def test_drop_old_days_are_dropped_by_when_their_newest_reading_came(writer: Database, owner: Conn) -> None:
    day, next_day = time_of(1).date(), date(2026, 2, 8)
    await writer.make_partitions([day, next_day, datetime.now(UTC).date()])
    await writer.write_batch([numbered([1, 2, 3])], RECEIVED)
    late = numbered([90_000], received_at=datetime.now(UTC))  # of the next day, and it came only now
    await writer.write_batch([late], RECEIVED)
    await retention(writer).drop_old()
    names = await partitions(owner)
    assert "telemetry_data_y2026m02d07" not in names
    assert "telemetry_data_y2026m02d08" in names
    assert await archived(owner) == [90_000]


async def test_drop_old_what_is_dropped_stays_settled_and_is_no_second_time_archived(
    writer: Database, owner: Conn
) -> None:
    await writer.make_partitions([time_of(1).date()])
    await writer.write_batch([numbered([1, 2, 3])], RECEIVED)
    await retention(writer).drop_old()
    assert await archived(owner) == []
    written = await writer.write_batch([numbered([2, 3])], RECEIVED)
    assert (written.archived, written.duplicates) == (0, 2)
    assert written.answers[0].fates.archived == [(2, 3)]
    found = await account(owner)
    assert (found["settled"], found["archived_count"]) == ([(1, 3)], 3)


async def test_drop_old_default_partition_loses_what_came_long_ago_alone(writer: Database, owner: Conn) -> None:
    await writer.write_batch([numbered([1, 2])], RECEIVED)
    await writer.write_batch([numbered([3], stream=NEXT_STREAM, received_at=datetime.now(UTC))], RECEIVED)
    await retention(writer).drop_old()
    assert await archived(owner) == [3]
    assert await owner.fetchval("SELECT count(*) FROM telemetry_data_default") == 1


async def test_drop_old_records_of_rejects_go_in_parts_and_their_numbers_stay_rejected(
    writer: Database, owner: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 2)
    await writer.write_batch([message([bad(1), bad(2), bad(3), bad(4), bad(5)])], RECEIVED)
    await writer.write_batch([message([bad(6)], received_at=datetime.now(UTC))], RECEIVED)
    kept = retention(writer)
    with capture_logs() as logs:
        await kept.drop_old()
    assert [entry["rows"] for entry in logs if entry["event"] == "retention.rejects_deleted"] == [2, 2, 1]
    assert await owner.fetch("SELECT sequence_no FROM telemetry_rejects") == [(6,)]
    assert (await account(owner))["rejected"] == [(1, 6)]
    (answer,) = (await writer.write_batch([message([bad(1)])], RECEIVED)).answers
    assert answer.reasons == {1: "rejected earlier"}
    (answer,) = (await writer.write_batch([numbered([2])], RECEIVED)).answers
    assert answer.fates.archived == [(2, 2)], "a valid copy is archived all the same"


async def test_drop_old_two_workers_at_once_neither_fail_nor_wait_for_ever(
    writer: Database, other_writer: Database, owner: Conn
) -> None:
    await writer.make_partitions([time_of(1).date() + timedelta(days=n) for n in range(5)])
    with capture_logs() as logs:
        await asyncio.gather(retention(writer).drop_old(), retention(other_writer).drop_old())
    assert await partitions(owner) == ["telemetry_data_default"]
    assert "retention.day_put_off" not in {entry["event"] for entry in logs}


async def test_drop_old_day_in_use_is_put_off_and_dropped_later(target: Target, writer: Database, owner: Conn) -> None:
    await writer.make_partitions([time_of(1).date()])
    patient = Database(target, lock_timeout_s=0.1)
    reader = owner.transaction()
    await reader.start()
    await owner.execute("SELECT * FROM telemetry_data_y2026m02d07")
    with capture_logs() as logs:
        await retention(patient).drop_old()
    await reader.rollback()
    assert [entry["event"] for entry in logs if entry["event"].startswith("retention.")] == ["retention.day_put_off"]
    await retention(patient).drop_old()
    await patient.close()
    assert await partitions(owner) == ["telemetry_data_default"]

"""The transaction of a batch on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest

from pulse_ingest.errors import StorageUnavailable, TookTooLong, UnfitData, WriteFailed
from pulse_ingest.ledger import Account
from pulse_ingest.messages import Decoded, Sample
from pulse_ingest.presence import SideBatch
from pulse_ingest.sql import QUERIES
from pulse_ingest.writer import Database, Target
from support.database import LOCK_WAITERS
from support.database import Database as ClonedDatabase
from support.ingest import NEXT_STREAM, RECEIVED, STREAM, account, archived, bad, message, numbered, reading, time_of
from support.waiting import eventually

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
NOW = RECEIVED + timedelta(seconds=1)


async def test_write_batch_new_readings_are_archived_with_every_type_case_41(writer: Database, owner: Conn) -> None:
    metrics = {"i": 2**63 - 1, "n": -(2**63), "d": 72.0, "b": False, "t": True, "a/b-c._": 1.5e300}
    written = await writer.write_batch([message([reading(1, metrics)])], NOW)
    rows = await owner.fetch("SELECT * FROM telemetry_data ORDER BY metric_key")
    values = {r["metric_key"]: (r["metric_value"], r["metric_long"], r["metric_bool"]) for r in rows}
    assert values == {
        "i": (None, 2**63 - 1, None),
        "n": (None, -(2**63), None),
        "d": (72.0, None, None),
        "b": (None, None, False),
        "t": (None, None, True),
        "a/b-c._": (1.5e300, None, None),
    }
    assert {(r["client_id"], r["stream"], r["sequence_no"], r["recorded_at"], r["received_at"]) for r in rows} == {
        ("D1", STREAM, 1, time_of(1), RECEIVED)
    }
    assert (written.archived, written.duplicates, written.rejected) == (1, 0, 0)


async def test_write_batch_again_and_overlapping_stores_each_number_once(writer: Database, owner: Conn) -> None:
    await writer.write_batch([numbered([1, 2, 3])], NOW)
    written = await writer.write_batch([numbered([3, 2]), numbered([4, 3, 6])], NOW)
    assert await archived(owner) == [1, 2, 3, 4, 6]
    assert (written.archived, written.duplicates) == (2, 3)
    found = await account(owner)
    assert found == {
        "settled": [(1, 4), (6, 6)],
        "rejected": [],
        "lost": [],
        "produced": 6,
        "archived_count": 5,
        "duplicate_count": 3,
    }


async def test_write_batch_repeated_number_in_one_batch_keeps_the_first_copy(writer: Database, owner: Conn) -> None:
    await writer.write_batch([message([reading(1, {"a": 10}), reading(1, {"a": 20})])], NOW)
    assert [row[0] for row in await owner.fetch("SELECT metric_long FROM telemetry_data")] == [10]
    assert (await account(owner))["duplicate_count"] == 1


async def test_write_batch_bad_reading_is_rejected_alone_with_its_reason_case_12(writer: Database, owner: Conn) -> None:
    written = await writer.write_batch([message([reading(1), bad(2), reading(3)])], NOW)
    assert await archived(owner) == [1, 3]
    row = await owner.fetchrow("SELECT * FROM telemetry_rejects")
    assert row is not None
    assert (row["client_id"], row["stream"], row["sequence_no"]) == ("D1", STREAM, 2)
    assert row["topic"] == "telemetry/D1/buffered"
    assert row["reason"]
    assert "no number" in row["excerpt"]
    (answer,) = written.answers
    assert answer.fates.archived == [(1, 1), (3, 3)]
    assert answer.reasons == {2: row["reason"]}
    assert (await account(owner))["rejected"] == [(2, 2)]


async def test_write_batch_valid_copy_of_rejected_number_supersedes(writer: Database, owner: Conn) -> None:
    await writer.write_batch([message([bad(2), bad(3)])], NOW)
    written = await writer.write_batch([numbered([2])], NOW)
    assert await archived(owner) == [2]
    rows = await owner.fetch("SELECT sequence_no, superseded_at FROM telemetry_rejects ORDER BY 1")
    assert [tuple(row) for row in rows] == [(2, NOW), (3, None)]
    assert (await account(owner)) | {"produced": 0} == {
        "settled": [(2, 3)],
        "rejected": [(3, 3)],
        "lost": [],
        "produced": 0,
        "archived_count": 1,
        "duplicate_count": 0,
    }
    assert written.answers[0].fates == Account(settled=[(2, 2)])


async def test_write_batch_valid_copy_of_lost_number_leaves_lost(writer: Database, owner: Conn) -> None:
    first = await writer.write_batch([message(lost=[(1, 5)])], NOW)
    assert first.answers[0].fates == Account(settled=[(1, 5)], lost=[(1, 5)])
    await writer.write_batch([numbered([2]), message([bad(3)])], NOW)
    found = await account(owner)
    assert (found["lost"], found["rejected"], found["settled"]) == ([(1, 1), (4, 5)], [(3, 3)], [(1, 5)])
    assert await archived(owner) == [2]


async def test_write_batch_duplicates_are_answered_with_their_true_fate(writer: Database) -> None:
    await writer.write_batch([message([reading(1), bad(2)], lost=[(3, 4)])], NOW)
    # The same numbers come again, each with another story.
    written = await writer.write_batch([message([bad(1), bad(2)], lost=[(1, 5)])], NOW)
    (answer,) = written.answers
    assert answer.fates.archived == [(1, 1)]
    assert list(answer.reasons) == [2]
    assert answer.fates.lost == [(3, 5)]
    assert written.duplicates == 2


async def test_write_batch_message_faults_are_recorded_and_settle_nothing(writer: Database, owner: Conn) -> None:
    foreign = message([reading(1)])
    foreign.client_id, foreign.stream = None, None
    fault = message([{"sequence_no": "x"}])
    written = await writer.write_batch([fault], NOW)
    assert written.answers == []
    assert await owner.fetchval("SELECT count(*) FROM telemetry_ledger") == 0
    row = await owner.fetchrow("SELECT client_id, stream, sequence_no, reason FROM telemetry_rejects")
    assert row is not None
    assert (row[0], row[1], row[2]) == ("D1", STREAM, None)


async def test_write_batch_absurd_time_is_archived_with_the_claimed_one_case_23(writer: Database, owner: Conn) -> None:
    await writer.write_batch([message([reading(1, timestamp="1970-01-01T00:00:05Z")])], NOW)
    row = await owner.fetchrow("SELECT recorded_at, claimed_at FROM telemetry_data")
    assert row is not None
    assert tuple(row) == (RECEIVED, datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC))


async def test_write_batch_replayed_readings_never_move_latest_back_L5_case_14(writer: Database, owner: Conn) -> None:  # noqa: N802
    await writer.write_batch([numbered([50])], NOW)
    await writer.write_batch([numbered(range(1, 50))], NOW)
    latest = "SELECT metric_long, sequence_no, recorded_at FROM telemetry_latest"
    assert [tuple(row) for row in await owner.fetch(latest)] == [(50, 50, time_of(50))]
    await writer.write_batch([numbered([51])], NOW)
    assert [row["sequence_no"] for row in await owner.fetch(latest)] == [51]


async def test_write_batch_two_readings_of_one_moment_are_both_kept_case_13(writer: Database, owner: Conn) -> None:
    moment = "2026-02-07T10:00:00.000Z"
    await writer.write_batch([message([reading(1, timestamp=moment), reading(2, timestamp=moment)])], NOW)
    await writer.write_batch([message([reading(1, timestamp=moment)], stream=NEXT_STREAM)], NOW)
    rows = await owner.fetch("SELECT stream, sequence_no, recorded_at FROM telemetry_data ORDER BY 1, 2")
    assert [row[:2] for row in rows] == [(STREAM, 1), (STREAM, 2), (NEXT_STREAM, 1)]
    assert len({row["recorded_at"] for row in rows}) == 1
    assert await owner.fetchval("SELECT samples FROM telemetry_minute") == 3


async def test_write_batch_latest_changes_type_with_the_value_case_41(writer: Database, owner: Conn) -> None:
    for number, value in ((1, 7), (2, 7.5), (3, True)):
        await writer.write_batch([message([reading(number, {"a": value})])], NOW)
    row = await owner.fetchrow("SELECT metric_value, metric_long, metric_bool FROM telemetry_latest")
    assert row is not None
    assert tuple(row) == (None, None, True)


async def test_write_batch_minutes_add_up_and_duplicates_add_nothing(writer: Database, owner: Conn) -> None:
    await writer.write_batch([numbered([1, 2, 61])], NOW)
    await writer.write_batch([numbered([2, 3])], NOW)
    rows = await owner.fetch("SELECT samples, least, greatest, total FROM telemetry_minute ORDER BY minute")
    assert [tuple(row) for row in rows] == [(3, 1.0, 3.0, 6.0), (1, 61.0, 61.0, 61.0)]


async def test_write_batch_largest_doubles_do_not_fail_the_rollup(writer: Database, owner: Conn) -> None:
    largest = 1.7976931348623157e308
    for numbers in ((1, 2), (3, 4)):
        await writer.write_batch([message([reading(n, {"a": largest, "b": -largest}) for n in numbers])], NOW)
    rows = await owner.fetch("SELECT samples, total FROM telemetry_minute ORDER BY metric_key")
    assert [tuple(row) for row in rows] == [(4, largest), (4, -largest)]


async def test_write_batch_highest_number_and_all_numbers_lost_fit(writer: Database, owner: Conn) -> None:
    last = 2**63 - 2
    written = await writer.write_batch([message([reading(last, timestamp="2026-02-07T10:00:00Z")], [(1, last)])], NOW)
    assert written.answers[0].fates.archived == [(last, last)]
    assert (await account(owner))["lost"] == [(1, last - 1)]


async def test_write_batch_commit_is_synchronous_whatever_the_server_says(target: Target) -> None:
    conn = await asyncpg.connect(**target.arguments)
    assert await conn.fetchval("SHOW synchronous_commit") == "off"
    await conn.close()
    writer = Database(target)
    async with writer._errors() as own:
        assert await own.fetchval("SHOW synchronous_commit") == "on"
    await writer.close()


async def test_write_batch_failing_in_the_middle_stores_nothing(writer: Database, owner: Conn) -> None:
    await _refuse_metric(owner, "P0001")
    with pytest.raises(WriteFailed, match="refused"):
        await writer.write_batch([numbered([1]), message([reading(2, {"bad": 1})])], NOW)
    assert await archived(owner) == []
    assert await owner.fetchval("SELECT count(*) FROM telemetry_ledger") == 0
    assert await owner.fetchval("SELECT count(*) FROM telemetry_latest") == 0


@pytest.mark.parametrize(
    ("sqlstate", "expected"),
    [
        ("22003", UnfitData),
        ("22P05", UnfitData),
        ("40P01", WriteFailed),
        ("40001", WriteFailed),
        ("23514", WriteFailed),
        ("XX000", WriteFailed),
        ("53100", StorageUnavailable),
        ("53200", TookTooLong),
        ("57014", TookTooLong),
        ("57P01", StorageUnavailable),
        ("42P01", StorageUnavailable),
        ("25006", StorageUnavailable),
    ],
)
async def test_write_batch_sqlstate_decides_the_error(
    writer: Database, owner: Conn, sqlstate: str, expected: type[Exception]
) -> None:
    await _refuse_metric(owner, sqlstate)
    with pytest.raises(expected) as found:
        await writer.write_batch([message([reading(1, {"bad": 1})])], NOW)
    assert type(found.value) is expected


async def test_write_batch_text_that_is_no_unicode_is_unfit_data(writer: Database) -> None:
    broken = numbered([1])
    broken.samples = [Sample(1, time_of(1), None, {"\ud800": 1})]
    with pytest.raises(UnfitData):
        await writer.write_batch([broken], NOW)
    await writer.write_batch([numbered([1])], NOW)


async def test_write_batch_connection_cut_in_the_middle_is_unavailable_and_comes_back(
    writer: Database, owner: Conn
) -> None:
    await writer.write_batch([numbered([1])], NOW)
    await owner.execute(
        """
        CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
        CREATE TRIGGER cut BEFORE INSERT ON telemetry_data FOR EACH ROW EXECUTE FUNCTION cut();
        """
    )
    with pytest.raises(StorageUnavailable):
        await writer.write_batch([numbered([2])], NOW)
    await owner.execute("DROP TRIGGER cut ON telemetry_data")
    await writer.write_batch([numbered([2])], NOW)
    assert await archived(owner) == [1, 2]


async def test_write_batch_statement_that_takes_too_long_is_told_apart_from_a_server_that_is_away(
    writer: Database, target: Target, owner: Conn
) -> None:
    await writer.write_batch([numbered([1])], NOW)
    hasty = Database(target, timeout_s=1)
    async with owner.transaction():
        await owner.execute("SELECT FROM telemetry_ledger FOR UPDATE")
        with pytest.raises(TookTooLong):
            await hasty.write_batch([numbered([2])], NOW)
        assert await hasty.probe()
    await hasty.close()
    await writer.write_batch([numbered([2])], NOW)
    assert await archived(owner) == [1, 2]


async def test_probe_server_that_only_reads_is_away(database: ClonedDatabase) -> None:
    reading_only = Database(Target({"dsn": f"{database.dsn('ingest')}&default_transaction_read_only=on"}))
    assert await reading_only.probe() is False
    await reading_only.close()


async def test_write_batch_no_server_is_unavailable(tmp_path: Any) -> None:
    writer = Database(Target({"host": str(tmp_path), "user": "pulse_ingest", "database": "pulse"}))
    with pytest.raises(StorageUnavailable) as away:
        await writer.write_batch([numbered([1])], NOW)
    assert type(away.value) is StorageUnavailable
    assert await writer.probe() is False
    missing = Database(Target({"host": str(tmp_path)}, tmp_path / "no-password-yet"))
    with pytest.raises(StorageUnavailable):
        await missing.durability()
    (tmp_path / "password").write_bytes(b"\xff")
    broken = Database(Target({"host": str(tmp_path)}, tmp_path / "password"))
    with pytest.raises(StorageUnavailable):
        await broken.write_batch([numbered([1])], NOW)


async def test_write_batch_two_writers_on_the_same_streams_neither_deadlock_nor_double(
    writer: Database, other_writer: Database, owner: Conn
) -> None:
    def rounds(order: int) -> list[list[Decoded]]:
        keys = [(client, stream) for client in ("D1", "D2", "D3") for stream in (STREAM, NEXT_STREAM)][::order]
        return [
            [numbered(range(n, n + 10), client_id=client, stream=stream) for client, stream in keys]
            for n in range(1, 100, 5)
        ]

    async def work(one: Database, batches: list[list[Decoded]]) -> int:
        return sum([(await one.write_batch(batch, NOW)).archived for batch in batches])

    counts = await asyncio.gather(work(writer, rounds(1)), work(other_writer, rounds(-1)[::-1]))
    expected = sorted([*range(1, 106), *range(1, 106)])
    for client in ("D1", "D2", "D3"):
        assert await archived(owner, client) == expected
    assert sum(counts) == 3 * len(expected)
    assert await owner.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == 0


@pytest.fixture
async def batch(target: Target) -> AsyncIterator[Conn]:
    """A connection of the worker's on which a test takes the steps of a batch one by one."""
    conn = await asyncpg.connect(target.arguments["dsn"], server_settings={"lock_timeout": "2000"})
    yield conn
    await conn.close()


async def test_write_side_waiting_for_a_new_stream_of_a_batch_holds_no_lock_that_the_batch_needs(
    writer: Database, batch: Conn, owner: Conn
) -> None:
    """A device that begins a stream with an old one held: its heartbeat and its first batch name both."""
    await writer.write_batch([numbered([1])], NOW)
    names, both = ["D1", "D1"], [STREAM, NEXT_STREAM]
    transaction = batch.transaction()
    await transaction.start()
    await batch.execute(QUERIES["open_ledger_rows"], names, both, NOW)
    claims = {("D1", stream): (5, NOW) for stream in both}
    side = asyncio.create_task(writer.write_side(SideBatch(claims=claims)))
    await eventually(lambda: owner.fetchval(LOCK_WAITERS), what="the side waits for a lock")
    found = await batch.fetch(QUERIES["lock_ledger_rows"], names, both)
    await transaction.commit()
    await side
    assert len(found) == 2
    assert await owner.fetch("SELECT produced FROM telemetry_ledger ORDER BY stream") == [(5,), (5,)]


async def _odd_numbers(owner: Conn, below: int, *keys: tuple[str, UUID]) -> None:
    """Make ledger rows whose every second number is settled, as few ever are."""
    await owner.executemany(
        "INSERT INTO telemetry_ledger (client_id, stream, settled, first_seen_at, last_seen_at)"
        " SELECT $1, $2, range_agg(int8range(n, n, '[]')), now(), now() FROM generate_series(1, $3::bigint, 2) AS n",
        [(*key, below) for key in keys],
    )


async def test_write_batch_stream_with_too_many_gaps_is_one_fault_and_its_neighbours_are_archived_case_12(
    writer: Database, owner: Conn
) -> None:
    await _odd_numbers(owner, 1_000_000, ("D1", STREAM))
    settled = "SELECT settled::text FROM telemetry_ledger WHERE client_id = 'D1' AND stream = $1"
    before = await owner.fetchval(settled, STREAM)
    crowded = [numbered([2, 4]), message([bad(6)], [(8, 8)])]
    others = [numbered([1], stream=NEXT_STREAM), numbered([1], client_id="D2")]
    written = await writer.write_batch([*crowded, *others], NOW)
    assert (written.archived, written.rejected) == (2, 1)
    assert {(answer.client_id, answer.stream) for answer in written.answers} == {("D1", NEXT_STREAM), ("D2", STREAM)}
    assert await owner.fetchval(settled, STREAM) == before
    (row,) = await owner.fetch("SELECT client_id, stream, sequence_no, reason FROM telemetry_rejects")
    assert tuple(row)[:3] == ("D1", STREAM, None)
    assert row["reason"].startswith("too many gaps in the stream")
    alone = await writer.write_batch([numbered([2])], NOW)
    assert (alone.answers, alone.archived, alone.rejected) == ([], 0, 1)


async def test_write_batch_device_with_many_streams_of_gaps_takes_no_more_than_one_may(
    writer: Database, owner: Conn
) -> None:
    streams = [UUID(int=number) for number in range(1, 41)]
    await _odd_numbers(owner, 40_000, *(("D1", stream) for stream in streams))
    written = await writer.write_batch([numbered([2], stream=stream) for stream in streams], NOW)
    assert 1 <= written.archived < len(streams)
    assert len(written.answers) == written.archived == len(streams) - written.rejected
    for row in await owner.fetch("SELECT stream, reason FROM telemetry_rejects"):
        assert row["reason"].startswith("too many gaps in this device's streams at once")
        alone = await writer.write_batch([numbered([2], stream=row["stream"])], NOW)
        assert (alone.archived, alone.rejected) == (1, 0)


async def test_write_batch_as_many_gaps_as_a_large_outage_may_leave_are_settled(writer: Database, owner: Conn) -> None:
    await _odd_numbers(owner, 20_000, ("D1", STREAM))
    written = await writer.write_batch([numbered([2, 4]), message(lost=[(6, 6)])], NOW)
    assert (written.archived, written.rejected) == (2, 0)


async def test_make_partitions_missing_days_take_the_rows(writer: Database, owner: Conn) -> None:
    day = time_of(1).date()
    await writer.make_partitions([day, day])
    await writer.write_batch([numbered([1])], NOW)
    name = await owner.fetchval("SELECT tableoid::regclass::text FROM telemetry_data")
    assert name == "telemetry_data_y2026m02d07"


async def test_make_partitions_while_rows_of_the_day_come_in_waits_for_them_and_moves_all(
    writer: Database, other_writer: Database, owner: Conn
) -> None:
    await writer.write_batch([numbered([1])], NOW)
    under_way = owner.transaction()
    await under_way.start()
    await owner.execute("INSERT INTO telemetry_data SELECT * FROM telemetry_data")
    making = asyncio.create_task(other_writer.make_partitions([time_of(1).date()]))
    waiting = f"{LOCK_WAITERS} AND relation IS NOT NULL"
    await eventually(lambda: owner.fetchval(waiting), what="the partition waits for the rows")
    assert not making.done()
    await under_way.commit()
    await making
    places = await owner.fetch("SELECT tableoid::regclass::text FROM telemetry_data")
    assert [row[0] for row in places] == ["telemetry_data_y2026m02d07"] * 2


async def test_durability_fsync_off_is_seen(writer: Database) -> None:
    found = await writer.durability()
    assert (found.fsync, found.standbys, found.synchronous) == (False, 0, False)


async def _refuse_metric(owner: Conn, sqlstate: str) -> None:
    await owner.execute(
        f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.metric_key = 'bad' THEN RAISE EXCEPTION 'refused' USING ERRCODE = '{sqlstate}'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON telemetry_data FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )

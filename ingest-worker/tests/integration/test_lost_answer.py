"""A COMMIT that happens and is never answered, on a real PostgreSQL behind a socket that swallows the answer."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from pulse_ingest.errors import StorageUnavailable
from pulse_ingest.ledger import Account
from pulse_ingest.presence import AuditRow, SideBatch
from pulse_ingest.writer import Database, Target
from support.database import Database as ClonedDatabase
from support.ingest import RECEIVED, account, archived, bad, message, numbered, reading
from support.lost_answers import Swallower

Conn: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
NOW = RECEIVED + timedelta(seconds=1)
AUDIT = AuditRow(NOW, "user:a", "command.published", "D1", "{}")


@pytest.fixture
async def swallower(database: ClonedDatabase) -> AsyncIterator[Swallower]:
    with tempfile.TemporaryDirectory(prefix="pulse-swallow-") as folder:
        made = Swallower(Path(folder), database.layout.folder)
        server = await made.serve()
        yield made
        await made.close(server)


@pytest.fixture
async def unlucky(database: ClonedDatabase, swallower: Swallower) -> AsyncIterator[Database]:
    address, _ = database.dsn("ingest").split("?")
    made = Database(Target({"dsn": address, "host": str(swallower.folder)}))
    yield made
    await made.close()


async def _unanswered(swallower: Swallower, store: Callable[[], Awaitable[object]]) -> None:
    before = swallower.swallowed
    swallower.armed = True
    with pytest.raises(StorageUnavailable):
        await store()
    assert swallower.swallowed == before + 1


async def test_write_batch_tried_again_after_a_lost_answer_counts_no_duplicates_case_6(
    unlucky: Database, swallower: Swallower, owner: Conn
) -> None:
    await unlucky.write_batch([numbered([1])], NOW)
    fault = message([{"sequence_no": "x"}])
    batch = [message([reading(1), reading(2), bad(3)], [(5, 6)]), fault]
    await _unanswered(swallower, lambda: unlucky.write_batch(batch, NOW))
    assert await archived(owner) == [1, 2], "it was committed all the same"
    written = await unlucky.write_batch(batch, NOW)
    assert (written.archived, written.duplicates, written.rejected) == (1, 1, 2), "what the first try did, once"
    (answer,) = written.answers
    assert answer.fates == Account(settled=[(1, 3), (5, 6)], rejected=[(3, 3)], lost=[(5, 6)])
    assert list(answer.reasons) == [3]
    found = await account(owner)
    assert (found["archived_count"], found["duplicate_count"]) == (2, 1)
    assert await owner.fetchval("SELECT count(*) FROM telemetry_rejects") == 2


async def test_write_batch_copy_after_a_lost_answer_is_a_duplicate(
    unlucky: Database, swallower: Swallower, owner: Conn
) -> None:
    await _unanswered(swallower, lambda: unlucky.write_batch([numbered([1, 2])], NOW))
    written = await unlucky.write_batch([numbered([1, 2])], NOW)
    assert (written.archived, written.duplicates) == (0, 2), "another message, though it says the same"
    assert (await account(owner))["duplicate_count"] == 2


async def test_write_batch_rolled_back_without_an_answer_is_stored_again(unlucky: Database, owner: Conn) -> None:
    batch = [numbered([1, 2])]
    await owner.execute(
        """
        CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON telemetry_ledger DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION cut();
        """
    )
    with pytest.raises(StorageUnavailable):  # the trigger runs within COMMIT
        await unlucky.write_batch(batch, NOW)
    await owner.execute("DROP TRIGGER cut ON telemetry_ledger")
    written = await unlucky.write_batch(batch, NOW)
    assert (written.archived, written.duplicates) == (2, 0)
    assert await archived(owner) == [1, 2]


async def test_write_batch_after_a_restore_believes_the_ledger_and_not_the_old_number(
    unlucky: Database, swallower: Swallower, owner: Conn
) -> None:
    batch = [numbered([1, 2])]
    await _unanswered(swallower, lambda: unlucky.write_batch(batch, NOW))
    await owner.execute("TRUNCATE telemetry_data, telemetry_ledger")  # an older copy, as far as the worker can see
    written = await unlucky.write_batch(batch, NOW)
    assert written.archived == 2
    assert await archived(owner) == [1, 2]


async def test_write_side_tried_again_after_a_lost_answer_adds_no_second_audit_row(
    unlucky: Database, swallower: Swallower, owner: Conn
) -> None:
    batch = SideBatch(audits=[AUDIT])
    await _unanswered(swallower, lambda: unlucky.write_side(batch))
    await unlucky.write_side(batch)
    await unlucky.write_side(SideBatch(audits=[AUDIT]))
    assert await owner.fetchval("SELECT count(*) FROM audit_log") == 2, "one row for each message"


async def test_write_side_while_the_first_try_has_not_ended_waits_and_adds_no_second_audit_row(
    unlucky: Database, owner: Conn
) -> None:
    """As when COMMIT waits for a standby: the worker has given up waiting for it, the server has not."""
    batch = SideBatch(audits=[AUDIT])
    async with owner.transaction():
        number = await owner.fetchval("SELECT pg_current_xact_id()::text")
        unlucky._side_answer._doubt = (batch, number, True)
        with pytest.raises(StorageUnavailable, match="not ended"):
            await unlucky.write_side(batch)
    await unlucky.write_side(batch)
    assert await owner.fetchval("SELECT count(*) FROM audit_log") == 0, (
        "the first try was committed, it is not repeated"
    )

"""A database with standbys: one that is not synchronous, for which a COMMIT may be lost, and one that has gone."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import asyncpg
import pytest

from pulse_auth.db.migrate import migrate
from pulse_auth.db.session import make_engine
from pulse_auth.postgres.layout import OWNER_ROLE, WORKER_ROLE, Layout
from pulse_auth.postgres.server import PostgresServer
from pulse_ingest.archivist import Archivist
from pulse_ingest.clock import SystemClock
from pulse_ingest.day_partitions import DayPartitions
from pulse_ingest.measures import Measures
from pulse_ingest.messages import Decoded
from pulse_ingest.receipts import Answer
from pulse_ingest.storage_state import StorageState
from pulse_ingest.writer import Database, Target, Written
from support.database import run_apart
from support.ingest import archived, numbered, time_of
from support.processes import Program
from support.waiting import eventually


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server of its own that lets the owner's role read its WAL."""
    folder = Path(tempfile.mkdtemp(prefix="pulse-sb-"))
    made = PostgresServer(Layout(folder / "postgres"), settings={"synchronous_commit": "off"})
    try:
        made.cluster.prepare()
        made.cluster.run_single_user([f"ALTER ROLE {OWNER_ROLE} REPLICATION"])
        made.start()
        access = made.cluster.layout.data / "pg_hba.conf"
        access.write_text(f"local replication {OWNER_ROLE} scram-sha-256\n{access.read_text()}")
        _reload(made.cluster.layout)
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def _reload(layout: Layout) -> None:
    os.kill(int(layout.postmaster_pid.read_text().split()[0]), signal.SIGHUP)


async def _wait_for_standbys(owner: "asyncpg.Connection[asyncpg.Record]", layout: Layout, names: str) -> None:
    """Let each COMMIT wait for the standbys of these *names*; for none when there are none."""
    with (layout.data / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"synchronous_standby_names = '{names}'\n")
    _reload(layout)

    async def is_known() -> bool:
        return bool(await owner.fetchval("SHOW synchronous_standby_names") == names)

    await eventually(is_known, what="the server has read its settings")


class CountedDatabase(Database):
    """Remembers the weight of each batch that it was given."""

    def __init__(self, target: Target, *, timeout_s: float) -> None:
        super().__init__(target, timeout_s=timeout_s)
        self.attempts: list[int] = []

    async def write_batch(self, messages: Sequence[Decoded], now: datetime) -> Written:
        self.attempts.append(sum(one.weight for one in messages))
        return await super().write_batch(messages, now)


async def _migrate(dsn: str) -> None:
    engine = make_engine(dsn)
    await migrate(engine)
    await engine.dispose()


async def _streaming(layout: Layout, receiver: Program) -> None:
    conn = await asyncpg.connect(layout.dsn(WORKER_ROLE))

    async def receives() -> int:
        assert receiver.running, receiver.tail()
        found: int = await conn.fetchval("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
        return found

    try:
        await eventually(receives, what="the receiver streams")
    finally:
        await conn.close()


async def test_durability_asynchronous_standby_is_seen_by_the_workers_role(server: PostgresServer) -> None:
    layout = server.cluster.layout
    run_apart(_migrate(layout.dsn()))
    database, state = Database(Target({"dsn": layout.dsn(WORKER_ROLE)})), StorageState()
    state.check_passed(await database.durability())
    assert state.durability == "ok"
    assert state.history is not None
    wal = layout.folder / "received"
    wal.mkdir()
    shutil.chown(wal, layout.data.stat().st_uid, layout.data.stat().st_gid)
    command = server.cluster.command(
        "pg_receivewal", "-h", str(layout.folder), "-U", OWNER_ROLE, "-D", str(wal), "--no-password"
    )
    password = layout.password_file(OWNER_ROLE).read_text().strip()
    receiver = Program("receiver", command, {"PGPASSWORD": password}, layout.folder / "receiver.log").start()
    try:
        await _streaming(layout, receiver)
        state.check_passed(await database.durability())
        assert state.durability == "a standby exists and none is synchronous", receiver.tail()
    finally:
        receiver.kill9()
        await database.close()


async def test_store_while_no_commit_ends_waits_for_the_standby_and_leaves_no_reading(server: PostgresServer) -> None:
    """Reading works all the time then; only what is committed shows that batches are too much for nobody."""
    layout = server.cluster.layout
    run_apart(_migrate(layout.dsn()))
    owner = await asyncpg.connect(layout.dsn())
    database = CountedDatabase(Target({"dsn": layout.dsn(WORKER_ROLE)}), timeout_s=1)
    days, measures, state = DayPartitions(database, SystemClock()), Measures(), StorageState()
    await days.prepare({time_of(1).date()}, within_s=60)
    state.check_passed(await database.durability())
    seen: list[str] = []
    state.on_change = lambda: seen.append(state.database)
    answers: list[Answer] = []

    async def publish(made: Sequence[Answer]) -> None:
        answers.extend(made)

    archivist = Archivist(
        batches=database, days=days, publish=publish, state=state, measures=measures, clock=SystemClock()
    )
    await _wait_for_standbys(owner, layout, "gone")
    storing = asyncio.create_task(archivist.store([numbered([1, 2])]))
    try:
        await eventually(lambda: len(database.attempts) == 5, 60, what="it is tried again")
        assert database.attempts == [2] * 5, "nothing is too much for a database that commits nothing"
        assert (seen, answers) == (["away"], [])
        await _wait_for_standbys(owner, layout, "")
        await asyncio.wait_for(storing, 30)
        assert (await archived(owner), len(answers)) == ([1, 2], 1)
        assert seen == ["away", "ok"]
        assert measures.left_unanswered._value.get() == 0
    finally:
        storing.cancel()
        await asyncio.wait([storing])
        await database.close()
        await owner.close()

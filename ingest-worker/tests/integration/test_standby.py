"""A real receiver of WAL beside the database: without synchronous replication a COMMIT may be lost with the server."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from pulse_auth.db.migrate import migrate
from pulse_auth.db.session import make_engine
from pulse_auth.postgres.layout import OWNER_ROLE, WORKER_ROLE, Layout
from pulse_auth.postgres.server import PostgresServer
from pulse_ingest.storage_state import StorageState
from pulse_ingest.writer import Database, Target
from support.database import run_apart
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
        os.kill(int(made.cluster.layout.postmaster_pid.read_text().split()[0]), signal.SIGHUP)
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


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

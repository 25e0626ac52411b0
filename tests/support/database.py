"""
Fixtures with a real PostgreSQL: one embedded server for the test run, one fresh database for each test.

``postgres_server`` (session) starts it and migrates a template; ``database`` (each test) is a clone of it.
Both do nothing until a test asks for them.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import asyncpg
import pytest

from pulse_auth.db.migrate import migrate
from pulse_auth.db.session import make_engine
from pulse_auth.postgres.layout import DATABASE, OWNER_ROLE, WORKER_ROLE, Layout
from pulse_auth.postgres.server import PostgresServer

# The sessions of one's own database that wait for a lock; add ``AND …`` for locks of one kind.
LOCK_WAITERS = (
    "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = current_database()"
)
_ROLES = {"auth": OWNER_ROLE, "ingest": WORKER_ROLE}
# Durability is tested by tests of their own, with servers of their own.
# autovacuum: its workers are the superuser's, and a database that one of them visits could not be dropped by its owner.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum": "off",
}


@dataclass(frozen=True, slots=True)
class Database:
    """A database of one test; ``layout`` is the server's."""

    name: str
    layout: Layout = field(repr=False)

    def dsn(self, user: Literal["auth", "ingest"] = "auth") -> str:
        """Return the full address, password included, for the role of the auth API or of the worker."""
        return self.layout.dsn(_ROLES[user], self.name)


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* to its end on a loop of its own in another thread, whatever loop the test has."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Layout]:
    """Run an embedded PostgreSQL; its database ``pulse`` has the newest schema and no rows: the template."""
    # A socket's address is short, so the folder is made beside pytest's long ones.
    folder = Path(tempfile.mkdtemp(prefix="pulse-db-"))
    layout = Layout(folder / "postgres")
    server = PostgresServer(layout, settings=_FAST)
    try:
        server.cluster.prepare()
        server.cluster.run_single_user([f"ALTER ROLE {OWNER_ROLE} CREATEDB"])
        server.start()
        run_apart(_migrate(layout.dsn()))
        yield layout
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def database(postgres_server: Layout) -> Iterator[Database]:
    """Give a fresh database with the newest schema; it is gone after the test."""
    made = Database(f"test_{uuid4().hex}", postgres_server)
    run_apart(_execute(postgres_server, f'CREATE DATABASE "{made.name}" TEMPLATE {DATABASE}'))
    run_apart(_execute(postgres_server, f'GRANT CONNECT ON DATABASE "{made.name}" TO {WORKER_ROLE}'))
    yield made
    run_apart(_execute(postgres_server, f'DROP DATABASE "{made.name}" WITH (FORCE)'))


@pytest.fixture
def empty_database(postgres_server: Layout) -> Iterator[Database]:
    """Give a fresh database without any table."""
    made = Database(f"test_{uuid4().hex}", postgres_server)
    run_apart(_execute(postgres_server, f'CREATE DATABASE "{made.name}" TEMPLATE template0'))
    yield made
    run_apart(_execute(postgres_server, f'DROP DATABASE "{made.name}" WITH (FORCE)'))


async def _migrate(dsn: str) -> None:
    engine = make_engine(dsn)
    try:
        await migrate(engine)
    finally:
        await engine.dispose()


async def _execute(server: Layout, statement: str) -> None:
    # Nobody may be connected to a template, so this goes through the maintenance database.
    connection = await asyncpg.connect(server.dsn(database="postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

"""Connections of the worker's and of the owner's role to a fresh database."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from pulse_ingest.writer import Database, Target
from support.database import Database as TestDatabase
from support.ingest_bench import IngestBench, ingest_bench


@pytest.fixture
def target(database: TestDatabase) -> Target:
    return Target({"dsn": database.dsn("ingest")})


@pytest.fixture
async def writer(target: Target) -> AsyncIterator[Database]:
    made = Database(target)
    yield made
    await made.close()


@pytest.fixture
async def other_writer(target: Target) -> AsyncIterator[Database]:
    made = Database(target)
    yield made
    await made.close()


@pytest.fixture
async def owner(database: TestDatabase) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    conn = await asyncpg.connect(database.dsn("auth"))
    yield conn
    await conn.close()


@pytest.fixture
async def bench(database: TestDatabase, tmp_path: Path) -> AsyncIterator[IngestBench]:
    """Broker, database and worker, not started yet; the socket's folder is short because its address has to be."""
    with tempfile.TemporaryDirectory(prefix="pulse-gate-") as folder:
        async with ingest_bench(tmp_path, database, Path(folder)) as made:
            yield made

"""The migrated schema against the models, and the rights of the worker's role."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import asyncpg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from pulse_auth.db.migrate import alembic_config, migrate
from pulse_auth.db.models import Base
from pulse_auth.db.session import make_engine
from support.database import Database


def _differences(connection: Connection) -> list[object]:
    def ours(item: object, name: str | None, kind: str, *_: object) -> bool:
        return not (kind == "table" and name == "telemetry_data_default")

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata))


async def test_migrations_newest_schema_equals_the_models(database: Database) -> None:
    engine = make_engine(database.dsn())
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
    await engine.dispose()


async def test_engine_error_of_a_statement_does_not_show_its_values(database: Database) -> None:
    engine = make_engine(database.dsn())
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError) as raised:
            await connection.execute(text("SELECT CAST(:hash AS text), 1 / 0"), {"hash": "secret-hash"})
    assert "secret-hash" not in str(raised.value)
    await engine.dispose()


async def test_migrate_two_at_once_on_an_empty_database_both_succeed(empty_database: Database) -> None:
    engines = [make_engine(empty_database.dsn()) for _ in range(2)]
    await asyncio.gather(*(migrate(engine) for engine in engines))
    for engine in engines:
        await engine.dispose()
    connection = await asyncpg.connect(empty_database.dsn())
    assert await connection.fetchval("SELECT count(*) FROM record_version") == 1
    await connection.close()


async def test_migrate_installation_of_the_first_release_gets_what_is_new(empty_database: Database) -> None:
    engine = make_engine(empty_database.dsn())
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "0001"))
        history = await connection.scalar(text("SELECT history FROM record_version"))
    await migrate(engine)
    async with engine.connect() as connection:
        assert await connection.run_sync(_differences) == []
        assert await connection.scalar(text("SELECT history FROM record_version")) == history
    await engine.dispose()


async def test_worker_role_archive_tables_can_be_written(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn("ingest"))
    await connection.execute("SELECT telemetry_make_partition('2026-02-07')")
    await connection.execute("SELECT telemetry_make_partition('2026-02-07')")
    await connection.execute(
        "INSERT INTO telemetry_data (client_id, stream, sequence_no, metric_key, metric_long, recorded_at, received_at)"
        " VALUES ('D1', gen_random_uuid(), 1, 'rpm', 9223372036854775807, '2026-02-07T10:00:00Z', now())"
    )
    assert (
        await connection.fetchval("SELECT tableoid::regclass::text FROM telemetry_data") == "telemetry_data_y2026m02d07"
    )
    await connection.close()


async def test_make_partition_rows_in_the_default_partition_move_with_it(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn("ingest"))
    at = datetime(2026, 2, 7, 23, 59, tzinfo=UTC)
    await connection.execute(
        "INSERT INTO telemetry_data (client_id, stream, sequence_no, metric_key, metric_bool, recorded_at, received_at)"
        " VALUES ('D1', gen_random_uuid(), 1, 'on', true, $1, now())",
        at,
    )
    await connection.execute("SELECT telemetry_make_partition($1)", date(2026, 2, 7))
    assert await connection.fetchval("SELECT count(*) FROM telemetry_data_default") == 0
    assert await connection.fetchval("SELECT recorded_at FROM telemetry_data") == at
    await connection.execute("SELECT telemetry_drop_partition($1)", date(2026, 2, 7))
    assert await connection.fetchval("SELECT count(*) FROM telemetry_data") == 0
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password_hash FROM users",
        "SELECT * FROM issued_tokens",
        "DELETE FROM telemetry_data",
        "TRUNCATE telemetry_data",
        "UPDATE audit_log SET actor = 'x'",
        "DELETE FROM audit_log",
        "INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ('D', '{}', '{}')",
        "CREATE TABLE mine (a int)",
        "DROP TABLE telemetry_ledger",
    ],
)
async def test_worker_role_anything_else_is_refused(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn("ingest"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()

"""A database of the version before the sync: its people, roles and settings go on, with clocks and versions."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from alembic import command
from sqlalchemy import text

from pulse_auth.db.migrate import alembic_config, migrate
from pulse_auth.db.session import make_engine, make_sessions
from pulse_auth.domain.access.seeding import seed_access
from pulse_auth.domain.sync.answers import Whereabouts, answer
from pulse_auth.domain.sync.device_views import DeviceViews, snapshot
from pulse_auth.domain.sync.writing import Actor, writing
from pulse_sync.messages import Page, Snapshot
from pulse_sync.records import Key
from pulse_sync.view import digest, from_wire
from support.database import Database

NOW = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)
THEN = "2026-01-01T00:00:00.000Z"
ROLE, LOGIN, USERS, ANN = (str(UUID(int=number)) for number in range(1, 5))
RULES = '[{"action": "subscribe", "topic": "telemetry/+/live"}]'
# Versions as they were given out, one for each record; stamps named no version then.
ROWS = (
    ("roles", {"id": ROLE, "name": "BOSS", "name_key": "boss"}, "role", ("name", "description")),
    ("permissions", {"id": LOGIN, "name": "DESKTOP_LOGIN", "name_key": "desktop_login", "rules": "[]"},
     "permission", ("name", "description", "rules")),
    ("permissions", {"id": USERS, "name": "MANAGE_USERS", "name_key": "manage_users", "rules": RULES},
     "permission", ("name", "description", "rules")),
    ("role_permissions", {"role_id": ROLE, "permission_id": LOGIN}, "role_permission", ("present",)),
    ("role_permissions", {"role_id": ROLE, "permission_id": USERS}, "role_permission", ("present",)),
    ("users", {"id": ANN, "username": "ann", "username_key": "ann", "password_hash": "$hash"},
     "user", ("username", "password_hash", "is_active")),
    ("user_roles", {"user_id": ANN, "role_id": ROLE}, "user_role", ("present",)),
    ("system_config", {"config_key": "flush_order", "device": "", "config_value": '"live_first"'},
     "setting", ("config_value",)),
)  # fmt: skip


async def fill(connection: Any) -> None:
    """Write what the version before wrote."""
    for version, (table, columns, kind, fields) in enumerate(ROWS, 1):
        stamps = {name: {"at": THEN, "by": "system", "source": "web"} for name in fields}
        given = {**columns, "clock": json.dumps(stamps), "version": version}
        casts = {"rules": "jsonb", "config_value": "jsonb", "clock": "jsonb", "version": "bigint"}
        marks = ", ".join(
            f"CAST(:{name} AS {casts.get(name, 'uuid' if name.endswith('id') else 'text')})" for name in given
        )
        await connection.execute(text(f"INSERT INTO {table} ({', '.join(given)}) VALUES ({marks})"), given)
        named = [value for name, value in columns.items() if name.endswith("id") or name in {"config_key", "device"}]
        await connection.execute(
            text(
                "INSERT INTO change_log (version, history, event, record_type, record_id, record, at, by, source)"
                " SELECT :version, history, 'RBAC_UPDATE', :kind, :id, '{}', now(), 'system', 'web' FROM record_version"
            ),
            {"version": version, "kind": kind, "id": "/".join(named)},
        )
    await connection.execute(text("UPDATE record_version SET version = :version"), {"version": len(ROWS)})


async def test_upgrade_records_of_the_version_before_survive_are_mirrored_and_go_on(empty_database: Database) -> None:
    engine = make_engine(empty_database.dsn())
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "0002"))
        await fill(connection)
    await migrate(engine)
    sessions = make_sessions(engine)
    async with sessions.begin() as session:
        await seed_access(session, NOW)
    async with sessions.begin() as session, writing(session, Actor("user:ann", ANN), NOW) as records:
        before = await records.read(Key.user(ANN))
        assert before is not None
        assert (before.get("username"), before.version) == ("ann", 6)
        assert (before.clock["username"].at, before.clock["username"].version) == (THEN, 6)
        assert (await records.read(Key.setting("flush_order"))).get("config_value") == "live_first"
        renamed = await records.edit(Key.user(ANN), {"username": "anna"})
        assert renamed is not None
        assert renamed.after.clock["username"].at > THEN
    async with snapshot(sessions) as (session, counter):
        parts = await answer(session, counter, DeviceViews(), Whereabouts("D1", None, 0))
        pages = await answer(session, counter, DeviceViews(), Whereabouts("D1", counter.history, counter.version - 1))
    held = {}
    for part in parts:
        assert isinstance(part, Snapshot)
        held |= {record.key: record for record in map(from_wire, part.records)}
    assert digest(held) == parts[-1].digest
    assert (held[Key.user(ANN)].get("username"), held[Key.user(ANN)].get("password_hash")) == ("anna", "$hash")
    assert isinstance(pages[-1], Page)
    assert pages[-1].digest == parts[-1].digest
    await engine.dispose()

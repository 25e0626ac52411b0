"""Rows that have run out go; those that are still asked for stay."""

from __future__ import annotations

from typing import Any

from pulse_auth.db.session import make_engine, make_sessions
from pulse_auth.housekeeping import tidy


async def test_tidy_deletes_what_has_run_out_and_nothing_else(api: Any) -> None:
    await api.sign_in()
    assert (await api.client.post("/api/v1/broker/token", json={})).status_code == 200
    await api.client.post("/api/v1/auth/login", json={"username": "nobody", "password": "x"})
    now = api.clock()
    await api.fetch("INSERT INTO used_assertions VALUES ('service:ingest', 'old', $1) RETURNING 1", now)
    api.clock.move(1)
    await api.fetch("INSERT INTO used_assertions VALUES ('service:ingest', 'new', $1) RETURNING 1", api.clock())
    engine = make_engine(api.database.dsn())
    sessions = make_sessions(engine)
    await tidy(sessions, api.clock)
    assert [row["jti"] for row in await api.fetch("SELECT jti FROM used_assertions")] == ["new"]
    assert len(await api.fetch("SELECT 1 FROM refresh_families")) == 1
    assert len(await api.fetch("SELECT 1 FROM issued_tokens WHERE kind = 'user'")) == 1
    assert len(await api.fetch("SELECT 1 FROM login_failures WHERE scope = 'account'")) == 1
    api.clock.move(40 * 86_400)
    await tidy(sessions, api.clock)
    # Not the application's own: it connects to the broker all the time, with a new token each time.
    for rows in ("used_assertions", "refresh_families", "login_failures", "issued_tokens WHERE kind = 'user'"):
        assert await api.fetch(f"SELECT 1 FROM {rows}") == []
    await engine.dispose()

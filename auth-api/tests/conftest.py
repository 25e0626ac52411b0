"""The application on a real database of its own, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from argon2 import PasswordHasher
from litestar import Litestar
from litestar.testing import AsyncTestClient

from pulse_auth.app import create_app
from pulse_auth.db.session import make_engine, make_sessions
from pulse_auth.domain.accounts.creation import create_user
from pulse_auth.settings import Settings, default_paths
from support.database import Database

ADMIN_PASSWORD = "correct-horse-battery-1"
# The system's own parameters take 64 MiB a hash; one test uses them.
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class MovedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Api:
    """A started application and a client of it; ``database`` opens further connections to its database."""

    app: Litestar
    client: AsyncTestClient[Litestar]
    settings: Settings
    clock: MovedClock
    database: Database

    async def sign_in(self, username: str = "admin", password: str = ADMIN_PASSWORD) -> dict[str, Any]:
        """Sign in, keep the cookie, send the bearer token from now on; return the answer's body."""
        answer = await self.client.post("/api/v1/auth/login", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        self.client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        body: dict[str, Any] = answer.json()
        return body

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask the application's database."""
        connection = await asyncpg.connect(self.database.dsn())
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def add_user(self, username: str, *roles: str, password: str = ADMIN_PASSWORD) -> None:
        """Add a user beside the administrator."""
        engine = make_engine(self.database.dsn())
        async with make_sessions(engine).begin() as session:
            await create_user(
                session,
                username=username,
                password_hash=CHEAP_HASHER.hash(password),
                roles=roles,
                must_change_password=False,
                now=self.clock(),
                by="system",
            )
        await engine.dispose()


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def settings(tmp_path: Path, database: Database) -> Settings:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Settings(**default_paths(home), external_dsn=database.dsn(), admin_password=ADMIN_PASSWORD)


@pytest.fixture
async def start(settings: Settings, clock: MovedClock, database: Database) -> AsyncIterator[Callable[..., Any]]:
    """Start the application with changed settings; all that were started end with the test."""
    started: list[AsyncTestClient[Litestar]] = []

    async def begin(hasher: Any = CHEAP_HASHER, base_url: str = "http://127.0.0.1:8080", **changes: Any) -> Api:
        changed = replace(settings, **changes)
        app = create_app(changed, clock=clock, hasher=hasher)
        client = AsyncTestClient(app, base_url=base_url)
        await client.__aenter__()
        started.append(client)
        return Api(app, client, changed, clock, database)

    yield begin
    for client in reversed(started):
        await client.__aexit__(None, None, None)


@pytest.fixture
async def api(start: Callable[..., Any]) -> Api:
    started: Api = await start()
    return started

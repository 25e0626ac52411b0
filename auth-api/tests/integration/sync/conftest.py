"""A seeded database with an administrator, written to through the one write path."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from pulse_auth.db.models import Role
from pulse_auth.db.session import Sessions, make_engine, make_sessions
from pulse_auth.domain.access.seeding import seed_access
from pulse_auth.domain.accounts.creation import create_user
from pulse_auth.domain.sync.writing import Actor, RecordWriter, writing
from support.database import Database

HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("correct-horse-battery-1")


@dataclass
class Books:
    """The database of one test: opens the write path, reads tables."""

    sessions: Sessions
    now: datetime = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)
    roles: dict[str, UUID] = field(default_factory=dict)

    @asynccontextmanager
    async def writing(self, actor: Actor = Actor.SYSTEM) -> AsyncIterator[RecordWriter]:
        async with self.sessions.begin() as session, writing(session, actor, self.now) as records:
            yield records

    async def rows(self, query: str, **values: Any) -> list[Any]:
        async with self.sessions() as session:
            return list((await session.execute(text(query), values)).all())

    async def add_user(self, username: str, *roles: str) -> Actor:
        async with self.sessions.begin() as session:
            user = await create_user(
                session,
                username=username,
                password_hash=HASH,
                roles=roles,
                must_change_password=False,
                now=self.now,
                by="system",
            )
        return Actor.person(user.id, username)

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
async def books(database: Database) -> AsyncIterator[Books]:
    engine = make_engine(database.dsn())
    made = Books(make_sessions(engine))
    async with made.sessions.begin() as session:
        await seed_access(session, made.now)
        made.roles = {role.name: role.id for role in await session.scalars(select(Role))}
    yield made
    await engine.dispose()


@pytest.fixture
async def admin(books: Books) -> Actor:
    return await books.add_user("ada", "ADMIN")

"""Reads whose size a caller chooses: ended at a time limit, and never writing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from pulse_auth.db.session import Sessions, make_engine, make_sessions, reading
from pulse_auth.errors import QueryTooSlowError
from pulse_auth.http.problems import PROBLEMS
from support.database import Database


@pytest.fixture
async def sessions(database: Database) -> AsyncIterator[Sessions]:
    engine = make_engine(database.dsn(), pool_size=1)
    yield make_sessions(engine)
    await engine.dispose()


async def test_reading_that_takes_too_long_is_ended_and_says_what_to_do(sessions: Sessions) -> None:
    with pytest.raises(QueryTooSlowError, match="shorter span"):
        async with reading(sessions, longest_s=0.05) as session:
            await session.execute(text("SELECT pg_sleep(60)"))
    assert PROBLEMS[QueryTooSlowError].status == 503


async def test_reading_limit_ends_with_its_session(sessions: Sessions) -> None:
    async with reading(sessions, longest_s=5) as session:
        assert await session.scalar(text("SHOW statement_timeout")) == "5s"
    async with sessions() as session:
        assert await session.scalar(text("SHOW statement_timeout")) == "0"


async def test_reading_cannot_write_and_passes_other_errors_on(sessions: Sessions) -> None:
    with pytest.raises(DBAPIError, match="read-only"):
        async with reading(sessions) as session:
            await session.execute(text("DELETE FROM audit_log"))

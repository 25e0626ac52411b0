"""
Connections to PostgreSQL: one engine a process, sessions from it, and waiting until the database answers.

The DSN is an ordinary ``postgresql://`` address; the driver reads it, so that every option it knows works.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import asyncpg
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from ..errors import DatabaseUnavailableError, QueryTooSlowError

_log = structlog.get_logger()

Sessions = async_sessionmaker[AsyncSession]

LONGEST_QUERY_S = 10
_CANCELLED = "57014"
UNAVAILABLE = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)


def make_engine(dsn: str, *, pool_size: int = 10) -> AsyncEngine:
    """Return an engine for *dsn* (``postgresql://user:password@host/name`` or ``…@/name?host=/folder``)."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn, timeout=10, server_settings={"application_name": "pulse-auth-api"})

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=5,
        pool_pre_ping=True,
        hide_parameters=True,  # errors are logged, and password hashes are parameters
    )


def make_sessions(engine: AsyncEngine) -> Sessions:
    """Return the factory of sessions; ``async with sessions.begin() as session`` is one transaction."""
    return async_sessionmaker(engine, expire_on_commit=False)


def engine_of(sessions: Sessions) -> AsyncEngine:
    """Return the engine behind *sessions*, for work that keeps one connection over several transactions."""
    engine: AsyncEngine = sessions.kw["bind"]
    return engine


@contextlib.asynccontextmanager
async def reading(sessions: Sessions, *, longest_s: float = LONGEST_QUERY_S) -> AsyncIterator[AsyncSession]:
    """
    Give a session for reads whose size a caller chooses; none of its statements runs longer than *longest_s*.

    Raises:
        QueryTooSlowError: One would have.
    """
    async with sessions() as session:
        await session.execute(text("SET TRANSACTION READ ONLY"))
        await session.execute(text(f"SET LOCAL statement_timeout = {int(longest_s * 1000)}"))
        try:
            yield session
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELLED:
                raise
            raise QueryTooSlowError(f"This took longer than {longest_s:g} s; ask for a shorter span.") from error


async def wait_until_ready(dsn: str, *, within_s: float) -> None:
    """
    Return as soon as the database takes connections.

    Raises:
        DatabaseUnavailableError: Not within *within_s* seconds.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            connection = await asyncpg.connect(dsn, timeout=5)
        except UNAVAILABLE as error:
            if time.monotonic() > deadline:
                raise DatabaseUnavailableError(f"the database did not answer within {within_s:.0f} s") from error
            _log.debug("database.not_ready_yet", error=type(error).__name__)
            await asyncio.sleep(0.1)
        else:
            await connection.close()
            return

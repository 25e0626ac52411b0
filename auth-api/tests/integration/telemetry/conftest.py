"""A session on the test's database, and a filler of the archive, which writes as the worker would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_auth.db.models import telemetry_data
from pulse_auth.db.session import Sessions, make_engine, make_sessions
from support.database import Database

STREAM = UUID("018f0000-0000-7000-8000-000000000001")
START = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)
Archive = Callable[..., Awaitable[None]]


@pytest.fixture
async def sessions(database: Database) -> AsyncIterator[Sessions]:
    engine = make_engine(database.dsn())
    yield make_sessions(engine)
    await engine.dispose()


@pytest.fixture
async def session(sessions: Sessions) -> AsyncIterator[AsyncSession]:
    async with sessions.begin() as session:
        yield session


@pytest.fixture
def began() -> datetime:
    return START


@pytest.fixture
def archive(session: AsyncSession) -> Archive:
    """Store values as readings 1, 2, 3 … of one metric, the first at ``began``."""

    async def fill(
        values: list[float | bool],
        *,
        client_id: str = "D1",
        metric: str = "m",
        every: timedelta = timedelta(seconds=1),
    ) -> None:
        rows = [
            {
                "client_id": client_id,
                "stream": STREAM,
                "sequence_no": number,
                "metric_key": metric,
                "metric_value": value if type(value) is float else None,
                "metric_long": value if type(value) is int else None,
                "metric_bool": value if type(value) is bool else None,
                "recorded_at": START + every * (number - 1),
                "received_at": START + every * (number - 1) + timedelta(milliseconds=80),
            }
            for number, value in enumerate(values, start=1)
        ]
        await session.execute(insert(telemetry_data), rows)

    return fill

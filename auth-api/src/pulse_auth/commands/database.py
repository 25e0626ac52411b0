"""How commands reach the database: wait for it, and close it again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncEngine

from ..db.session import make_engine, wait_until_ready
from ..settings import Settings

WAIT_S = 60.0


@contextlib.asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """
    Yield an engine on a database that answers.

    Raises:
        DatabaseUnavailableError: It does not answer within a minute.
    """
    dsn = settings.dsn()
    await wait_until_ready(dsn, within_s=WAIT_S)
    engine = make_engine(dsn)
    try:
        yield engine
    finally:
        await engine.dispose()

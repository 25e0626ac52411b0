"""Deletes rows that have run out and that nothing asks for any more; telemetry is the worker's."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from .clock import Clock
from .db.models import EnrollmentCode, ExportLink, IssuedToken, LoginFailure, RefreshFamily, UsedAssertion
from .db.session import Sessions

EVERY_S = 600.0
_KEEP = timedelta(days=1)
_KEEP_FAMILIES = timedelta(days=30)
_KEEP_TOKENS = timedelta(days=30)  # the audit names people by the client ids of their tokens
_log = structlog.get_logger()


async def tidy(sessions: Sessions, clock: Clock) -> None:
    """Delete once what has run out: assertions, failed attempts, codes, links, sessions, tokens."""
    now = clock()
    async with sessions.begin() as session:
        await session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at < now))
        await session.execute(delete(LoginFailure).where(LoginFailure.last_at < now - _KEEP))
        await session.execute(delete(EnrollmentCode).where(EnrollmentCode.expires_at < now - _KEEP))
        await session.execute(delete(ExportLink).where(ExportLink.expires_at < now - _KEEP))
        await session.execute(delete(RefreshFamily).where(RefreshFamily.expires_at < now - _KEEP_FAMILIES))
        await session.execute(delete(IssuedToken).where(IssuedToken.expires_at < now - _KEEP_TOKENS))


async def keep_tidy(sessions: Sessions, clock: Clock) -> None:
    """Tidy every ten minutes until cancelled; an outage of the database is waited out."""
    while True:
        try:
            await tidy(sessions, clock)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("housekeeping.database_away", error=type(error).__name__)
        await asyncio.sleep(EVERY_S)

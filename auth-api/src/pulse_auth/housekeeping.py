"""Deletes rows that have run out and that nothing asks for any more; telemetry is the worker's."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from .clock import Clock
from .db.models import (
    ChangeLog,
    EnrollmentCode,
    ExportLink,
    IssuedToken,
    LoginFailure,
    RefreshFamily,
    SyncPublication,
    UsedAssertion,
)
from .db.session import Sessions

EVERY_S = 600.0
_KEEP = timedelta(days=1)
_KEEP_FAMILIES = timedelta(days=30)
_KEEP_TOKENS = timedelta(days=30)  # the audit names people by the client ids of their tokens
_KEEP_EVENTS = timedelta(days=7)
_log = structlog.get_logger()


async def tidy(sessions: Sessions, clock: Clock) -> None:
    """Delete once what has run out: assertions, failed attempts, codes, links, sessions, tokens, outdated events."""
    now = clock()
    async with sessions.begin() as session:
        await session.execute(delete(UsedAssertion).where(UsedAssertion.expires_at < now))
        await session.execute(delete(LoginFailure).where(LoginFailure.last_at < now - _KEEP))
        await session.execute(delete(EnrollmentCode).where(EnrollmentCode.expires_at < now - _KEEP))
        await session.execute(delete(ExportLink).where(ExportLink.expires_at < now - _KEEP))
        await session.execute(delete(RefreshFamily).where(RefreshFamily.expires_at < now - _KEEP_FAMILIES))
        await session.execute(delete(IssuedToken).where(IssuedToken.expires_at < now - _KEEP_TOKENS))
        await _tidy_events(session, now - _KEEP_EVENTS)


async def _tidy_events(session: AsyncSession, before: datetime) -> None:
    """
    Delete events of records that have a newer one, which was published.

    A desktop that catches up is sent each record as it is, so the newest event of each record is enough for all.
    """
    newer = aliased(ChangeLog)
    published = select(SyncPublication.version).scalar_subquery()
    replaced = (
        select(newer.version)
        .where(newer.record_type == ChangeLog.record_type, newer.record_id == ChangeLog.record_id)
        .where(newer.version > ChangeLog.version, newer.version <= published)
    )
    outdated = delete(ChangeLog).where(ChangeLog.at < before, replaced.exists())
    await session.execute(outdated, execution_options={"synchronize_session": False})


async def keep_tidy(sessions: Sessions, clock: Clock) -> None:
    """Tidy every ten minutes until cancelled; an outage of the database is waited out."""
    while True:
        try:
            await tidy(sessions, clock)
        except (SQLAlchemyError, OSError) as error:
            _log.warning("housekeeping.database_away", error=type(error).__name__)
        await asyncio.sleep(EVERY_S)

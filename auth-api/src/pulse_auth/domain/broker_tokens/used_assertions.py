"""Remembers which assertions were used, until they have run out, so that none opens anything twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import UsedAssertion


async def spend(session: AsyncSession, *, issuer: str, jti: str, expires_at: datetime) -> bool:
    """
    Mark an assertion as used; ``False`` when it was used before.

    Args:
        session: A session inside a transaction; of two at once, the second waits for the first to commit.
        issuer: Its ``iss``.
        jti: Its id.
        expires_at: From when on it is refused for its age, so that it may be forgotten.
    """
    row = {"issuer": issuer, "jti": jti, "expires_at": expires_at}
    added = insert(UsedAssertion).values(row).on_conflict_do_nothing().returning(UsedAssertion.jti)
    return (await session.execute(added)).scalar() is not None

"""
Where a person is in the system now: sessions, broker tokens, and the version that devices must hold to know of them.

For people who end an account and want to see what came of it; changes nothing.
Read next: ``domain.access.consequences``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_sync.records import Kind

from ...db.models import ChangeLog, IssuedToken, RecordVersion, RefreshFamily, User
from ...errors import UnknownRecordError


class UserReach(Struct, frozen=True):
    """
    What runs for a person now. A deleted person has a reach, too: devices may still have to hear of it.

    ``connections``: broker tokens of their browsers that are good now; ``integrations``: those of integrations
    that they made. A device knows the newest change of this person when its heartbeat says this ``history`` and
    an ``identity_version`` of at least ``version``.
    """

    sessions: int
    connections: int
    integrations: int
    history: UUID
    version: int


async def read_reach(session: AsyncSession, user_id: UUID, now: datetime) -> UserReach:
    """
    Return where the person is at the time *now*.

    Raises:
        UnknownRecordError: There never was such a user.
    """
    user = await session.get(User, user_id)
    if user is None:
        raise UnknownRecordError("There is no such user.")
    family, token = RefreshFamily, IssuedToken
    of_family = (family.user_id == user_id, family.token_generation == user.token_generation)
    of_token = (token.user_id == user_id, token.expires_at > now, token.revoked_at.is_(None))
    return UserReach(
        sessions=await _count(session, family.id, [*of_family, family.ended_at.is_(None), family.expires_at > now]),
        connections=await _count(session, token.jti, [*of_token, token.kind == "user"]),
        integrations=await _count(session, token.jti, [*of_token, token.kind == "integration"]),
        history=await session.scalar(select(RecordVersion.history)) or UUID(int=0),
        version=await _newest_change(session, user_id),
    )


async def _count(session: AsyncSession, column: object, conditions: Sequence[ColumnElement[bool]]) -> int:
    return await session.scalar(select(func.count(column)).where(*conditions)) or 0  # type: ignore[arg-type]


async def _newest_change(session: AsyncSession, user_id: UUID) -> int:
    """Return the version of the newest event about the user or their roles."""
    log = ChangeLog
    own = (log.record_type == Kind.USER.value) & (log.record_id == str(user_id))
    roles = (log.record_type == Kind.USER_ROLE.value) & log.record_id.startswith(f"{user_id}/")
    return await session.scalar(select(func.max(log.version)).where(or_(own, roles))) or 0

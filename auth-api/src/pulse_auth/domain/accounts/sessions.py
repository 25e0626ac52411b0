"""
Refresh families in the database: one sign-in, its chain of refresh tokens, and its end.

A token is exchanged once. Its predecessor is good for ``GRACE_S`` more and gives the same successor (two
tabs, a lost answer); anything older, or later, shows that a token was copied, and ends the family.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import RefreshFamily, User
from .refresh_tokens import RefreshToken

GRACE_S = 30
IDLE_S = 7 * 86_400
LONGEST_S = 30 * 86_400


class Ending(StrEnum):
    """Why a genuine refresh token gives no successor, as its holder is told."""

    EXPIRED = "EXPIRED"
    SIGNED_OUT = "SIGNED_OUT"
    ACCOUNT_ENDED = "ACCOUNT_ENDED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - a reason, not a password
    REUSED = "REUSED"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Refused:
    """A genuine token that gives no successor; ``seen_now``: a reuse that has just ended the family."""

    why: Ending
    seen_now: bool = False


# What stands in ``refresh_families.end_reason``.
_ENDINGS = {
    "signed out": Ending.SIGNED_OUT,
    "account ended": Ending.ACCOUNT_ENDED,
    "password changed": Ending.PASSWORD_CHANGED,
    "reused": Ending.REUSED,
}


def open_family(session: AsyncSession, user: User, now: datetime) -> RefreshFamily:
    """Start a family for *user*; its first token has the number 1."""
    family = RefreshFamily(
        id=uuid4(),
        user_id=user.id,
        token_generation=user.token_generation,
        current_no=1,
        created_at=now,
        rotated_at=now,
        expires_at=now + timedelta(seconds=IDLE_S),
    )
    session.add(family)
    return family


async def exchange(session: AsyncSession, token: RefreshToken, now: datetime) -> RefreshFamily | Refused:
    """
    Exchange *token*; afterwards the family's ``current_no`` is the successor's number.

    Callers at the same time wait for each other; a reuse ends the family in the caller's transaction.
    """
    family = await session.get(RefreshFamily, token.family, with_for_update=True)
    if family is None:
        return Refused(Ending.EXPIRED)
    if family.ended_at is not None:
        return Refused(_ENDINGS.get(family.end_reason or "", Ending.OTHER))
    if family.expires_at <= now:
        return Refused(Ending.EXPIRED)
    if token.number == family.current_no:
        family.current_no += 1
        family.rotated_at = now
        longest = family.created_at + timedelta(seconds=LONGEST_S)
        family.expires_at = min(now + timedelta(seconds=IDLE_S), longest)
        return family
    in_grace = now <= family.rotated_at + timedelta(seconds=GRACE_S)
    if token.number == family.current_no - 1 and in_grace:
        return family
    family.ended_at, family.end_reason = now, "reused"
    return Refused(Ending.REUSED, seen_now=True)


async def end_family(session: AsyncSession, family_id: UUID, now: datetime, reason: str) -> UUID | None:
    """End one family; return its user, or ``None`` when it had ended before or never was."""
    statement = (
        update(RefreshFamily)
        .where(RefreshFamily.id == family_id, RefreshFamily.ended_at.is_(None))
        .values(ended_at=now, end_reason=reason)
        .returning(RefreshFamily.user_id)
    )
    return (await session.execute(statement)).scalar()


async def end_all_families(session: AsyncSession, user: User, now: datetime, reason: str) -> None:
    """End every family of *user* and every access token given out so far."""
    user.token_generation += 1
    statement = update(RefreshFamily).where(RefreshFamily.user_id == user.id, RefreshFamily.ended_at.is_(None))
    await session.execute(statement.values(ended_at=now, end_reason=reason))


async def find_user(session: AsyncSession, key: str, *, lock: bool = False) -> User | None:
    """Return the live user with that name key; *lock* it until the transaction ends."""
    statement = select(User).where(User.username_key == key, User.deleted_at.is_(None))
    return (await session.execute(statement.with_for_update() if lock else statement)).scalar()

"""
Slows down and locks repeated attempts, by subject: an account, an address, one that enrolls, who changes a password.

An attempt is counted before it is judged, so that many at once get no further than many in a row; a
successful one takes its count back. While locked, attempts are neither judged nor counted.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import LoginFailure


@dataclass(frozen=True, slots=True)
class Policy:
    """
    How attempts by one kind of subject are slowed down; all times in seconds.

    ``free``: attempts without a wait; ``slow``: waits after the next ones; then locks of ``lock_s``, doubling
    up to ``most_s``. ``forget_s`` without an attempt clears the count.
    """

    scope: str
    free: int
    slow: tuple[int, ...]
    lock_s: int
    most_s: int
    forget_s: int

    def wait_s(self, attempts: int) -> int:
        """Return how long the subject must wait after that many attempts in a row."""
        past = attempts - self.free
        if past <= 0:
            return 0
        if past <= len(self.slow):
            return self.slow[past - 1]
        return int(min(self.most_s, self.lock_s * 2 ** min(past - len(self.slow) - 1, 30)))


ACCOUNT = Policy("account", free=2, slow=(2, 4), lock_s=60, most_s=3_600, forget_s=86_400)
ADDRESS = Policy("address", free=20, slow=(), lock_s=30, most_s=900, forget_s=3_600)

# Each new password ends tokens, and the broker is told of every one: five in a row, then one a minute, and ever fewer.
NEW_PASSWORD = Policy("password", free=4, slow=(), lock_s=60, most_s=900, forget_s=3_600)


def account_subject(key: str) -> str:
    """Return the subject for a name's key; hashed, as people type passwords into the wrong field."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


async def begin_attempt(session: AsyncSession, policy: Policy, subject: str, now: datetime) -> int:
    """
    Count an attempt by *subject*.

    Returns:
        0 when it may be judged, else the whole seconds until the next one may.
    """
    fresh = {"failures": 1, "first_at": now, "last_at": now}
    stale = LoginFailure.last_at < now - timedelta(seconds=policy.forget_s)
    counted = (
        insert(LoginFailure)
        .values(scope=policy.scope, subject=subject, **fresh)
        .on_conflict_do_update(
            index_elements=[LoginFailure.scope, LoginFailure.subject],
            set_={
                "failures": case((stale, 1), else_=LoginFailure.failures + 1),
                "first_at": case((stale, now), else_=LoginFailure.first_at),
                "last_at": now,
            },
            where=or_(LoginFailure.locked_until.is_(None), LoginFailure.locked_until <= now),
        )
        .returning(LoginFailure.failures)
    )
    attempts = (await session.execute(counted)).scalar()
    row = (LoginFailure.scope == policy.scope) & (LoginFailure.subject == subject)
    if attempts is None:
        locked_until = await session.scalar(select(LoginFailure.locked_until).where(row))
        return 1 if locked_until is None else max(1, math.ceil((locked_until - now).total_seconds()))
    wait_s = policy.wait_s(attempts)
    until = now + timedelta(seconds=wait_s) if wait_s else None
    await session.execute(update(LoginFailure).where(row).values(locked_until=until))
    return 0


async def locked_for_s(session: AsyncSession, policy: Policy, subject: str, now: datetime) -> int:
    """Return for how many whole seconds *subject* is locked, 0 when it is not; counts nothing."""
    row = (LoginFailure.scope == policy.scope) & (LoginFailure.subject == subject)
    until = await session.scalar(select(LoginFailure.locked_until).where(row, LoginFailure.locked_until > now))
    return 0 if until is None else max(1, math.ceil((until - now).total_seconds()))


async def forgive_attempt(session: AsyncSession, policy: Policy, subject: str) -> None:
    """Take back the count of an attempt that succeeded."""
    row = (LoginFailure.scope == policy.scope) & (LoginFailure.subject == subject)
    await session.execute(update(LoginFailure).where(row).values(failures=LoginFailure.failures - 1, locked_until=None))
    await session.execute(delete(LoginFailure).where(row, LoginFailure.failures <= 0))


async def clear_attempts(session: AsyncSession, policy: Policy, subject: str) -> None:
    """Forget all attempts by *subject*."""
    row = (LoginFailure.scope == policy.scope) & (LoginFailure.subject == subject)
    await session.execute(delete(LoginFailure).where(row))

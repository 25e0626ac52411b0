"""
How often tokens are given out: so many a minute to one holder, and refused assertions lock out who sends them.

Refusals are counted by address and claimed name together: a device with outdated keys locks out itself, not the
others behind its plant's address. Names that nobody has share one count. Read next: ``accounts.throttle``.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from ...clock import Clock
from ...db.models import IssuedToken
from ...db.session import Sessions
from ...errors import AssertionRefusedError, ClockSkewError, TooManyAttemptsError, TooManyRequestsError
from ..accounts.throttle import Policy, begin_attempt, locked_for_s

# The 21st refusal in a row locks for half a minute, further ones for longer.
REFUSED = Policy("assertion", free=20, slow=(), lock_s=30, most_s=600, forget_s=600)
MOST_A_MINUTE = 60
_MINUTE = timedelta(minutes=1)


async def check_rate(session: AsyncSession, username: str, now: datetime) -> None:
    """
    Check that *username* got fewer than ``MOST_A_MINUTE`` tokens within the last minute.

    Raises:
        TooManyRequestsError: It got them; says when the next one is given.
    """
    recent = (
        select(IssuedToken.issued_at)
        .where(IssuedToken.username == username, IssuedToken.expires_at > now - _MINUTE)
        .where(IssuedToken.issued_at > now - _MINUTE)
        .order_by(IssuedToken.issued_at.desc())
        .offset(MOST_A_MINUTE - 1)
        .limit(1)
    )
    oldest = await session.scalar(recent)
    if oldest is not None:
        wait_s = max(1, math.ceil((oldest + _MINUTE - now).total_seconds()))
        raise TooManyRequestsError(f"{username} gets at most {MOST_A_MINUTE} tokens a minute.", retry_after_s=wait_s)


@contextlib.asynccontextmanager
async def counting_refusals(sessions: Sessions, clock: Clock, address: str, name: str) -> AsyncIterator[None]:
    """
    Judge an assertion inside the block; refused ones count for *address* and *name* (empty: nobody's).

    Rightly signed ones do not, whatever else is wrong with them.

    Raises:
        TooManyAttemptsError: Locked after many refusals; the block is not entered.
    """
    subject = f"{address} {name}"
    async with sessions() as session:
        wait_s = await locked_for_s(session, REFUSED, subject, clock())
    if wait_s:
        raise TooManyAttemptsError(f"Too many refused assertions; try again in {wait_s} s.", retry_after_s=wait_s)
    try:
        yield
    except ClockSkewError:
        raise
    except AssertionRefusedError:
        async with sessions.begin() as session:
            await begin_attempt(session, REFUSED, subject, clock())
        raise

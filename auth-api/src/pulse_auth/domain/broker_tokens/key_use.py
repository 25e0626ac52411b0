"""
Which signing keys are still needed, and for what: the facts behind ``pulse-auth-api keys``.

A key that no longer signs is needed until the last token that it signed has run out. Removing it earlier ends those
tokens. HTTP access tokens are not recorded, but live for a known time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...db.models import IssuedToken
from ...keys.signing import ANNOUNCED_S, KeyRing, Purpose, SigningKey
from ..accounts.access_tokens import LIFETIME_S

# Another instance may see a new file later than this one, and signs with the old key meanwhile.
LATE_INSTANCE_S = 60.0
Role = Literal["announced", "signs", "verifies"]


@dataclass(frozen=True, slots=True)
class KeyUse:
    """
    What one key is for now.

    ``running``: recorded tokens under it that are good. ``until``: when it may be removed without ending anything;
    ``None`` for a key that signs or is about to.
    """

    purpose: Purpose
    key: SigningKey
    role: Role
    running: int
    until: datetime | None

    def is_done(self, now: datetime) -> bool:
        """Tell whether removing the key ends nothing."""
        return self.until is not None and self.until <= now


async def key_uses(session: AsyncSession, keys: KeyRing, now: datetime) -> list[KeyUse]:
    """Return every key with its use at *now* (aware), by purpose, oldest first."""
    good = (IssuedToken.expires_at > now) & IssuedToken.revoked_at.is_(None)
    counting = select(IssuedToken.kid, func.count(), func.max(IssuedToken.expires_at)).where(good)
    counted = {kid: (count, last) for kid, count, last in await session.execute(counting.group_by(IssuedToken.kid))}
    found = []
    for purpose in Purpose:
        signer = keys.signer(purpose)
        for key in keys.keys[purpose]:
            role: Role = "signs" if key is signer else "announced" if key.number > signer.number else "verifies"
            running, last = counted.get(key.kid, (0, None))
            until = _needed_until(purpose, signer, last) if role == "verifies" else None
            found.append(KeyUse(purpose, key, role, running, until))
    return found


async def running_tokens(session: AsyncSession, kid: str, now: datetime) -> Sequence[IssuedToken]:
    """Return the good tokens that the key *kid* signed, the longest-lived first."""
    good = (IssuedToken.kid == kid) & (IssuedToken.expires_at > now) & IssuedToken.revoked_at.is_(None)
    return (await session.scalars(select(IssuedToken).where(good).order_by(IssuedToken.expires_at.desc()))).all()


def _needed_until(purpose: Purpose, signer: SigningKey, last: datetime | None) -> datetime:
    """Return when nothing needs a key any more that *signer* has replaced."""
    replaced = datetime.fromtimestamp(signer.made_at, UTC) + timedelta(seconds=ANNOUNCED_S + LATE_INSTANCE_S)
    if purpose is Purpose.ACCESS:
        return replaced + timedelta(seconds=LIFETIME_S)
    return replaced if last is None else max(replaced, last)

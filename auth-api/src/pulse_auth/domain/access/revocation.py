"""
Ends broker tokens that allow more than their holder may now: people who lost rights, and what they made.

A token cannot be made narrower, so the client id that it opens is banned until it would have run out; a new token
with what is left works at once. Everything here happens in the transaction that took the rights away; the caller
tells the broker after the commit. Read next: ``domain.broker_admin.enforcement``, ``people``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.emit.jwt_claim import from_claim
from pulse_acl.matching import covers
from pulse_acl.rules import Effect, Rule

from ...db.models import Integration, IssuedToken, RefreshFamily, User
from ...errors import NotSignedInError
from ..broker_admin.client import BrokerBan
from ..broker_admin.enforcement import store_ban
from .guards import SignedIn
from .people import load_rules_of

NARROWED = "rights were taken away"
# Changes of records hold this row; see hold_rights.
_LOCK = text("SELECT FROM record_version FOR SHARE")


@dataclass(frozen=True, slots=True)
class Cut:
    """Tokens that were ended: what the broker is to be told after the commit. False when there are none."""

    bans: tuple[BrokerBan, ...] = ()

    @property
    def client_ids(self) -> list[str]:
        """The MQTT client ids to be kicked."""
        return [ban.who for ban in self.bans]

    def __bool__(self) -> bool:
        return bool(self.bans)

    def __add__(self, other: Cut) -> Cut:
        return Cut((*self.bans, *other.bans))


async def hold_rights(session: AsyncSession, person: SignedIn) -> User:
    """
    Hold off changes of rights, and the session's end, until the transaction ends.

    Whoever gives *person* a token or a key does so first.

    So each is either seen by the change that takes its ground away, or made with what the change left.

    Raises:
        NotSignedInError: The account or the session ended since the request was let in.
    """
    await session.execute(_LOCK)
    user = await session.get_one(User, person.user_id)
    family = await session.get(RefreshFamily, person.session_id, with_for_update={"read": True})
    if user.deleted_at is not None or not user.is_active or family is None or family.ended_at is not None:
        raise NotSignedInError("The session has ended.")
    return user


async def revoke_wider(session: AsyncSession, *, now: datetime, by: str) -> Cut:
    """
    End every running token of a person or an integration that allows more than is held now.

    Args:
        session: The transaction of the change, which has taken the version counter and is flushed.
        now: The server's time.
        by: Who took the rights away, as in the audit log.
    """
    tokens = (await session.scalars(_running(now))).all()
    rules = await load_rules_of(session, {token.user_id for token in tokens if token.user_id})
    wider = [token for token in tokens if not _is_held(token, rules.get(token.user_id) if token.user_id else None)]
    return await _end(session, wider, now=now, by=by, reason=NARROWED)


async def revoke_tokens_of(
    session: AsyncSession, user_id: UUID, *, now: datetime, by: str, reason: str, session_id: UUID | None = None
) -> Cut:
    """
    End the running tokens of one person's browsers, whatever they allow; their integrations go on.

    With *session_id* only those that were given to that session, which has been ended in the same transaction.
    """
    theirs = _running(now).where(IssuedToken.user_id == user_id, IssuedToken.kind == "user")
    if session_id is not None:
        theirs = theirs.where(IssuedToken.session_id == session_id)
    return await _end(session, (await session.scalars(theirs)).all(), now=now, by=by, reason=reason)


async def revoke_token(session: AsyncSession, jti: UUID, *, now: datetime, by: str, reason: str) -> Cut:
    """End one token, if it still runs."""
    tokens = (await session.scalars(_running(now).where(IssuedToken.jti == jti))).all()
    return await _end(session, tokens, now=now, by=by, reason=reason)


def is_within(wanted: Iterable[Rule], held: Sequence[Rule]) -> bool:
    """Tell whether each allow rule of *wanted* is covered by a single rule of *held*."""
    return all(any(_covers(rule, one) for rule in held) for one in wanted if one.effect is Effect.ALLOW)


def _covers(rule: Rule, wanted: Rule) -> bool:
    if rule.action is not wanted.action or (wanted.retain and not rule.retain):
        return False
    return covers(rule.topic_filter, wanted.topic_filter)


def _running(now: datetime) -> Select[IssuedToken]:
    return (
        select(IssuedToken)
        .where(IssuedToken.kind.in_(("user", "integration")), IssuedToken.expires_at > now)
        .where(IssuedToken.revoked_at.is_(None))
        .order_by(IssuedToken.jti)
        .with_for_update()
    )


def _is_held(token: IssuedToken, held: Sequence[Rule] | None) -> bool:
    """Tell whether the holder is still there and may do all that *token* allows."""
    return held is not None and is_within(from_claim(token.acl), held)


async def _end(session: AsyncSession, tokens: Sequence[IssuedToken], *, now: datetime, by: str, reason: str) -> Cut:
    bans = []
    for token in tokens:
        token.revoked_at = now
        ban = BrokerBan("clientid", token.client_id, reason, by, token.expires_at)
        await store_ban(session, ban)
        bans.append(ban)
    ended = update(Integration).where(Integration.jti.in_([token.jti for token in tokens]))
    if tokens:
        await session.execute(
            ended.where(Integration.ended_at.is_(None)).values(ended_at=now, ended_by=by, end_reason=reason)
        )
    await session.flush()
    return Cut(tuple(bans))

"""
Integrations: a token that subscribes to what its maker may see, for another program, for up to a year.

It is shown once and not kept. It ends when it is revoked, when it runs out, or when its maker may no longer see
what it reads (``domain.access.revocation``). Read next: ``topics``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from pulse_acl.topics import is_device_id

from ...clock import Clock
from ...db.models import Integration, User
from ...errors import InvalidNameError, NameTakenError, UnknownRecordError
from ..access.guards import SignedIn
from ..access.people import load_rights
from ..access.revocation import Cut, hold_rights, revoke_token
from ..accounts.names import name_key
from ..audit.services import write_audit
from ..broker_tokens.services import BrokerToken, BrokerTokens, TokenKind, fresh_client_id
from .topics import rules_within

DAY_S = 86_400
LONGEST_DAYS = 365
MOST_ITEMS = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new integration is to be called, read, and how long it lives (1 to ``LONGEST_DAYS`` days)."""

    name: str
    topics: Sequence[str]
    lifetime_days: int


class Integrations:
    """Makes, lists and ends integrations; one for the application."""

    def __init__(self, tokens: BrokerTokens, clock: Clock) -> None:
        self._tokens = tokens
        self._clock = clock

    async def create(
        self, session: AsyncSession, wanted: Wanted, person: SignedIn, address: str
    ) -> tuple[Integration, BrokerToken]:
        """
        Make an integration and its token; both count once the caller commits.

        Raises:
            InvalidNameError: The name is not formed like a device id.
            InvalidRuleError: A topic may stand in no integration; the sentence says why.
            CannotGrantError: *person* may not subscribe to a topic.
            NameTakenError: A running integration has that name.
            NotSignedInError: The account or the session ended since the request was let in.
        """
        if not is_device_id(wanted.name):
            raise InvalidNameError("An integration's name is 1 to 64 of A-Z a-z 0-9 . _ -")
        user = await hold_rights(session, person)
        rules = rules_within(wanted.topics, (await load_rights(session, user.id)).rules)
        await self._take_name(session, wanted.name)
        token = await self._tokens.issue(
            session,
            username=f"integration:{wanted.name}",
            client_id=fresh_client_id("int"),
            rules=rules,
            lifetime_s=wanted.lifetime_days * DAY_S,
            kind=TokenKind.INTEGRATION,
            user_id=user.id,
        )
        made = self._row(wanted, user, token, [rule.topic_filter for rule in rules])
        session.add(made)
        await session.flush()
        await _audit(session, person.principal, "integration.created", made, address)
        return made, token

    async def page(self, session: AsyncSession, after: UUID | None, most: int) -> tuple[Sequence[Integration], bool]:
        """Return up to *most* integrations, newest first, older than *after*; and whether there are more."""
        statement = select(Integration).order_by(Integration.id.desc()).limit(most + 1)
        if after is not None:
            statement = statement.where(Integration.id < after)
        rows = (await session.scalars(statement)).all()
        return rows[:most], len(rows) > most

    async def revoke(self, session: AsyncSession, integration_id: UUID, person: SignedIn, address: str) -> Cut:
        """
        End an integration; once more changes nothing. The caller tells the broker after the commit.

        Raises:
            UnknownRecordError: There never was one.
        """
        found = await session.get(Integration, integration_id, with_for_update=True)
        if found is None:
            raise UnknownRecordError("There is no such integration.")
        if found.ended_at is not None:
            return Cut()
        now, by = self._clock(), person.principal
        found.ended_at, found.ended_by, found.end_reason = now, by, "revoked"
        await _audit(session, by, "integration.revoked", found, address)
        return await revoke_token(session, found.jti, now=now, by=by, reason="integration revoked")

    async def _take_name(self, session: AsyncSession, name: str) -> None:
        """Free the name from an integration that has run out; refuse it while one runs."""
        named = (Integration.name_key == name_key(name)) & Integration.ended_at.is_(None)
        outdated = update(Integration).where(named, Integration.expires_at <= self._clock())
        await session.execute(outdated.values(ended_at=Integration.expires_at, end_reason="expired"))
        if await session.scalar(select(Integration.id).where(named)) is not None:
            raise NameTakenError(f"There is a running integration {name} already.")

    def _row(self, wanted: Wanted, user: User, token: BrokerToken, topics: list[str]) -> Integration:
        return Integration(
            id=uuid7(),
            name=wanted.name,
            name_key=name_key(wanted.name),
            topics=topics,
            client_id=token.client_id,
            jti=token.jti,
            user_id=user.id,
            created_by=f"user:{user.username}",
            created_at=token.issued_at,
            expires_at=token.expires_at,
        )


def state(integration: Integration, now: datetime) -> str:
    """Return ``running``, ``expired`` or ``ended``."""
    if integration.ended_at is not None and integration.end_reason != "expired":
        return "ended"
    return "running" if integration.expires_at > now else "expired"


async def _audit(session: AsyncSession, actor: str, action: str, integration: Integration, address: str) -> None:
    shown = {"name": integration.name, "topics": integration.topics, "client_id": integration.client_id}
    shown["expires_at"] = integration.expires_at.isoformat()
    gone = action == "integration.revoked"
    await write_audit(
        session,
        actor=actor,
        action=action,
        entity_type="integration",
        entity_id=str(integration.id),
        before=shown if gone else None,
        after=None if gone else shown,
        address=address,
    )

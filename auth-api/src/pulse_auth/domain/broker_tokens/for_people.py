"""Broker tokens of people: a fresh client id each time, with the topic rules of their permissions."""

from __future__ import annotations

from ...db.session import Sessions
from ..access.guards import SignedIn
from ..access.people import load_rights
from .services import BrokerToken, BrokerTokens, TokenKind, fresh_client_id


async def issue_for_person(
    sessions: Sessions, tokens: BrokerTokens, person: SignedIn, *, lifetime_s: int
) -> BrokerToken:
    """Return a token for the browser of *person*, with the rights that they have now, good for *lifetime_s* seconds."""
    async with sessions.begin() as session:
        rights = await load_rights(session, person.user_id)
        return await tokens.issue(
            session,
            username=person.principal,
            client_id=fresh_client_id("web"),
            rules=rights.rules,
            lifetime_s=lifetime_s,
            kind=TokenKind.USER,
            user_id=person.user_id,
        )

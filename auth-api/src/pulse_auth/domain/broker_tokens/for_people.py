"""Broker tokens of people: a fresh client id each time, with the topic rules of their permissions."""

from __future__ import annotations

from ...db.session import Sessions
from ..access.guards import SignedIn
from ..access.people import load_rights
from ..access.revocation import hold_rights
from .services import BrokerToken, BrokerTokens, TokenKind, fresh_client_id


async def issue_for_person(
    sessions: Sessions, tokens: BrokerTokens, person: SignedIn, *, lifetime_s: int
) -> BrokerToken:
    """
    Return a token for the browser of *person*, with the rights that they have now, good for *lifetime_s* seconds.

    Raises:
        NotSignedInError: The account or the session ended since the request was let in.
    """
    async with sessions.begin() as session:
        user = await hold_rights(session, person)
        rights = await load_rights(session, person.user_id)
        return await tokens.issue(
            session,
            username=f"user:{user.username}",
            client_id=fresh_client_id("web"),
            rules=rights.rules,
            lifetime_s=lifetime_s,
            kind=TokenKind.USER,
            user_id=user.id,
            session_id=person.session_id,
        )

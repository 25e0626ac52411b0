"""Broker tokens of people: a fresh client id each time, with the topic rules of their permissions."""

from __future__ import annotations

from ...db.models import User
from ...db.session import Sessions
from ...errors import NotSignedInError
from ..access.guards import SignedIn
from ..access.people import load_rights
from ..access.revocation import lock_rights
from .services import BrokerToken, BrokerTokens, TokenKind, fresh_client_id


async def issue_for_person(
    sessions: Sessions, tokens: BrokerTokens, person: SignedIn, *, lifetime_s: int
) -> BrokerToken:
    """
    Return a token for the browser of *person*, with the rights that they have now, good for *lifetime_s* seconds.

    Raises:
        NotSignedInError: The account ended since the request was let in.
    """
    async with sessions.begin() as session:
        await lock_rights(session)
        user = await session.get_one(User, person.user_id)
        if not user.is_active or user.deleted_at is not None:
            raise NotSignedInError("The session has ended.")
        rights = await load_rights(session, person.user_id)
        return await tokens.issue(
            session,
            username=f"user:{user.username}",
            client_id=fresh_client_id("web"),
            rules=rights.rules,
            lifetime_s=lifetime_s,
            kind=TokenKind.USER,
            user_id=user.id,
        )

"""
Finds out who sends a request: the bearer token, and then the account as the database has it now.

State and token generation are looked at for every request, so that ending an account or a session counts at
once. Routes say what they need, see ``guards``.
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from ...clock import Clock
from ...db.models import RefreshFamily, User
from ...db.session import Sessions
from ...errors import NotSignedInError, PasswordChangeRequiredError
from ..accounts.access_tokens import AccessClaims, AccessTokens
from .guards import SignedIn
from .people import load_rights


class Authentication(AbstractAuthenticationMiddleware):
    """ASGI middleware; skips routes with ``opt={"public": True}``."""

    def __init__(self, app: ASGIApp, sessions: Sessions, tokens: AccessTokens, clock: Clock) -> None:
        super().__init__(app, exclude_from_auth_key="public")
        self._sessions = sessions
        self._tokens = tokens
        self._clock = clock

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        """Return the signed-in person, or raise what the caller must do first."""
        claims = self._tokens.check(bearer_token(connection), self._clock())
        person = await load_person(self._sessions, claims)
        if person.must_change_password and not connection.route_handler.opt.get("before_password_change"):
            raise PasswordChangeRequiredError("Change the first password before anything else.")
        return AuthenticationResult(user=person, auth=claims)


def bearer_token(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """
    Return the token of the ``Authorization`` header.

    Raises:
        NotSignedInError: There is none.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotSignedInError("Sign in: the request has no bearer token.")
    return token.strip()


async def load_person(sessions: Sessions, claims: AccessClaims) -> SignedIn:
    """
    Return the person of a checked token.

    Raises:
        NotSignedInError: The account or the session has ended since.
    """
    async with sessions() as session:
        user = await session.get(User, claims.user_id)
        family = await session.get(RefreshFamily, claims.session_id)
        if user is None or family is None or family.user_id != user.id or family.ended_at is not None:
            raise NotSignedInError("The session has ended.")
        if user.deleted_at is not None or not user.is_active or user.token_generation != claims.generation:
            raise NotSignedInError("The session has ended.")
        rights = await load_rights(session, user.id)
    return SignedIn(
        user_id=user.id,
        username=user.username,
        roles=rights.roles,
        permissions=rights.permissions,
        must_change_password=user.must_change_password,
        session_id=family.id,
    )

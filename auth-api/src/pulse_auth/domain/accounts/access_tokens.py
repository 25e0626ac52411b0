"""
HTTP access tokens: minting and checking. Pure; whether the person still may is asked of the database.

``sid`` is the refresh family, ``gen`` the account's token generation; both are checked at every request.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import jwt
from uuid_utils.compat import uuid7

from ...errors import NotSignedInError
from ...keys.signing import ALGORITHM, KeyRing, Purpose

AUDIENCE = "pulse-api"
LIFETIME_S = 15 * 60
MAX_CHARS = 4_096
_REQUIRED = ["iss", "aud", "sub", "jti", "iat", "exp", "sid", "gen"]
# The clock is passed in, so the library checks the signature and we the times.
_OPTIONS: Any = {
    "require": _REQUIRED,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_aud": False,
    "strict_aud": False,
}


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a checked access token says."""

    user_id: UUID
    session_id: UUID
    generation: int


class AccessTokens:
    """Mints and checks access tokens; one for the application."""

    def __init__(self, keys: KeyRing, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer

    def mint(self, claims: AccessClaims, now: datetime) -> str:
        """Return a token good for ``LIFETIME_S`` seconds from *now*."""
        issued = int(now.timestamp())
        return self._keys.signer(Purpose.ACCESS).sign(
            {
                "iss": self._issuer,
                "aud": AUDIENCE,
                "sub": str(claims.user_id),
                "jti": str(uuid7()),
                "iat": issued,
                "exp": issued + LIFETIME_S,
                "sid": str(claims.session_id),
                "gen": claims.generation,
            }
        )

    def check(self, token: str, now: datetime) -> AccessClaims:
        """
        Check signature, algorithm, key, issuer, audience and times; every claim is required.

        Raises:
            NotSignedInError: Any of them is missing or wrong; ``fields["expired"]`` is set when only the time is.
        """
        claims = self._signed_claims(token)
        if claims["iss"] != self._issuer or claims["aud"] != AUDIENCE:
            raise NotSignedInError("The access token is not for this API.")
        issued, expires, generation = claims["iat"], claims["exp"], claims["gen"]
        if type(issued) is not int or type(expires) is not int or type(generation) is not int:
            raise NotSignedInError("The access token is malformed.")
        if expires <= now.timestamp():
            raise NotSignedInError("The access token has expired.", expired=True)
        try:
            return AccessClaims(UUID(claims["sub"]), UUID(claims["sid"]), generation)
        except (ValueError, TypeError, AttributeError) as error:
            raise NotSignedInError("The access token is malformed.") from error

    def _signed_claims(self, token: str) -> dict[str, Any]:
        if len(token) > MAX_CHARS:
            raise NotSignedInError("The access token is malformed.")
        try:
            key = self._keys.find(Purpose.ACCESS, jwt.get_unverified_header(token).get("kid"))
            if key is None:
                raise NotSignedInError("The access token is signed by no key of this API.")
            return jwt.decode(token, key.private.public_key(), algorithms=[ALGORITHM], options=_OPTIONS)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise NotSignedInError("The access token is not valid.") from error

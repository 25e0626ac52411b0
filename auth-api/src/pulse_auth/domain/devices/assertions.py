"""
Assertions by which devices ask for a token (RFC 7523): what must be in one, and when it is good.

Pure: the clock is passed in, the key is found by the caller. That a ``jti`` is used once is kept by the
database, see ``device_tokens``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from pulse_acl.payloads import format_time
from pulse_acl.topics import is_device_id

from ...errors import AssertionRefusedError, ClockSkewError
from .device_keys import Jwk, verifying_key

AUDIENCE = "pulse-api"
MAX_LIFE_S = 60
SKEW_S = 10
MAX_CHARS = 8_192
_REQUIRED = ("iss", "sub", "aud", "iat", "exp", "jti")


@dataclass(frozen=True, slots=True)
class Assertion:
    """A checked assertion; after ``forget_at`` it is refused for its age, so its ``jti`` may be forgotten."""

    client_id: str
    jti: str
    forget_at: datetime


def claimed_client_id(assertion: str) -> str:
    """
    Return the device that the unverified *assertion* claims to be from, to look its key up.

    Raises:
        AssertionRefusedError: Not a JWT, too long, or no device id in it.
    """
    if len(assertion) > MAX_CHARS:
        raise AssertionRefusedError("the assertion is too long")
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise AssertionRefusedError("the assertion is not a JWT") from error
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not is_device_id(issuer):
        raise AssertionRefusedError("the assertion has no device id as iss")
    return issuer


def check_assertion(assertion: str, signing: Jwk, now: datetime) -> Assertion:
    """
    Check signature, claims and times of a device's *assertion*.

    Args:
        assertion: Compact JWT as received.
        signing: The registered Ed25519 key of the device that ``claimed_client_id`` named.
        now: The server's time, aware.

    Raises:
        ClockSkewError: Rightly signed, but not good at *now*, within ``SKEW_S``.
        AssertionRefusedError: Wrong signature or algorithm, a claim missing, mistyped or wrong.
    """
    claims = _signed_claims(assertion, signing)
    if claims["iss"] != claims["sub"]:
        raise AssertionRefusedError("iss and sub differ")
    if claims["aud"] != AUDIENCE:
        raise AssertionRefusedError(f"aud is not {AUDIENCE}")
    jti = claims["jti"]
    if not isinstance(jti, str) or not 1 <= len(jti) <= 128 or not jti.isascii() or "\0" in jti:
        raise AssertionRefusedError("jti is not a text of 1 to 128 ASCII characters")
    expires = _check_times(claims["iat"], claims["exp"], now)
    return Assertion(claims["iss"], jti, datetime.fromtimestamp(expires + SKEW_S, UTC))


def _signed_claims(assertion: str, signing: Jwk) -> dict[str, Any]:
    options: Any = {"require": list(_REQUIRED), "verify_signature": True}
    options |= dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss"), False)
    options |= dict.fromkeys(("verify_sub", "verify_jti"), False)
    try:
        return jwt.decode(assertion, verifying_key(signing), algorithms=["EdDSA"], options=options)
    except jwt.MissingRequiredClaimError as error:
        raise AssertionRefusedError(f"the assertion has no {error.claim}") from error
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise AssertionRefusedError("the assertion is not signed by the registered key") from error


def _check_times(issued: object, expires: object, now: datetime) -> int:
    if type(issued) is not int or type(expires) is not int:
        raise AssertionRefusedError("iat and exp are whole seconds")
    if not 0 < expires - issued <= MAX_LIFE_S:
        raise AssertionRefusedError(f"exp is more than {MAX_LIFE_S} s after iat, or not after it")
    at = now.timestamp()
    if issued > at + SKEW_S:
        raise ClockSkewError("the device's clock is ahead of the server's", server_time=format_time(now))
    if expires + SKEW_S <= at:
        behind = "the assertion has run out, or the device's clock is behind the server's"
        raise ClockSkewError(behind, server_time=format_time(now))
    return expires

"""
Assertions by which our own services ask for a broker token: EdDSA, by the key that the service made itself.

``iss`` = ``sub`` = ``service:<name>``, ``aud`` ``pulse-api``, ``iat``, ``exp`` at most 60 s ahead, ``jti``, and
``instance``. The public key is ``<name>.jwk.json`` in ``PULSE_SERVICE_KEYS_DIR``: whoever may write there may
be a service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from jwt.algorithms import OKPAlgorithm

from pulse_acl.topics import is_device_id

from ...errors import AssertionRefusedError
from ..accounts.access_tokens import AUDIENCE

MAX_LIFE_S = 60
SKEW_S = 10
MAX_CHARS = 8_192
_OPTIONS: Any = {
    "require": ["iss", "sub", "aud", "iat", "exp", "jti", "instance"],
    **dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss"), False),
    **dict.fromkeys(("verify_sub", "verify_jti"), False),
}


@dataclass(frozen=True, slots=True)
class ServiceAssertion:
    """A checked assertion; after ``forget_at`` it is refused for its age."""

    service: str
    instance: str
    issuer: str
    jti: str
    forget_at: datetime


def check_service_assertion(
    assertion: str, keys_dir: Path, services: frozenset[str], now: datetime
) -> ServiceAssertion:
    """
    Check an assertion completely, but for having been used before.

    Args:
        assertion: Compact JWT as received.
        keys_dir: Folder of the services' public keys, read each time: a service writes its key when it starts.
        services: Names of the services that exist.
        now: The server's time.

    Raises:
        AssertionRefusedError: Unknown service, wrong key, algorithm, claim or time; the sentence says which.
    """
    service = claimed_service(assertion, services)
    claims = _signed_claims(assertion, keys_dir / f"{service}.jwk.json")
    if claims["iss"] != f"service:{service}" or claims["sub"] != claims["iss"]:
        raise AssertionRefusedError("iss and sub are not the service.")
    if claims["aud"] != AUDIENCE:
        raise AssertionRefusedError(f"aud is not {AUDIENCE}.")
    instance, jti = claims["instance"], claims["jti"]
    if not isinstance(instance, str) or not is_device_id(instance):
        raise AssertionRefusedError("instance is not 1 to 64 of A-Z a-z 0-9 . _ -")
    if not isinstance(jti, str) or not 1 <= len(jti) <= 128 or not jti.isascii() or "\0" in jti:
        raise AssertionRefusedError("jti is not a text of 1 to 128 ASCII characters.")
    expires = _check_times(claims["iat"], claims["exp"], now.timestamp())
    return ServiceAssertion(service, instance, claims["iss"], jti, datetime.fromtimestamp(expires + SKEW_S, UTC))


def claimed_service(assertion: str, services: frozenset[str]) -> str:
    """
    Return the service that the unverified *assertion* claims to be from.

    Raises:
        AssertionRefusedError: Not a JWT, too long, or there is no such service.
    """
    if len(assertion) > MAX_CHARS:
        raise AssertionRefusedError("The assertion is too long.")
    try:
        issuer = jwt.decode(assertion, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise AssertionRefusedError("The assertion is not a JWT.") from error
    name = issuer.removeprefix("service:") if isinstance(issuer, str) else ""
    if name not in services:
        raise AssertionRefusedError("There is no such service.")
    return name


def _signed_claims(assertion: str, key_file: Path) -> dict[str, Any]:
    try:
        key = OKPAlgorithm.from_jwk(key_file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise AssertionRefusedError("The service has no key here.") from error
    except (OSError, ValueError, jwt.PyJWTError) as error:
        raise AssertionRefusedError("The service's key cannot be read.") from error
    try:
        return jwt.decode(assertion, key, algorithms=["EdDSA"], options=_OPTIONS)  # type: ignore[arg-type]
    except jwt.MissingRequiredClaimError as error:
        raise AssertionRefusedError(f"The assertion has no {error.claim}.") from error
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise AssertionRefusedError("The assertion is not signed by the service's key.") from error


def _check_times(issued: object, expires: object, now: float) -> int:
    if type(issued) is not int or type(expires) is not int:
        raise AssertionRefusedError("iat and exp are whole seconds.")
    if not 0 < expires - issued <= MAX_LIFE_S:
        raise AssertionRefusedError(f"exp is more than {MAX_LIFE_S} s after iat, or not after it.")
    if issued > now + SKEW_S or expires + SKEW_S <= now:
        raise AssertionRefusedError("The assertion is not good now.")
    return expires

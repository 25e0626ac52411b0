"""
The proof of a token: signature by a key of the JWKS file, and every claim of the contract.

Knows nothing of connections. The key set is read again when its file changes and when a token names a key
that is unknown. What a refusal looks like on the wire: ``admission``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import msgspec
import structlog
from jwt.exceptions import InvalidJTIError, InvalidSubjectError

from pulse_acl.decide import Principal
from pulse_acl.emit.jwt_claim import from_claim

log = structlog.get_logger()
AUDIENCE = "pulse-broker"
ALGORITHM = "ES256"
REQUIRED = ("exp", "iat", "iss", "aud", "sub", "jti", "client_id", "username", "acl")


class TokenError(Exception):
    """A token is not accepted. ``reason`` is a fixed word for logs and counters, ``str()`` says more."""

    reason = "token"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class ClaimsError(TokenError):
    """The signature is good, but a claim is missing, wrong or expired."""


class KeysMissingError(TokenError):
    """There is no key set yet; nobody can be let in."""


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token: who it is for and until when (seconds since 1970)."""

    principal: Principal
    expires_at: int
    token_id: str


class KeySet:
    """The public keys in the JWKS file; a damaged or vanished file leaves the last good set in place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, jwt.PyJWK] = {}
        self._seen: tuple[int, int, int] | None = None
        self._missing_logged = False

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key of that id, looking at the file again when it has changed."""
        self._refresh()
        return self._keys.get(key_id)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is no key; looks at the file again when it has changed."""
        self._refresh()
        return not self._keys

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen == self._seen:
                return
            self._seen = seen  # a damaged file is reported once
            keys = _read_keys(self._path.read_bytes())
        except FileNotFoundError:
            if not self._missing_logged:
                log.warning(
                    "tokens.keys_missing", file=str(self._path), effect="every connection is refused until it appears"
                )
            self._missing_logged = True
            return
        except (OSError, ValueError, jwt.PyJWTError) as error:
            log.error("tokens.keys_unreadable", file=str(self._path), error=str(error))  # noqa: TRY400
            return
        self._keys, self._missing_logged = keys, False
        log.info("tokens.keys_read", key_ids=sorted(keys))


class _Jwks(msgspec.Struct):
    keys: list[dict[str, Any]]


def _read_keys(content: bytes) -> dict[str, jwt.PyJWK]:
    """Return the P-256 keys by their id; other kinds of keys are none of ours."""
    keys = {
        entry["kid"]: jwt.PyJWK.from_dict(entry, ALGORITHM)
        for entry in msgspec.json.decode(content, type=_Jwks).keys
        if isinstance(entry.get("kid"), str)
        and (entry.get("kty"), entry.get("crv"), entry.get("alg", ALGORITHM)) == ("EC", "P-256", ALGORITHM)
    }
    if not keys:
        raise ValueError("no key for ES256 in it")
    return keys


class TokenVerifier:
    """Verifies tokens of one issuer against one key set."""

    def __init__(self, keys: KeySet, issuer: str, now: Callable[[], float]) -> None:
        """Take *now* as the clock: seconds since 1970."""
        self._keys, self._issuer, self._now = keys, issuer, now

    @property
    def has_keys(self) -> bool:
        """Tell whether any token can be verified."""
        return not self._keys.is_empty

    def verify(self, token: str) -> Token:
        """
        Return what *token* proves.

        Raises:
            KeysMissingError: No key set yet.
            ClaimsError: Well signed, but a claim is missing, wrong or expired.
            TokenError: Anything else: not a token, not ES256, unknown key, wrong signature.
        """
        claims = self._signed_claims(token)
        self._check_times(claims)
        return _token_of(claims)

    def _signed_claims(self, token: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(token)
            key = self._key(header)
            return jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=self._issuer,
                # exp, nbf and iat are judged below, by the clock that was passed in
                options={
                    "require": list(REQUIRED),
                    "strict_aud": True,
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.MissingRequiredClaimError, jwt.InvalidAudienceError, jwt.InvalidIssuerError) as error:
            raise ClaimsError("claims", str(error)) from error
        except (InvalidSubjectError, InvalidJTIError) as error:
            raise ClaimsError("claims", str(error)) from error
        except jwt.PyJWTError as error:
            raise TokenError("signature", str(error)) from error

    def _key(self, header: dict[str, Any]) -> jwt.PyJWK:
        if header.get("alg") != ALGORITHM:
            raise TokenError("algorithm", f"signed with {header.get('alg')!r}, not {ALGORITHM}")
        key = self._keys.find(str(header.get("kid")))
        if key is not None:
            return key
        if self._keys.is_empty:
            raise KeysMissingError("keys_missing", "the key set is not there yet")
        raise TokenError("key", "signed by a key that is not in the key set")

    def _check_times(self, claims: dict[str, Any]) -> None:
        for name in ("exp", "iat", "nbf"):
            if name in claims and type(claims[name]) is not int:
                raise ClaimsError("claims", f"{name} is not a whole number")
        if claims["exp"] <= self._now():
            raise ClaimsError("expired", "the token has expired")
        if claims.get("nbf", 0) > self._now():
            raise ClaimsError("claims", "the token is not valid yet")


def _token_of(claims: dict[str, Any]) -> Token:
    texts = [claims[name] for name in ("sub", "username", "client_id", "jti")]
    if not all(isinstance(text, str) and text for text in texts):
        raise ClaimsError("claims", "sub, username, client_id or jti is not a text")
    if claims["sub"] != claims["username"]:
        raise ClaimsError("claims", "sub and username differ")
    if "is_superuser" in claims:
        raise ClaimsError("superuser", "is_superuser is never accepted")
    try:
        rules = from_claim(claims["acl"])
    except (ValueError, TypeError) as error:
        raise ClaimsError("claims", f"the acl claim is malformed: {error}") from error
    return Token(Principal(claims["username"], claims["client_id"], rules), claims["exp"], claims["jti"])

"""
Refresh tokens: ``<family>.<number>.<mac>``, where only the newest number of a family is kept in the database.

The mac shows that we made the token, however old it is, so reuse of any old one is seen; and the same number
always gives the same token, so that a predecessor can be answered with the same successor. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from jwt.utils import base64url_encode

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A genuine token's place in its chain."""

    family: UUID
    number: int


class RefreshTokens:
    """Writes and reads refresh tokens with one secret."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def write(self, token: RefreshToken) -> str:
        """Return *token* as it stands in the cookie."""
        body = f"{token.family.hex}.{token.number}"
        return f"{body}.{self._mac(body)}"

    def read(self, text: str) -> RefreshToken | None:
        """Return what a cookie holds, or ``None`` when we did not make it."""
        body, _, mac = text.rpartition(".")
        if len(text) > 200 or not text.isascii() or not hmac.compare_digest(mac, self._mac(body)):
            return None
        family, _, number = body.partition(".")
        return RefreshToken(UUID(family), int(number))

    def _mac(self, body: str) -> str:
        digest = hmac.digest(self._secret, b"refresh token\0" + body.encode("utf-8", "replace"), hashlib.sha256)
        return base64url_encode(digest).decode()


def load_refresh_secret(folder: Path) -> bytes:
    """
    Return the secret in *folder*, made at the first start, mode 0600.

    Raises:
        ConfigError: The file holds something else.
    """
    secret = create_private(folder / "refresh.secret", secrets.token_bytes(_SECRET_BYTES))
    if len(secret) != _SECRET_BYTES:
        raise ConfigError(f"{folder / 'refresh.secret'} is damaged; remove it, and everybody signs in again.")
    return secret

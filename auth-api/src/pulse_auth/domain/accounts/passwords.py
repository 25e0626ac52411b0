"""
Password hashing (Argon2id) and the rules for new passwords.

``PARAMETERS`` is the one set for the whole system: RFC 9106, second recommended option (64 MiB). Hashing runs
in threads, few at a time, so that sign-ins neither stop the loop nor use up the memory.
"""

from __future__ import annotations

import secrets
from typing import Protocol

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from ...errors import PasswordRefusedError

PARAMETERS = RFC_9106_LOW_MEMORY
MIN_CHARS = 10
MAX_CHARS = 256
_AT_ONCE = 2


class Hasher(Protocol):
    """What ``Passwords`` needs of argon2's hasher; tests count the calls."""

    def hash(self, password: str) -> str:
        """Return a hash string with parameters and a fresh salt in it."""

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - argon2's own name
        """Return ``True``, or raise ``VerificationError``."""


class Passwords:
    """Hashes and verifies; one for the application."""

    def __init__(self, hasher: Hasher | None = None) -> None:
        self._hasher: Hasher = hasher or PasswordHasher.from_parameters(PARAMETERS)
        self._limit = anyio.CapacityLimiter(_AT_ONCE)
        # Nobody's password; verified against where there is no account, so that the work is the same.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(32))

    async def hash(self, password: str) -> str:
        """Return the Argon2id hash string of *password*."""
        return await anyio.to_thread.run_sync(self._hasher.hash, password, limiter=self._limit)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether *password* belongs to the hash *stored*; ``None`` costs the same and is always false."""
        matches = await anyio.to_thread.run_sync(self._verify, stored or self._nobody, password, limiter=self._limit)
        return matches and stored is not None

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def check_new_password(password: str, *, present: str | None = None) -> None:
    """
    Check a new password; *present* is the one that it replaces.

    Raises:
        PasswordRefusedError: Too short, too long, not storable, or the same as before; the sentence says which.
    """
    if len(password) < MIN_CHARS:
        raise PasswordRefusedError(f"The password needs at least {MIN_CHARS} characters.", rule="too-short")
    if len(password) > MAX_CHARS:
        raise PasswordRefusedError(f"The password may have at most {MAX_CHARS} characters.", rule="too-long")
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in password):
        raise PasswordRefusedError("The password has a character that cannot be stored.", rule="not-text")
    if password == present:
        raise PasswordRefusedError("The new password must differ from the present one.", rule="unchanged")

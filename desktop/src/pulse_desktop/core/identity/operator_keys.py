"""
A person's signing key on this device: made at the first online sign-in, wrapped under the person's password.

Without the password the file gives nobody the right to change records in the person's name. The key is tied to the
password hash it was made under: another hash ends it. Source: the identity document, "From a desktop to the server".
"""

from __future__ import annotations

import base64
import os
import sqlite3
from dataclasses import dataclass
from datetime import datetime

import msgspec
from argon2.low_level import Type, hash_secret_raw
from argon2.profiles import RFC_9106_LOW_MEMORY
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pulse_acl.payloads import format_time
from pulse_sync.envelopes import Key

from ..errors import SignInError
from ..sync.schema import writing

SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32


class WrongPasswordError(SignInError):
    """The password does not open the key."""


class _Wrapped(msgspec.Struct, frozen=True):
    """The key under the password; the parameters of Argon2id stand beside it (KiB, passes, lanes)."""

    memory: int
    passes: int
    lanes: int
    salt: bytes
    nonce: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class OperatorKey:
    """A stored key: wrapped private half, ``kid`` of the public one, the hash's stamp, why it ended if it did."""

    user_id: str
    wrapped: bytes
    kid: str
    made_at: str
    hash_at: str | None
    ended_why: str | None


def wrap(key: Ed25519PrivateKey, password: str, user_id: str) -> bytes:
    """Return *key* encrypted under *password* with a salt of its own, bound to *user_id*."""
    salt, nonce = os.urandom(SALT_BYTES), os.urandom(NONCE_BYTES)
    setting = RFC_9106_LOW_MEMORY
    under = _derive(password, salt, setting.memory_cost, setting.time_cost, setting.parallelism)
    sealed = AESGCM(under).encrypt(nonce, key.private_bytes_raw(), user_id.encode())
    return msgspec.json.encode(
        _Wrapped(setting.memory_cost, setting.time_cost, setting.parallelism, salt, nonce, sealed)
    )


def unwrap(wrapped: bytes, password: str, user_id: str) -> Ed25519PrivateKey:
    """
    Return the private key.

    Raises:
        WrongPasswordError: The password is another, or the file was altered.
    """
    found = msgspec.json.decode(wrapped, type=_Wrapped)
    under = _derive(password, found.salt, found.memory, found.passes, found.lanes)
    try:
        raw = AESGCM(under).decrypt(found.nonce, found.sealed, user_id.encode())
    except InvalidTag as error:
        raise WrongPasswordError("the password is wrong") from error
    return Ed25519PrivateKey.from_private_bytes(raw)


def public_jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    """Return the public half as a JWK, as it is registered."""
    raw = key.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}


class OperatorKeys:
    """The keys of everyone who has signed in online on this device."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def find(self, user_id: str) -> OperatorKey | None:
        """Return the person's key here, ended or not."""
        row = self._db.execute("SELECT * FROM operator_keys WHERE user_id = ?", (user_id,)).fetchone()
        return _of(row) if row is not None else None

    def live(self) -> list[OperatorKey]:
        """Return the keys that have not ended."""
        return [_of(row) for row in self._db.execute("SELECT * FROM operator_keys WHERE ended_why IS NULL")]

    def keep(self, user_id: str, key: Ed25519PrivateKey, password: str, hash_at: str | None, now: datetime) -> None:
        """Keep *key* wrapped under *password*; a former one of this person is overwritten."""
        kid = Key(public_jwk(key)).kid
        wrapped = wrap(key, password, user_id)
        with writing(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO operator_keys VALUES (?, ?, ?, ?, ?, NULL)",
                (user_id, wrapped, kid, format_time(now), hash_at),
            )
            self._db.execute("UPDATE sync_state SET erasing = 1")  # copies that a former password opens

    def end(self, user_id: str, why: str) -> None:
        """Erase the private half and keep *why*."""
        with writing(self._db):
            self._db.execute(
                "UPDATE operator_keys SET wrapped = x'', ended_why = ? WHERE user_id = ? AND ended_why IS NULL",
                (why, user_id),
            )
            self._db.execute("UPDATE sync_state SET erasing = 1")

    def note_hash(self, user_id: str, hash_at: str) -> None:
        """Tie the person's key to the password hash that has arrived since."""
        with writing(self._db):
            self._db.execute("UPDATE operator_keys SET hash_at = ? WHERE user_id = ?", (hash_at, user_id))

    def opened(self, user_id: str, password: str) -> Ed25519PrivateKey:
        """
        Return the person's signing key.

        Raises:
            SignInError: There is none here, or it has ended; the sentence says what to do.
            WrongPasswordError: The password is wrong.
        """
        return unwrap(self.usable(user_id).wrapped, password, user_id)

    def usable(self, user_id: str) -> OperatorKey:
        """
        Return the person's key, still wrapped.

        Raises:
            SignInError: There is none here, or it has ended; the sentence says what to do.
        """
        found = self.find(user_id)
        if found is None:
            raise SignInError("you can look but not change anything here yet: sign in once while the server is there")
        if found.ended_why is not None:
            raise SignInError(
                f"your signing key on this desktop has ended ({found.ended_why}): sign in while the server is there"
            )
        return found


def _of(row: sqlite3.Row) -> OperatorKey:
    return OperatorKey(row["user_id"], row["wrapped"], row["kid"], row["made_at"], row["hash_at"], row["ended_why"])


def _derive(password: str, salt: bytes, memory: int, passes: int, lanes: int) -> bytes:
    return hash_secret_raw(password.encode("utf-8", "surrogatepass"), salt, passes, memory, lanes, KEY_BYTES, Type.ID)

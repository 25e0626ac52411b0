"""
ES256 signing keys (P-256), one set for each purpose, so that no token can pass for one of another kind.

Files ``<purpose>-<number>.pem``. The highest number signs as soon as every verifier has had the time to learn its
public half; the others still verify until they are removed. Read next: ``rotation``.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.utils import base64url_encode

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

ALGORITHM = "ES256"
# Longer than a running API takes to see a new file (5 s), a cached key set lives (60 s), and EMQX asks again (10 s).
ANNOUNCED_S = 120.0


class Purpose(StrEnum):
    """What a key signs: HTTP access tokens; broker tokens of people, devices and services; of integrations."""

    ACCESS = "access"
    BROKER = "broker"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """
    A private key and its id, which is the RFC 7638 thumbprint of its public half.

    ``number`` and ``made_at`` (seconds since 1970) are those of its file.
    """

    kid: str
    private: EllipticCurvePrivateKey = field(repr=False)
    number: int
    made_at: float

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JWK for verifying signatures."""
        return {**_required_members(self.private), "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return *claims* as a signed compact JWT with the key id in its header."""
        return jwt.encode(dict(claims), self.private, algorithm=ALGORITHM, headers={"kid": self.kid})


class KeyRing:
    """All signing keys by purpose, oldest first; ``refresh`` takes in what a rotation has changed."""

    def __init__(
        self,
        keys: Mapping[Purpose, tuple[SigningKey, ...]],
        folder: Path | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys
        self._folder = folder
        self._now = now

    def signer(self, purpose: Purpose) -> SigningKey:
        """Return the key that signs now: the newest one that verifiers have had ``ANNOUNCED_S`` to learn."""
        known_since = self._now() - ANNOUNCED_S
        known = [key for key in self.keys[purpose] if key.made_at <= known_since]
        return known[-1] if known else self.keys[purpose][0]

    def find(self, purpose: Purpose, kid: object) -> SigningKey | None:
        """Return the key of *purpose* with that id."""
        return next((key for key in self.keys[purpose] if key.kid == kid), None)

    def refresh(self) -> bool:
        """
        Read the folder again and tell whether a key came or went.

        Raises:
            ConfigError: Files are damaged, or all of a purpose are gone; the keys in memory stay as they are.
        """
        if self._folder is None:
            return False
        found = {purpose: tuple(map(_read, key_files(self._folder, purpose))) for purpose in Purpose}
        for purpose, keys in found.items():
            if not keys:
                raise ConfigError(f"{self._folder} has no {purpose}-*.pem any more; put the files back.")
        ids = [[key.kid for key in keys] for keys in found.values()]
        changed = ids != [[key.kid for key in self.keys[purpose]] for purpose in found]
        self.keys = found
        return changed


def load_keys(folder: Path, now: Callable[[], float] = time.time) -> KeyRing:
    """
    Read the keys in *folder*; make the first one of each purpose where there is none.

    Args:
        folder: Holds private keys only, mode 0700.
        now: Seconds since 1970; decides from when on a new key signs.

    Raises:
        ConfigError: A file is not a P-256 private key.
    """
    for purpose in Purpose:
        if not key_files(folder, purpose):
            make_key(folder, purpose)
    return KeyRing({purpose: tuple(map(_read, key_files(folder, purpose))) for purpose in Purpose}, folder, now)


def make_key(folder: Path, purpose: Purpose) -> SigningKey:
    """
    Add a key of *purpose* with the next number, in a 0600 file, and return it.

    Raises:
        OSError: The folder cannot be written to.
        ConfigError: Somebody else made the same number, and it is not a key.
    """
    there = key_files(folder, purpose)
    path = folder / f"{purpose}-{number_of(there[-1]) + 1 if there else 1}.pem"
    create_private(
        path, generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    return _read(path)


def key_files(folder: Path, purpose: Purpose) -> list[Path]:
    """Return the files of *purpose*, lowest number first."""
    found = [path for path in folder.glob(f"{purpose}-*.pem") if path.stem.removeprefix(f"{purpose}-").isdecimal()]
    return sorted(found, key=number_of)


def number_of(path: Path) -> int:
    """Return the number in a key file's name."""
    return int(path.stem.rpartition("-")[2])


def _read(path: Path) -> SigningKey:
    try:
        made_at = path.stat().st_mtime
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not a private key; put the right file back.") from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ConfigError(f"{path} is not a P-256 key; put the right file back.")
    return SigningKey(_thumbprint(key), key, number_of(path), made_at)


def _required_members(key: EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64url_encode(number.to_bytes(32, "big")).decode() for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _thumbprint(key: EllipticCurvePrivateKey) -> str:
    members = _required_members(key)
    canonical = "{" + ",".join(f'"{name}":"{members[name]}"' for name in sorted(members)) + "}"
    return base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()

"""
ES256 signing keys (P-256), one set for each purpose, so that no token can pass for one of another kind.

Files ``<purpose>-<number>.pem``; the highest number signs, the others still verify until they are removed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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


class Purpose(StrEnum):
    """What a key signs: HTTP access tokens; broker tokens of people, devices and services; of integrations."""

    ACCESS = "access"
    BROKER = "broker"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its id, which is the RFC 7638 thumbprint of its public half."""

    kid: str
    private: EllipticCurvePrivateKey = field(repr=False)

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JWK for verifying signatures."""
        return {**_required_members(self.private), "kid": self.kid, "use": "sig", "alg": ALGORITHM}

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return *claims* as a signed compact JWT with the key id in its header."""
        return jwt.encode(dict(claims), self.private, algorithm=ALGORITHM, headers={"kid": self.kid})


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All signing keys by purpose, oldest first."""

    keys: Mapping[Purpose, tuple[SigningKey, ...]]

    def signer(self, purpose: Purpose) -> SigningKey:
        """Return the key that signs now."""
        return self.keys[purpose][-1]

    def find(self, purpose: Purpose, kid: object) -> SigningKey | None:
        """Return the key of *purpose* with that id."""
        return next((key for key in self.keys[purpose] if key.kid == kid), None)


def load_keys(folder: Path) -> KeyRing:
    """
    Read the keys in *folder*; make the first one of each purpose where there is none.

    Raises:
        ConfigError: A file is not a P-256 private key.
    """
    return KeyRing({purpose: _load_purpose(folder, purpose) for purpose in Purpose})


def _load_purpose(folder: Path, purpose: Purpose) -> tuple[SigningKey, ...]:
    if not _files(folder, purpose):
        pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        create_private(folder / f"{purpose}-1.pem", pem)
    return tuple(_read(path) for path in _files(folder, purpose))


def _files(folder: Path, purpose: Purpose) -> list[Path]:
    found = {path: path.stem.removeprefix(f"{purpose}-") for path in folder.glob(f"{purpose}-*.pem")}
    return sorted((path for path, number in found.items() if number.isdecimal()), key=lambda path: int(found[path]))


def _read(path: Path) -> SigningKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is not a private key; put the right file back.") from error
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ConfigError(f"{path} is not a P-256 key; put the right file back.")
    return SigningKey(_thumbprint(key), key)


def _required_members(key: EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    x, y = (base64url_encode(number.to_bytes(32, "big")).decode() for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _thumbprint(key: EllipticCurvePrivateKey) -> str:
    members = _required_members(key)
    canonical = "{" + ",".join(f'"{name}":"{members[name]}"' for name in sorted(members)) + "}"
    return base64url_encode(hashlib.sha256(canonical.encode()).digest()).decode()

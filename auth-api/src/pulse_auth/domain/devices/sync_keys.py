"""
The auth API's own key pair of the identity sync: made at first start, kept in 0600 files.

Devices learn the public halves at enrollment. Nothing here leaves this machine but those.
Read next: the identity document, and ``enrollment`` (who hands them out).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

from .device_keys import Jwk, thumbprint


@dataclass(frozen=True, slots=True)
class SyncKeys:
    """Signs what goes to devices, opens what comes from them."""

    signing: Ed25519PrivateKey
    encryption: X25519PrivateKey

    def public(self) -> dict[str, Jwk]:
        """Return ``server_keys`` of the enrollment answer: public JWKs with their thumbprint as ``kid``."""
        return {
            "sync_signing": _public_jwk("Ed25519", self.signing.public_key().public_bytes_raw()),
            "sync_encryption": _public_jwk("X25519", self.encryption.public_key().public_bytes_raw()),
        }

    def signing_jwk(self) -> Jwk:
        """Return the signing key with its private half, for signing only."""
        return {**self.public()["sync_signing"], "d": _b64(self.signing.private_bytes_raw())}

    def encryption_jwk(self) -> Jwk:
        """Return the encryption key with its private half, for opening only."""
        return {**self.public()["sync_encryption"], "d": _b64(self.encryption.private_bytes_raw())}


def load_sync_keys(folder: Path) -> SyncKeys:
    """
    Read ``sync-signing.pem`` and ``sync-encryption.pem`` in *folder*; make what is missing, mode 0600.

    Raises:
        ConfigError: A file is there but holds something else.
    """
    signing = _load(folder / "sync-signing.pem", Ed25519PrivateKey.generate())
    encryption = _load(folder / "sync-encryption.pem", X25519PrivateKey.generate())
    if not isinstance(signing, Ed25519PrivateKey) or not isinstance(encryption, X25519PrivateKey):
        raise ConfigError(f"{folder} holds sync keys of another kind; put the right files back.")
    return SyncKeys(signing, encryption)


def _load(path: Path, fresh: Ed25519PrivateKey | X25519PrivateKey) -> object:
    pem = create_private(path, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    try:
        return load_pem_private_key(pem, password=None)
    except ValueError as error:
        raise ConfigError(f"{path} is not a private key; put the right file back.") from error


def _public_jwk(curve: str, raw: bytes) -> Jwk:
    jwk = {"kty": "OKP", "crv": curve, "x": _b64(raw)}
    return {**jwk, "kid": thumbprint(jwk)}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""The keys of the sync as this device holds them. The private halves never leave memory from here."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pulse_sync.envelopes import Key


@dataclass(frozen=True, slots=True)
class SyncKeys:
    """The device's own keys, and the server's public ones learned at enrollment."""

    signing: Key
    encryption: Key
    server_signing: Key
    server_encryption: Key


def private_key(key: Ed25519PrivateKey | X25519PrivateKey) -> Key:
    """Return a private key ready for the sync."""
    curve = "Ed25519" if isinstance(key, Ed25519PrivateKey) else "X25519"
    return Key({
        "kty": "OKP", "crv": curve, "x": _b64(key.public_key().public_bytes_raw()), "d": _b64(key.private_bytes_raw()),
    })  # fmt: skip


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

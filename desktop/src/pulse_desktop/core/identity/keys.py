"""
The device's own keys: Ed25519 to sign, X25519 to be written to. PKCS#8 PEM in the ``keystore``.

Private halves never leave this machine and are never logged. Pure but for making randomness through
``cryptography``. Read next: ``store``.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey


def to_pem(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    """Write a private key for a 0600 file."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def signing_key(pem: bytes) -> Ed25519PrivateKey:
    """
    Read the signing key.

    Raises:
        ValueError: Not an Ed25519 key.
    """
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("not an Ed25519 key")  # noqa: TRY004 - a wrong file, not a wrong argument
    return key


def encryption_key(pem: bytes) -> X25519PrivateKey:
    """
    Read the encryption key.

    Raises:
        ValueError: Not an X25519 key.
    """
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, X25519PrivateKey):
        raise ValueError("not an X25519 key")  # noqa: TRY004 - a wrong file, not a wrong argument
    return key


def public_jwk(key: Ed25519PublicKey | X25519PublicKey) -> dict[str, str]:
    """Return a public key as a JSON Web Key (RFC 8037)."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    curve = "Ed25519" if isinstance(key, Ed25519PublicKey) else "X25519"
    return {"kty": "OKP", "crv": curve, "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}

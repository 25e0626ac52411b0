"""
One-time enrollment codes: how they are made, read and stored.

A code is ``secret.fingerprint``: 128 random bits in base32, and the SHA-256 of the CA certificate, by which
a fresh device knows that it talks to the right server. Only the hash of the secret is stored. Pure; the
table is in ``enrollment``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

SECRET_BYTES = 16
_CODE = re.compile(r"([A-Z2-7]{26})(?:\.([A-Za-z0-9_-]{43}))?")


@dataclass(frozen=True, slots=True)
class PresentedCode:
    """What somebody presented: the hash of the secret, and the fingerprint if it came along."""

    secret_hash: bytes
    fingerprint: str | None

    def is_for(self, fingerprint: str) -> bool:
        """Tell whether the code belongs to the server with this CA *fingerprint*."""
        return self.fingerprint is None or hmac.compare_digest(self.fingerprint, fingerprint)


def ca_fingerprint(ca_pem: bytes) -> str:
    """
    Return base64url(SHA-256 of the certificate's DER) without padding, 43 characters.

    Raises:
        ValueError: Not a PEM certificate.
    """
    der = x509.load_pem_x509_certificate(ca_pem).public_bytes(Encoding.DER)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def make_code(fingerprint: str, random_bytes: Callable[[int], bytes]) -> tuple[str, bytes]:
    """Return a new code and the hash to store for it; *random_bytes* is ``secrets.token_bytes``."""
    secret = base64.b32encode(random_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    return f"{secret}.{fingerprint}", _hash(secret)


def read_code(text: str) -> PresentedCode | None:
    """Read a presented code, blanks around it ignored; ``None`` when it cannot be one."""
    found = _CODE.fullmatch(text.strip())
    return PresentedCode(_hash(found[1]), found[2]) if found else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"pulse enrollment code:" + secret.encode()).digest()

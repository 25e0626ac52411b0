"""
The keys of a device made by hand, and what it signs with them, from the contract alone.

Uses none of the project's own code, so that it also shows that the contract is enough.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class DeviceKeys:
    """The signing and the encryption key of one device id."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.signing, self.encryption = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()

    def enrollment(self, code: str, **changes: Any) -> dict[str, Any]:
        """Return the signed body of an enrollment with *code*; *changes* are made before signing."""
        body: dict[str, Any] = {
            "code": code,
            "client_id": self.client_id,
            "signing_key": {"kty": "OKP", "crv": "Ed25519", "x": b64(self.signing.public_key().public_bytes_raw())},
            "encryption_key": {
                "kty": "OKP",
                "crv": "X25519",
                "x": b64(self.encryption.public_key().public_bytes_raw()),
            },
            **changes,
        }
        return {**body, "proof": jwt.PyJWS().encode(json.dumps(body).encode(), self.signing, algorithm="EdDSA")}

    def assertion(self, now_s: int, **changes: Any) -> str:
        """Return an assertion that asks for a broker token, made at *now_s* (Unix time) and good for a minute."""
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": "pulse-api", "iat": now_s, "exp": now_s + 60}
        return jwt.encode({**claims, "jti": str(uuid.uuid4()), **changes}, self.signing, algorithm="EdDSA")

"""
Broker tokens for tests: an ES256 key, its JWKS file, and tokens with any claims, wrong ones included.

``TokenMint.token`` makes what the auth API would make; keyword arguments replace claims, ``None`` removes one.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pulse_acl.emit.jwt_claim import to_claim
from pulse_acl.rules import PERMISSION_RULES, SEEDED_ROLES, Rule, device_rules, ingest_rules, merge

ISSUER = "precisionpulse"


class TokenMint:
    """One signing key and the tokens it signs."""

    def __init__(self, key_id: str = "test-key", issuer: str = ISSUER) -> None:
        self.key_id, self.issuer = key_id, issuer
        self.private_key = ec.generate_private_key(ec.SECP256R1())

    def jwk(self) -> dict[str, str]:
        """Return the public key as a JWK."""
        numbers = self.private_key.public_key().public_numbers()
        point = {name: _base64url(number.to_bytes(32, "big")) for name, number in (("x", numbers.x), ("y", numbers.y))}
        return {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.key_id, **point}

    def public_pem(self) -> bytes:
        """Return the public key as PEM, for key confusion."""
        return self.private_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def write_jwks(self, path: Path, *others: TokenMint) -> None:
        """Write the JWKS file with this key and those of *others*, in one step."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({"keys": [mint.jwk() for mint in (self, *others)]}))
        draft.replace(path)

    def claims(self, client_id: str, username: str, rules: Iterable[Rule] = (), /, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token with *changes*; a change to ``None`` removes the claim."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": "pulse-broker",
            "sub": username,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 900,
            "client_id": client_id,
            "username": username,
            "acl": to_claim(rules),
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(
        self,
        client_id: str,
        username: str,
        rules: Iterable[Rule] = (),
        /,
        *,
        headers: dict[str, Any] | None = None,
        **changes: Any,
    ) -> str:
        """Return a signed token."""
        return self.sign(self.claims(client_id, username, rules, **changes), headers)

    def sign(self, claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        """Sign any claims."""
        return jwt.encode(claims, self.private_key, "ES256", headers={"kid": self.key_id, **(headers or {})})

    def device(self, client_id: str, **changes: Any) -> tuple[str, str, str]:
        """Return client id, user name and token of a device."""
        username = f"device:{client_id}"
        return client_id, username, self.token(client_id, username, device_rules(client_id), **changes)

    def ingest(self, instance: str = "1", **changes: Any) -> tuple[str, str, str]:
        """Return client id, user name and token of the ingest worker."""
        client_id, username = f"svc:ingest:{instance}", "service:ingest"
        return client_id, username, self.token(client_id, username, ingest_rules(instance), **changes)

    def user(
        self, name: str, role: str = "ADMIN", client_id: str | None = None, **changes: Any
    ) -> tuple[str, str, str]:
        """Return client id, user name and token of a person's browser."""
        rules = merge(PERMISSION_RULES[permission] for permission in sorted(SEEDED_ROLES[role]))
        client_id, username = client_id or f"web:{uuid.uuid4()}", f"user:{name}"
        return client_id, username, self.token(client_id, username, rules, **changes)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

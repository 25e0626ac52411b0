"""
The public keys of devices: what may be registered, and the proof that their owner asks.

Pure. Takes JSON Web Keys (RFC 8037) of exactly the two kinds in use; everything else is refused, and so is
anything that holds a private part. Read next: ``enrollment``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ...errors import KeyRefusedError, ProofRefusedError

Jwk = dict[str, str]
_PUBLIC_MEMBERS = frozenset({"kty", "crv", "x", "kid", "alg", "use"})
_MAX_PROOF_CHARS = 16_384


def signing_jwk(offered: object, name: str = "signing_key") -> Jwk:
    """
    Return the Ed25519 public key *offered*, reduced to ``kty``, ``crv``, ``x``; *name* is what errors call it.

    Raises:
        KeyRefusedError: Another kind of key, a private one, or malformed.
    """
    x = _coordinate(offered, "Ed25519", name)
    return {"kty": "OKP", "crv": "Ed25519", "x": x}


def encryption_jwk(offered: object) -> Jwk:
    """
    Return the X25519 public key *offered*, reduced to ``kty``, ``crv``, ``x``.

    Raises:
        KeyRefusedError: Another kind of key, a private one, malformed, or a point that gives no secret.
    """
    x = _coordinate(offered, "X25519", "encryption_key")
    try:
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(_decoded(x)))
    except ValueError as error:
        raise KeyRefusedError("encryption_key is a point of small order") from error
    return {"kty": "OKP", "crv": "X25519", "x": x}


def verifying_key(jwk: Jwk) -> Ed25519PublicKey:
    """Return the key that checks signatures made under a registered signing *jwk*."""
    return Ed25519PublicKey.from_public_bytes(_decoded(jwk["x"]))


def thumbprint(jwk: Jwk) -> str:
    """Return the key's RFC 7638 thumbprint (SHA-256, base64url)."""
    members = {name: jwk[name] for name in ("crv", "kty", "x")}
    digest = hashlib.sha256(msgspec.json.encode(members, order="sorted")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def check_proof(proof: str, signing: Jwk, expected: dict[str, Any]) -> None:
    """
    Check that *proof* is a compact JWS (EdDSA) over *expected* by the key *signing*.

    Args:
        proof: As received, unverified.
        signing: The key that is to be registered.
        expected: The other fields of the request; compared as JSON values, so their order is free.

    Raises:
        ProofRefusedError: Not such a JWS, another key's, or over something else.
    """
    if len(proof) > _MAX_PROOF_CHARS:
        raise ProofRefusedError("the proof is too long")
    try:
        payload = jwt.api_jws.decode(proof, verifying_key(signing), algorithms=["EdDSA"])
        signed = msgspec.json.decode(payload)
    except (jwt.PyJWTError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ProofRefusedError("the proof is not signed by the offered signing_key") from error
    if signed != expected:
        raise ProofRefusedError("the proof was made over other fields than those sent")


def _coordinate(offered: object, curve: str, name: str) -> str:
    if not isinstance(offered, dict):
        raise KeyRefusedError(f"{name} is not a JSON Web Key")
    if "d" in offered:
        raise KeyRefusedError(f"{name} contains the private key; keep that on the device")
    if offered.get("kty") != "OKP" or offered.get("crv") != curve:
        raise KeyRefusedError(f"{name} must be an {curve} key (kty OKP)")
    if not offered.keys() <= _PUBLIC_MEMBERS:
        raise KeyRefusedError(f"{name} has unknown members")
    x = offered.get("x")
    if not isinstance(x, str) or len(x) != 43:
        raise KeyRefusedError(f"{name} has no x of 32 bytes")
    try:
        raw = _decoded(x)
    except (binascii.Error, ValueError) as error:
        raise KeyRefusedError(f"{name} has an x that is not base64url") from error
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != x:
        raise KeyRefusedError(f"{name} has an x that is not canonical base64url")
    return x


def _decoded(x: str) -> bytes:
    return base64.b64decode(x + "=", altchars=b"-_", validate=True)

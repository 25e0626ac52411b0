"""Access tokens: every claim required, and tested missing, wrong and expired."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pulse_auth.domain.accounts.access_tokens import LIFETIME_S, AccessClaims, AccessTokens
from pulse_auth.errors import NotSignedInError
from pulse_auth.keys.signing import KeyRing, Purpose, load_keys

NOW = datetime(2026, 2, 7, 10, tzinfo=UTC)
CLAIMS = AccessClaims(uuid4(), uuid4(), 3)


@pytest.fixture
def keys(tmp_path: Path) -> KeyRing:
    return load_keys(tmp_path)


@pytest.fixture
def tokens(keys: KeyRing) -> AccessTokens:
    return AccessTokens(keys, "precisionpulse")


def good(tokens: AccessTokens) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(tokens.mint(CLAIMS, NOW), options={"verify_signature": False})
    return claims


def test_check_minted_token_gives_the_claims_until_it_expires(tokens: AccessTokens) -> None:
    token = tokens.mint(CLAIMS, NOW)
    assert tokens.check(token, NOW) == CLAIMS
    assert tokens.check(token, NOW + timedelta(seconds=LIFETIME_S - 1)) == CLAIMS
    with pytest.raises(NotSignedInError) as refused:
        tokens.check(token, NOW + timedelta(seconds=LIFETIME_S))
    assert refused.value.fields["expired"] is True


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "jti", "iat", "exp", "sid", "gen"])
def test_check_claim_missing_is_refused(tokens: AccessTokens, keys: KeyRing, claim: str) -> None:
    claims = good(tokens)
    del claims[claim]
    with pytest.raises(NotSignedInError):
        tokens.check(keys.signer(Purpose.ACCESS).sign(claims), NOW)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "somebody-else"),
        ("aud", "pulse-broker"),
        ("aud", ["pulse-api"]),
        ("aud", None),
        ("sub", "user:admin"),
        ("sub", 7),
        ("sid", "x"),
        ("gen", "3"),
        ("gen", True),
        ("exp", "never"),
        ("exp", 4_102_444_800.5),
        ("exp", None),
        ("iat", None),
    ],
)
def test_check_claim_wrong_is_refused(tokens: AccessTokens, keys: KeyRing, claim: str, value: object) -> None:
    token = keys.signer(Purpose.ACCESS).sign(good(tokens) | {claim: value})
    with pytest.raises(NotSignedInError):
        tokens.check(token, NOW)


@pytest.mark.parametrize("purpose", [Purpose.BROKER, Purpose.INTEGRATION])
def test_check_signed_by_a_key_of_another_purpose_is_refused(
    tokens: AccessTokens, keys: KeyRing, purpose: Purpose
) -> None:
    with pytest.raises(NotSignedInError):
        tokens.check(keys.signer(purpose).sign(good(tokens)), NOW)


def test_check_foreign_key_under_our_key_id_is_refused(tokens: AccessTokens, keys: KeyRing) -> None:
    kid = keys.signer(Purpose.ACCESS).kid
    token = jwt.encode(good(tokens), generate_private_key(SECP256R1()), "ES256", headers={"kid": kid})
    with pytest.raises(NotSignedInError):
        tokens.check(token, NOW)


def _unsigned(header: dict[str, object], claims: dict[str, Any]) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, ""])


def test_check_algorithm_none_is_refused(tokens: AccessTokens, keys: KeyRing) -> None:
    with pytest.raises(NotSignedInError):
        tokens.check(_unsigned({"alg": "none", "kid": keys.signer(Purpose.ACCESS).kid}, good(tokens)), NOW)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_check_public_key_used_as_shared_secret_is_refused(tokens: AccessTokens, keys: KeyRing) -> None:
    key = keys.signer(Purpose.ACCESS)
    raw = key.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    token = jwt.encode(good(tokens), raw, "HS256", headers={"kid": key.kid})
    with pytest.raises(NotSignedInError):
        tokens.check(token, NOW)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "é.é.é", "x" * 100_000, "eyJhbGciOiJFUzI1NiJ9.e30."])
def test_check_any_other_text_is_refused(tokens: AccessTokens, text: str) -> None:
    with pytest.raises(NotSignedInError):
        tokens.check(text, NOW)

"""Assertions of devices: every claim required, and tested missing, wrong and out of time."""

import base64
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulse_auth.domain.devices.assertions import (
    check_assertion,
    claimed_client_id,
)
from pulse_auth.errors import AssertionRefusedError, ClockSkewError

KEY = Ed25519PrivateKey.generate()
X = base64.urlsafe_b64encode(KEY.public_key().public_bytes_raw()).rstrip(b"=").decode()
JWK = {"kty": "OKP", "crv": "Ed25519", "x": X}
NOW = datetime(2026, 2, 7, 12, 0, tzinfo=UTC)
T = int(NOW.timestamp())
CLAIMS: dict[str, Any] = {"iss": "D1", "sub": "D1", "aud": "pulse-api", "iat": T, "exp": T + 60, "jti": "j"}


def assertion(key: Any = KEY, algorithm: str = "EdDSA", **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm)


def test_check_assertion_that_is_right_names_the_device() -> None:
    found = check_assertion(assertion(), JWK, NOW)
    assert (found.client_id, found.jti, found.forget_at.timestamp()) == ("D1", "j", T + 70)
    assert claimed_client_id(assertion()) == "D1"


@pytest.mark.parametrize("claim", list(CLAIMS))
def test_check_assertion_without_a_claim_is_refused(claim: str) -> None:
    with pytest.raises(AssertionRefusedError):
        check_assertion(assertion(**{claim: None}), JWK, NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "D2"},
        {"aud": "pulse-broker"},
        {"aud": ["pulse-api"]},
        {"jti": ""},
        {"jti": "j" * 129},
        {"jti": 5},
        {"jti": "\ud800"},
        {"iat": True},
        {"exp": T + 0.5},
        {"exp": T + 61},
        {"exp": T},
        {"iat": "now"},
    ],
)
def test_check_assertion_with_a_wrong_claim_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(AssertionRefusedError) as refused:
        check_assertion(assertion(**changes), JWK, NOW)
    assert not isinstance(refused.value, ClockSkewError)


@pytest.mark.parametrize("offset_s", [-69, -10, 0, 10])
def test_check_assertion_within_the_tolerated_skew_passes(offset_s: int) -> None:
    assert check_assertion(assertion(iat=T + offset_s, exp=T + offset_s + 60), JWK, NOW).client_id == "D1"


@pytest.mark.parametrize("offset_s", [-10_000, -70, 11, 10_000])
def test_check_assertion_beyond_the_skew_is_a_clock_error(offset_s: int) -> None:
    with pytest.raises(ClockSkewError):
        check_assertion(assertion(iat=T + offset_s, exp=T + offset_s + 60), JWK, NOW)


@pytest.mark.parametrize(
    "made",
    [
        lambda: assertion(key=Ed25519PrivateKey.generate()),
        lambda: assertion(key=None, algorithm="none"),
        lambda: assertion(key="a shared secret of at least thirty-two bytes", algorithm="HS256"),
        lambda: "x.y.z",
        lambda: "",
    ],
)
def test_check_assertion_not_signed_by_the_registered_key_is_refused(made: Any) -> None:
    with pytest.raises(AssertionRefusedError):
        check_assertion(made(), JWK, NOW)


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "A" * 9_000])
def test_claimed_client_id_of_no_jwt_is_refused(text: str) -> None:
    with pytest.raises(AssertionRefusedError):
        claimed_client_id(text)


@pytest.mark.parametrize("issuer", [None, 5, "", "a/b", "web:1", "D" * 65])
def test_claimed_client_id_that_is_no_device_id_is_refused(issuer: object) -> None:
    with pytest.raises(AssertionRefusedError):
        claimed_client_id(jwt.encode({"iss": issuer} if isinstance(issuer, str) else {}, KEY, algorithm="EdDSA"))

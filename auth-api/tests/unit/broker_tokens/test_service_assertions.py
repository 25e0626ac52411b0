"""Assertions of services: every claim required, and tested missing, wrong and expired."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulse_auth.domain.broker_tokens.service_assertions import ServiceAssertion, check_service_assertion
from pulse_auth.errors import AssertionRefusedError

NOW = datetime(2026, 2, 7, 10, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY = Ed25519PrivateKey.generate()
GOOD: dict[str, Any] = {
    "iss": "service:ingest",
    "sub": "service:ingest",
    "aud": "pulse-api",
    "iat": AT,
    "exp": AT + 60,
    "jti": "one",
    "instance": "1",
}


def jwk(key: Ed25519PrivateKey) -> str:
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return json.dumps({"kty": "OKP", "crv": "Ed25519", "x": x})


@pytest.fixture
def keys_dir(tmp_path: Path) -> Path:
    (tmp_path / "ingest.jwk.json").write_text(jwk(KEY))
    return tmp_path


def check(keys_dir: Path, assertion: str, now: datetime = NOW) -> ServiceAssertion:
    return check_service_assertion(assertion, keys_dir, frozenset({"ingest"}), now)


def signed(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, KEY, algorithm="EdDSA")


def test_check_good_assertion_names_service_and_instance(keys_dir: Path) -> None:
    found = check(keys_dir, signed(GOOD))
    assert (found.service, found.instance, found.jti) == ("ingest", "1", "one")
    assert found.forget_at == NOW + timedelta(seconds=70)


@pytest.mark.parametrize("claim", list(GOOD))
def test_check_claim_missing_is_refused(keys_dir: Path, claim: str) -> None:
    with pytest.raises(AssertionRefusedError):
        check(keys_dir, signed({name: value for name, value in GOOD.items() if name != claim}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "service:other", "sub": "service:other"},
        {"iss": "service:../ingest"},
        {"iss": "ingest", "sub": "ingest"},
        {"sub": "service:other"},
        {"aud": "pulse-broker"},
        {"aud": ["pulse-api"]},
        {"exp": AT + 61},
        {"exp": AT},
        {"exp": float(AT + 30)},
        {"iat": AT + 11, "exp": AT + 60},
        {"iat": AT - 70, "exp": AT - 10},
        {"jti": ""},
        {"jti": "x" * 129},
        {"jti": "a\x00b"},
        {"jti": "\ud800"},
        {"instance": "a/b"},
        {"instance": "+"},
        {"instance": ""},
    ],
)
def test_check_claim_wrong_is_refused(keys_dir: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionRefusedError):
        check(keys_dir, signed(GOOD | wrong))


def test_check_foreign_key_is_refused(keys_dir: Path) -> None:
    with pytest.raises(AssertionRefusedError, match="not signed"):
        check(keys_dir, jwt.encode(GOOD, Ed25519PrivateKey.generate(), algorithm="EdDSA"))


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_check_other_algorithms_are_refused(keys_dir: Path) -> None:
    for assertion in (
        jwt.encode(GOOD, KEY.public_key().public_bytes_raw(), algorithm="HS256"),
        jwt.encode(GOOD, "", algorithm="none"),
    ):
        with pytest.raises(AssertionRefusedError):
            check(keys_dir, assertion)


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"kty":"OKP","crv":"Ed25519","x":"AA"}'])
def test_check_damaged_key_file_is_refused(keys_dir: Path, content: str) -> None:
    (keys_dir / "ingest.jwk.json").write_text(content)
    with pytest.raises(AssertionRefusedError, match="cannot be read"):
        check(keys_dir, signed(GOOD))


def test_check_service_without_a_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionRefusedError, match="no key"):
        check(tmp_path, signed(GOOD))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "x" * 10_000, "[" * 5_000])
def test_check_any_other_text_is_refused(keys_dir: Path, text: str) -> None:
    with pytest.raises(AssertionRefusedError):
        check(keys_dir, text)

"""What may be registered as a device's key, and what proves that it is the sender's."""

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pulse_auth.domain.devices.device_keys import (
    check_proof,
    encryption_jwk,
    signing_jwk,
    thumbprint,
)
from pulse_auth.domain.devices.sync_keys import load_sync_keys
from pulse_auth.errors import KeyRefusedError, ProofRefusedError
from pulse_runtime.errors import ConfigError

SIGNING, ENCRYPTION = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


SIGNING_JWK = {"kty": "OKP", "crv": "Ed25519", "x": b64(SIGNING.public_key().public_bytes_raw())}
ENCRYPTION_JWK = {"kty": "OKP", "crv": "X25519", "x": b64(ENCRYPTION.public_key().public_bytes_raw())}


def test_keys_of_the_right_kinds_are_taken_without_their_optional_members() -> None:
    assert signing_jwk({**SIGNING_JWK, "kid": "k", "alg": "EdDSA", "use": "sig"}) == SIGNING_JWK
    assert encryption_jwk(ENCRYPTION_JWK) == ENCRYPTION_JWK


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"d": "secret"}, "private key"),
        ({"kty": "RSA"}, "must be an Ed25519"),
        ({"crv": "X25519"}, "must be an Ed25519"),
        ({"crv": "P-256", "kty": "EC"}, "must be an Ed25519"),
        ({"x": None}, "32 bytes"),
        ({"x": "A" * 42}, "32 bytes"),
        ({"x": "!" * 43}, "base64url"),
        ({"x": "A" * 42 + "B"}, "canonical"),
        ({"surprise": "1"}, "unknown members"),
    ],
)
def test_signing_jwk_that_is_another_thing_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(KeyRefusedError, match=reason):
        signing_jwk({**SIGNING_JWK, **changes})


@pytest.mark.parametrize("offered", [None, "key", [], {}])
def test_signing_jwk_that_is_no_key_is_refused(offered: object) -> None:
    with pytest.raises(KeyRefusedError):
        signing_jwk(offered)


def test_encryption_jwk_of_small_order_is_refused() -> None:
    with pytest.raises(KeyRefusedError, match="small order"):
        encryption_jwk({"kty": "OKP", "crv": "X25519", "x": b64(bytes(32))})


FIELDS = {"code": "c", "client_id": "D1", "signing_key": SIGNING_JWK}


def proof(fields: object = FIELDS, key: Any = SIGNING, algorithm: str = "EdDSA") -> str:
    return jwt.PyJWS().encode(json.dumps(fields).encode(), key, algorithm=algorithm)


def test_check_proof_by_the_offered_key_over_the_same_fields_passes() -> None:
    reordered = dict(reversed(FIELDS.items()))
    check_proof(proof(reordered), SIGNING_JWK, FIELDS)


@pytest.mark.parametrize(
    "made",
    [
        lambda: proof(key=Ed25519PrivateKey.generate()),
        lambda: proof(key="a shared secret of at least thirty-two bytes", algorithm="HS256"),
        lambda: proof(key=None, algorithm="none"),
        lambda: proof({**FIELDS, "client_id": "D2"}),
        lambda: proof({**FIELDS, "more": 1}),
        lambda: proof("text"),
        lambda: "not.a.jws",
        lambda: "",
        lambda: "é",
        lambda: proof(FIELDS) + "A",
        lambda: "A" * 20_000,
        lambda: jwt.PyJWS().encode(b"[" * 8_000, SIGNING, algorithm="EdDSA"),
    ],
)
def test_check_proof_that_proves_nothing_is_refused(made: Any) -> None:
    with pytest.raises(ProofRefusedError):
        check_proof(made(), SIGNING_JWK, FIELDS)


def test_thumbprint_is_that_of_rfc_8037() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_sync_keys_are_made_once_and_private(tmp_path: Path) -> None:
    first = load_sync_keys(tmp_path / "keys").public()
    assert load_sync_keys(tmp_path / "keys").public() == first
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert first["sync_signing"]["crv"] == "Ed25519"
    assert "d" not in first["sync_encryption"]


def test_sync_keys_file_with_something_else_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "sync-signing.pem").write_text("nonsense")
    with pytest.raises(ConfigError, match="not a private key"):
        load_sync_keys(tmp_path)

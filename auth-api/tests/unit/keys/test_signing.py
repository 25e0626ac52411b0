"""Key files: made once, private, one purpose each; the set that brokers get."""

from __future__ import annotations

import json
import time
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey

from pulse_auth.keys.jwks import broker_jwks, publish_jwks
from pulse_auth.keys.signing import ANNOUNCED_S, KeyRing, Purpose, load_keys
from pulse_runtime.errors import ConfigError


def _pem(key: object) -> bytes:
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    return made


def test_load_keys_first_start_makes_private_files_and_the_second_reads_them(tmp_path: Path) -> None:
    made = load_keys(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["access-1.pem", "broker-1.pem", "integration-1.pem"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    again = load_keys(tmp_path)
    assert [again.signer(purpose).kid for purpose in Purpose] == [made.signer(purpose).kid for purpose in Purpose]
    assert len({made.signer(purpose).kid for purpose in Purpose}) == 3


def test_load_keys_a_newer_file_signs_and_the_older_still_verifies(tmp_path: Path) -> None:
    old = load_keys(tmp_path).signer(Purpose.BROKER)
    (tmp_path / "broker-10.pem").write_bytes(_pem(generate_private_key(SECP256R1())))
    (tmp_path / "broker-9.pem").write_bytes(_pem(generate_private_key(SECP256R1())))
    keys = load_keys(tmp_path, lambda: time.time() + ANNOUNCED_S)
    assert keys.find(Purpose.BROKER, old.kid) is not None
    assert keys.signer(Purpose.BROKER).kid == keys.keys[Purpose.BROKER][2].kid != old.kid
    assert keys.find(Purpose.ACCESS, old.kid) is None


@pytest.mark.parametrize("content", [b"", b"not a key", _pem(generate_private_key(SECP384R1()))])
def test_load_keys_damaged_or_other_key_is_a_config_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "access-1.pem").write_bytes(content)
    with pytest.raises(ConfigError, match=r"access-1\.pem"):
        load_keys(tmp_path)


def test_broker_jwks_verifies_broker_tokens_and_has_no_access_key(tmp_path: Path) -> None:
    keys = load_keys(tmp_path)
    published = {key["kid"]: key for key in json.loads(broker_jwks(keys))["keys"]}
    assert published.keys() == {keys.signer(Purpose.BROKER).kid, keys.signer(Purpose.INTEGRATION).kid}
    assert all("d" not in key and key["alg"] == "ES256" for key in published.values())
    signer = keys.signer(Purpose.BROKER)
    token = signer.sign({"hello": "broker"})
    public = jwt.PyJWK(published[jwt.get_unverified_header(token)["kid"]])
    assert jwt.decode(token, public, algorithms=["ES256"]) == {"hello": "broker"}
    stolen = keys.signer(Purpose.ACCESS).sign({"hello": "broker"})
    for key in published.values():
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(stolen, jwt.PyJWK(key), algorithms=["ES256"])


def test_kid_is_the_rfc_7638_thumbprint(tmp_path: Path) -> None:
    signer = load_keys(tmp_path).signer(Purpose.ACCESS)
    members: dict[str, str | list[str]] = {**signer.public_jwk()}
    assert ECKey.import_key(members).thumbprint() == signer.kid


def test_broker_jwks_without_keys_is_never_published(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        broker_jwks(KeyRing(dict.fromkeys(Purpose, ())))


def test_publish_jwks_same_set_again_leaves_the_file_alone(tmp_path: Path) -> None:
    keys, path = load_keys(tmp_path / "keys"), tmp_path / "jwks.json"
    publish_jwks(keys, path)
    first = path.stat()
    publish_jwks(keys, path)
    assert path.stat().st_ino == first.st_ino
    path.write_text("{}")
    publish_jwks(keys, path)
    assert path.read_bytes() == broker_jwks(keys)

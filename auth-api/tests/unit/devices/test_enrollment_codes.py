"""One-time codes: strength, form, and what is stored of them."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding

from pulse_auth.domain.devices.enrollment_codes import SECRET_BYTES, ca_fingerprint, make_code, read_code

FINGERPRINT = "f" * 43


def certificate() -> bytes:
    key, name = generate_private_key(SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_make_code_holds_at_least_100_bits_and_ends_in_the_fingerprint() -> None:
    code, stored = make_code(FINGERPRINT, secrets.token_bytes)
    assert SECRET_BYTES * 8 >= 100
    assert code.partition(".")[2] == FINGERPRINT
    assert code.partition(".")[0].encode() not in stored


def test_read_code_of_a_made_one_finds_what_was_stored() -> None:
    code, stored = make_code(FINGERPRINT, secrets.token_bytes)
    for presented in (code, f" {code}\n", code.partition(".")[0]):
        found = read_code(presented)
        assert found is not None
        assert found.secret_hash == stored
        assert found.is_for(FINGERPRINT)


def test_read_code_with_another_fingerprint_is_not_for_this_server() -> None:
    code, _ = make_code("e" * 43, secrets.token_bytes)
    found = read_code(code)
    assert found is not None
    assert not found.is_for(FINGERPRINT)


@pytest.mark.parametrize("text", ["", ".", "A" * 26 + ".", "A" * 25, "a" * 26, "A" * 26 + "." + "f" * 44, "A" * 10_000])
def test_read_code_of_anything_else_is_none(text: str) -> None:
    assert read_code(text) is None


def test_ca_fingerprint_is_43_characters_of_base64url() -> None:
    pem = certificate()
    assert len(ca_fingerprint(pem)) == 43
    assert ca_fingerprint(pem) == ca_fingerprint(b"# comment\n" + pem)
    with pytest.raises(ValueError, match="PEM"):
        ca_fingerprint(b"no certificate")

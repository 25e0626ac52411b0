"""
Makes this machine a device: fetches the server's CA, compares it with the code, registers fresh keys.

Safe to interrupt and to repeat: nothing is stored before the server has agreed, and then in one step. The code is
used up by the server's agreement, so a repetition after a lost answer needs a new one, and the sentence says so.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from pulse_acl.payloads import format_time
from pulse_acl.topics import is_device_id
from pulse_runtime.environment import checked_url

from ..errors import EnrollmentError, network_cause
from . import api, keystore, store
from .keys import public_jwk, to_pem

NEW_CODE = "ask an administrator for a new code"
_IN_BETWEEN = "this may be another server in between: check the address, and ask the administrator before you try again"
_SENTENCES = {
    "code-refused": f"the code is wrong, was used or has expired: {{detail}}; {NEW_CODE}",
    "device-exists": "the id {client_id} is taken: {detail}; choose another id, or ask for a code made for this one",
    "too-many-attempts": "too many failed tries: {detail}; wait a minute and try again",
    "certificate-missing": "the server is not ready: {detail}; try again in a moment",
    "database-unavailable": "the server is not ready: {detail}; try again in a moment",
}


def enroll(
    folder: Path,
    client_id: str,
    *,
    api_url: str,
    code: str,
    broker_url: str | None,
    now: Callable[[], datetime],
    in_keyring: bool = False,
) -> store.Identity:
    """
    Register *client_id* at *api_url* with a one-time *code* and store the device in *folder*.

    Args:
        folder: The device's folder, made and private; an older identity in it is replaced.
        client_id: 1 to 64 of ``A-Z a-z 0-9 . _ -``.
        api_url: https, or http on this machine.
        code: ``<random>.<fingerprint of the CA>`` as the administrator gave it.
        broker_url: Goes before the address that the server gives; ``None``: the server's.
        now: The wall clock.
        in_keyring: Whether the keys go into the system's keyring; else into files.

    Raises:
        EnrollmentError: Why not, and what to do, in one sentence.
        ConfigError: An address in clear text that leaves this machine.
    """
    if not is_device_id(client_id):
        raise EnrollmentError(f"{client_id!r} cannot be a device id; use 1 to 64 of A-Z a-z 0-9 . _ -.")
    checked_url(api_url, "the API's address", secure="https", loopback_only="http")
    if broker_url is not None:
        checked_url(broker_url, "the broker's address", secure="mqtts", loopback_only="mqtt")
    secret, _, expected = code.strip().rpartition(".")
    if not secret or not expected:
        raise EnrollmentError("the code is incomplete; copy all of it, with the part behind the last point.")
    if not code.isascii():  # a dash or a quotation mark that a text program put in place of what was there
        raise EnrollmentError("the code has a character that no code has; copy it again, as it was given.")
    ca_pem = _trusted_ca(api_url, expected)
    signing, encryption = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
    fields: dict[str, Any] = {
        "code": code.strip(),
        "client_id": client_id,
        "signing_key": public_jwk(signing.public_key()),
        "encryption_key": public_jwk(encryption.public_key()),
    }
    answer = _register(api_url, ca_pem, fields, signing)
    about = {"client_id": client_id, "api_url": api_url.rstrip("/"), "broker_url": broker_url, "ca_pem": ca_pem}
    identity = _identity(answer, {**about, "enrolled_at": format_time(now())}, in_keyring=in_keyring)
    store.save(folder, identity, to_pem(signing), to_pem(encryption))
    return identity


def _trusted_ca(api_url: str, expected: str) -> str:
    """Return the one certificate that the code names; whatever else is in the answer was vouched for by nobody."""
    try:
        served = x509.load_pem_x509_certificates(api.fetch_ca(api_url))
    except api.ApiUnreachableError as error:
        raise EnrollmentError(f"the API at {api_url} does not answer: {error}; check the address.") from error
    except (api.RefusalError, ValueError) as error:
        raise EnrollmentError(f"{api_url} is not the API of PrecisionPulse; check the address.") from error
    for certificate in served:
        if secrets.compare_digest(_fingerprint(certificate), expected):
            return certificate.public_bytes(Encoding.PEM).decode()
    raise EnrollmentError(f"the server's certificate authority is not the one that the code names; {_IN_BETWEEN}.")


def _fingerprint(certificate: x509.Certificate) -> str:
    """Return base64url(SHA-256(DER)) of a certificate, without padding."""
    der = certificate.public_bytes(Encoding.DER)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def _register(api_url: str, ca_pem: str, fields: dict[str, Any], signing: Ed25519PrivateKey) -> dict[str, Any]:
    proof = jwt.api_jws.encode(msgspec.json.encode(fields), signing, algorithm="EdDSA")
    try:
        return api.post(api_url, "/devices/enroll", {**fields, "proof": proof}, ca_pem)
    except api.ApiUnreachableError as error:
        if isinstance(network_cause(error), ssl.SSLCertVerificationError):
            raise EnrollmentError(
                f"the server's certificate is not of the authority that the code names; {_IN_BETWEEN}."
            ) from error
        raise EnrollmentError(
            f"the API at {api_url} did not answer: {error}; try again, and {NEW_CODE} if this one is then used up."
        ) from error
    except api.RefusalError as refusal:
        sentence = _SENTENCES.get(refusal.type, "the server refuses ({status}): {detail}")
        detail = refusal.detail.rstrip(".")
        raise EnrollmentError(
            sentence.format(client_id=fields["client_id"], detail=detail, status=refusal.status) + "."
        ) from refusal


def _identity(answer: dict[str, Any], about: dict[str, Any], *, in_keyring: bool) -> store.Identity:
    mark = secrets.token_hex(4)
    try:
        told = {
            "mqtts_url": answer["broker"]["mqtts_url"],
            "wss_url": answer["broker"].get("wss_url"),
            "signing_key": keystore.place("signing-key", mark, in_keyring=in_keyring),
            "encryption_key": keystore.place("encryption-key", mark, in_keyring=in_keyring),
            "sync_signing": answer["server_keys"]["sync_signing"],
            "sync_encryption": answer["server_keys"]["sync_encryption"],
        }
        return msgspec.convert({**about, **told}, store.Identity)
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
        raise EnrollmentError(f"the server's answer is incomplete ({error}); {NEW_CODE}.") from error

"""
The local certificate authority and the server certificate it signs, made at the first start.

The authority is never made anew behind anyone's back: devices have learned its fingerprint. The server
certificate is, when it is about to expire or this machine has another name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

from .settings import Settings

log = structlog.get_logger()
CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
CLOCK_SLACK = timedelta(hours=1)


def ensure_certificates(settings: Settings, now: Callable[[], float]) -> bool:
    """
    Make what is missing or about to expire; tell whether the server certificate is a new one.

    Raises:
        ConfigError: Files that do not belong together, are missing, or cannot be read.
    """
    if settings.own_certificates:
        return False
    at = datetime.fromtimestamp(now(), UTC)
    ca_key_file = settings.tls_key_file.parent / "ca-key.pem"
    if not settings.ca_file.exists() and not ca_key_file.exists():
        _make_authority(settings.ca_file, ca_key_file, at)
    if _server_is_good(settings, at):
        return False
    ca, ca_key = _load_authority(settings.ca_file, ca_key_file)
    _make_server(settings, ca, ca_key, at)
    return True


def server_context(settings: Settings) -> ssl.SSLContext:
    """
    Return the TLS context of the listeners.

    Raises:
        ConfigError: Certificate or key cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_server(context, settings)
    return context


def load_server(context: ssl.SSLContext, settings: Settings) -> None:
    """
    Put the present certificate into *context*; connections that are open keep theirs.

    Raises:
        ConfigError: Certificate or key cannot be used, or the key is readable by others.
    """
    try:
        if settings.tls_key_file.stat().st_mode & 0o077:
            raise ConfigError(f"PULSE_TLS_KEY_FILE {settings.tls_key_file} may be read by others; make its mode 0600.")
        context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"the certificate {settings.tls_cert_file} cannot be used: {error}.") from error


def _server_is_good(settings: Settings, at: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(settings.tls_cert_file.read_bytes())
        ca = x509.load_pem_x509_certificate(settings.ca_file.read_bytes())
        certificate.verify_directly_issued_by(ca)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception as error:  # noqa: BLE001 -- whatever is wrong with it, it is made anew
        log.info("certificates.server_certificate_needed", reason=type(error).__name__)
        return False
    return (
        settings.tls_key_file.exists()
        and certificate.not_valid_after_utc - RENEW_BEFORE > at
        and set(names) >= set(_server_names())
    )


def _load_authority(ca_file: Path, ca_key_file: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        ca = x509.load_pem_x509_certificate(ca_file.read_bytes())
        key = serialization.load_pem_private_key(ca_key_file.read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"the certificate authority in {ca_file} and {ca_key_file} cannot be read: {error}."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != ca.public_key():
        raise ConfigError(f"{ca_key_file} is not the key of {ca_file}; restore the pair.")
    return ca, key


def _make_authority(ca_file: Path, ca_key_file: Path, at: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"PrecisionPulse local CA {at:%Y-%m-%d}")])
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    builder = (
        _builder(name, name, key, at, CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    write_private(ca_key_file, _pem(key))
    write_private(ca_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    log.info("certificates.authority_made", file=str(ca_file), until=certificate.not_valid_after_utc.isoformat())


def _make_server(settings: Settings, ca: x509.Certificate, ca_key: ec.EllipticCurvePrivateKey, at: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "PrecisionPulse broker")])
    builder = (
        _builder(name, ca.subject, key, at, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_server_names()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    certificate = builder.sign(ca_key, hashes.SHA256())
    write_private(settings.tls_key_file, _pem(key))
    write_private(settings.tls_cert_file, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    log.info("certificates.server_certificate_made", until=certificate.not_valid_after_utc.isoformat())


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, at: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - CLOCK_SLACK)
        .not_valid_after(at + life)
    )


def _server_names() -> list[x509.GeneralName]:
    """Return what clients on this machine may call the server."""
    names = dict.fromkeys(["localhost", socket.gethostname()])
    return [
        *(x509.DNSName(name) for name in names if name.isascii()),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

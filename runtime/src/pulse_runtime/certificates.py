"""
A certificate authority of one's own, and the server certificates that it signs.

The authority is never made anew behind anyone's back: devices have learned its fingerprint. Server certificates are,
when they are about to expire or the server has another name. Who calls: the embedded broker, and the job that
prepares a deployment.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .errors import ConfigError
from .private_files import write_private

log = structlog.get_logger()
CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)
CLOCK_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """Where a server's certificate and key lie (PEM); ``key_mode``: 0600, or 0640 for a server with another user."""

    certificate: Path
    key: Path
    key_mode: int = 0o600


def make_authority(ca_file: Path, ca_key_file: Path, at: datetime) -> None:
    """Write a new authority, good for ten years from *at* (aware)."""
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


def load_authority(ca_file: Path, ca_key_file: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """
    Return the authority of these files.

    Raises:
        ConfigError: They cannot be read, or are no pair.
    """
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


def server_is_good(files: ServerFiles, ca_file: Path, names: Iterable[x509.GeneralName], at: datetime) -> bool:
    """Tell whether the server's certificate is the authority's, has all *names*, and lasts a month more."""
    try:
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
        ca = x509.load_pem_x509_certificate(ca_file.read_bytes())
        certificate.verify_directly_issued_by(ca)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception as error:  # noqa: BLE001 -- whatever is wrong with it, it is made anew
        log.info("certificates.server_certificate_needed", reason=type(error).__name__)
        return False
    return files.key.exists() and certificate.not_valid_after_utc - RENEW_BEFORE > at and set(found) >= set(names)


def make_server(
    files: ServerFiles,
    authority: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    names: Sequence[x509.GeneralName],
    at: datetime,
    *,
    common_name: str,
) -> None:
    """Write a new key and its certificate for *names*, good for 397 days from *at* (aware)."""
    ca, ca_key = authority
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = (
        _builder(name, ca.subject, key, at, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    certificate = builder.sign(ca_key, hashes.SHA256())
    write_private(files.key, _pem(key), mode=files.key_mode)
    write_private(files.certificate, certificate.public_bytes(serialization.Encoding.PEM), mode=0o644)
    log.info("certificates.server_certificate_made", until=certificate.not_valid_after_utc.isoformat())


def subject_names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    """Return the names of *hosts* as certificates hold them: IP addresses as such, ASCII names, the rest left out."""
    return [_subject_name(host) for host in dict.fromkeys(hosts) if host.isascii()]


def _subject_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


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

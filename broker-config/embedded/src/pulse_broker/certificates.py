"""
The broker's TLS: its certificates, made at the first start by an authority of this machine, and its context.

Read next: ``pulse_runtime.certificates``, which makes them.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography import x509

from pulse_runtime.certificates import (
    ServerFiles,
    load_authority,
    make_authority,
    make_server,
    server_is_good,
    subject_names,
)
from pulse_runtime.errors import ConfigError

from .settings import Settings


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
    files, names = ServerFiles(settings.tls_cert_file, settings.tls_key_file), _server_names()
    if not settings.ca_file.exists() and not ca_key_file.exists():
        make_authority(settings.ca_file, ca_key_file, at)
    if server_is_good(files, settings.ca_file, names, at):
        return False
    authority = load_authority(settings.ca_file, ca_key_file)
    make_server(files, authority, names, at, common_name="PrecisionPulse broker")
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


def _server_names() -> list[x509.GeneralName]:
    """Return what clients on this machine may call the server."""
    return subject_names(["localhost", socket.gethostname(), "127.0.0.1", "::1"])

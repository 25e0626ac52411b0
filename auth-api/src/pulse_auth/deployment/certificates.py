"""
The certificates of a deployment: by an authority of its own, or given by whoever runs it.

``edge`` (nginx) has two: the public one, and one for the name ``edge`` by which the workers reach it. ``emqx`` has one
for devices. ``trust`` is for everybody: ``ca.pem`` is what devices learn at enrollment, ``bundle.pem`` is what the
parts trust among themselves.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from pulse_runtime.certificates import (
    ServerFiles,
    load_authority,
    make_authority,
    make_server,
    server_is_good,
    subject_names,
)
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import write_private

from . import SHARED_MODE, audience

EDGE, BROKER = "edge", "emqx"
_NONE_NAMED = "no-own-tls"
# In the authority's folder, which a backup holds: so a new server knows it too.
_MARKER = "own-certificate"
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9][a-z0-9-]{0,62})*")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """
    A certificate from elsewhere: ``server.pem`` (with its chain), ``server-key.pem`` and ``ca.pem``.

    ``named``: what ``PULSE_OWN_TLS`` says; empty or the volume that stands there otherwise: none is meant.
    """

    folder: Path
    named: str = ""

    @property
    def is_given(self) -> bool:
        """
        Whether there is one; an empty folder, or none, that nobody named is the way to say that there is not.

        Raises:
            ConfigError: Somebody means to give one: a link whose target the container does not have, a file of
                another name, a folder that cannot be read, or a name that is not the folder's.
        """
        try:
            found = sorted(one.name for one in self.folder.iterdir())
            if "server.pem" in found and self.server.certificate.is_file():
                return True
        except FileNotFoundError:
            found = []
        except OSError as error:
            raise ConfigError(
                f"{self.folder}, the folder of PULSE_OWN_TLS, cannot be read: {error.strerror}; "
                f"let the user 10001 read it."
            ) from error
        if not found and self.named in {"", _NONE_NAMED}:
            return False
        raise ConfigError(
            f"{self.folder}, the folder of PULSE_OWN_TLS, holds {', '.join(found[:5]) or 'nothing'}, and no server.pem "
            f"that can be read; put server.pem, server-key.pem and ca.pem into it, as copies, not links."
        )

    @property
    def server(self) -> ServerFiles:
        """The server's certificate and key."""
        return ServerFiles(self.folder / "server.pem", self.folder / "server-key.pem")

    @property
    def ca(self) -> Path:
        """The authority that devices are to trust."""
        return self.folder / "ca.pem"

    def check(self, host: str) -> None:
        """
        Make sure that a client that trusts ``ca.pem`` alone accepts this server under the name *host*.

        Of several in that file it is the first: that one the enrollment codes name, and devices trust no other.

        Raises:
            ConfigError: It would not; the sentence says why.
        """
        server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            server.load_cert_chain(self.server.certificate, self.server.key)
            first = x509.load_pem_x509_certificate(self.ca.read_bytes())
            client.load_verify_locations(cadata=first.public_bytes(Encoding.DER))
            _shake_hands(server, client, host)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; what is no PEM, a ValueError
            raise ConfigError(
                f"the certificate in {self.folder} cannot be used for {host}: {error}; "
                f"give server.pem with its chain, server-key.pem, and ca.pem, the root that signed it."
            ) from error


def checked_host(text: str) -> str:
    """
    Return a server's name as certificates, addresses and nginx take it.

    The parts find the broker under this name inside the containers' network, so it cannot be an IP address.

    Raises:
        ConfigError: Something else: an address, or a name with scheme or port.
    """
    if not _HOST.fullmatch(text) or text.replace(".", "").isdigit():
        raise ConfigError(
            f"PULSE_HOST is {text!r}; give the server's name alone, in lower case, such as pulse.example.org."
        )
    return text


def prepare_certificates(host: str, to: Path, own: OwnCertificate, at: datetime) -> None:
    """
    Write what is missing or about to expire below *to*.

    Args:
        host: The server's public name.
        to: Folder with one folder for each audience: ``authority``, ``trust``, ``edge``, ``emqx``.
        own: A certificate from elsewhere, taken when there is one.
        at: Now, aware.

    Raises:
        ConfigError: A folder is missing, files do not belong together, or no certificate is given any more.
    """
    authority = audience(to, "authority")
    is_given = own.is_given
    _check_still_given(authority, is_given=is_given)
    ca_file, ca_key_file = authority / "ca.pem", authority / "ca-key.pem"
    if not ca_file.exists() and not ca_key_file.exists():
        make_authority(ca_file, ca_key_file, at)
    edge, broker = audience(to, EDGE), audience(to, BROKER)
    public = {
        _files(edge, "public"): [host],
        _files(broker, "server"): [host, BROKER],
    }
    wanted = {_files(edge, "internal"): [EDGE], **({} if is_given else public)}
    for files, names in wanted.items():
        if not server_is_good(files, ca_file, subject_names(names), at):
            signer = load_authority(ca_file, ca_key_file)
            make_server(files, signer, subject_names(names), at, common_name=f"PrecisionPulse {names[0]}"[:64])
    if is_given:
        own.check(host)
        _write(authority / _MARKER, b"devices know the authority of a certificate that was given\n", 0o600)
        for files in public:
            _copy(own.server.certificate, files.certificate, 0o644)
            _copy(own.server.key, files.key, files.key_mode)
    _publish(own.ca if is_given else ca_file, ca_file, audience(to, "trust"), broker)
    _log.info("deployment.certificates_ready", host=host, own=is_given)


def _check_still_given(authority: Path, *, is_given: bool) -> None:
    """Refuse to go over to an authority of our own by mistake: no device would come in any more."""
    if (authority / _MARKER).exists() and not is_given:
        raise ConfigError(
            f"a certificate of your own was served here and none is given now; set PULSE_OWN_TLS to its folder. To go "
            f"over to an authority made here, after which every device has to be enrolled again: docker compose run "
            f"--rm --entrypoint=rm certificates {authority / _MARKER}"
        )


def _publish(public_ca: Path, internal_ca: Path, trust: Path, broker: Path) -> None:
    _copy(public_ca, trust / "ca.pem", 0o644)
    _copy(public_ca, broker / "ca.pem", 0o644)
    both = dict.fromkeys(one.read_bytes().strip() + b"\n" for one in (public_ca, internal_ca))
    _write(trust / "bundle.pem", b"".join(both), 0o644)


def _files(folder: Path, name: str) -> ServerFiles:
    return ServerFiles(folder / f"{name}.pem", folder / f"{name}-key.pem", SHARED_MODE)


def _copy(source: Path, target: Path, mode: int) -> None:
    _write(target, source.read_bytes(), mode)


def _write(target: Path, content: bytes, mode: int) -> None:
    """Leave a file that is right alone: servers look at its time to see that it is a new one."""
    if not target.exists() or target.read_bytes() != content:
        write_private(target, content, mode=mode)


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> None:
    """Let both talk through memory until they agree; raises what a socket's handshake would."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while sides:
        for side in list(sides):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            sides.remove(side)

"""
The table of ``PULSE_*`` environment variables and the only reader of them.

``.env.example`` and the table in the documentation are generated from ``VARIABLES``. Programs build their
own validated settings from ``Environment`` once, at start, and pass them on.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from . import __version__
from .errors import ConfigError
from .private_files import ensure_private_dir


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its default as text (``""``: derived or none), meaning, unit, and who reads it."""

    name: str
    default: str
    meaning: str
    readers: str


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "PULSE_HOME", ".pulse", "Folder of all state, mode 0700: database, keys, certificates, device files", "all"
    ),
    Variable("PULSE_LOG_LEVEL", "info", "debug, info, warning or error", "all, compose"),
    Variable(
        "PULSE_HTTP_HOST",
        "127.0.0.1",
        "Address the dashboard and the API listen on; loopback only, a TLS edge stands before it elsewhere",
        "auth-api",
    ),
    Variable("PULSE_HTTP_PORT", "8080", "Port of the dashboard and the API", "auth-api"),
    Variable(
        "PULSE_INTERNAL_NETWORK",
        "",
        "Private network inside the containers of one host, such as 172.30.57.0/24: there the API listens in clear text"
        " too, and believes the edge, and the worker serves its metrics; empty: loopback only",
        "auth-api, ingest, compose",
    ),
    Variable(
        "PULSE_PUBLIC_URL",
        "http://127.0.0.1:{PULSE_HTTP_PORT}",
        "Origin under which browsers reach the dashboard",
        "auth-api, broker",
    ),
    Variable(
        "PULSE_EDGE_ADDRESS",
        "",
        "host:port at which the doctor meets the TLS edge where the public name leads elsewhere, as in the containers'"
        " network; empty: PULSE_PUBLIC_URL itself",
        "auth-api",
    ),
    Variable(
        "PULSE_API_URL",
        "http://127.0.0.1:{PULSE_HTTP_PORT}",
        "Where the worker and the desktop reach the API; https unless loopback",
        "ingest, desktop",
    ),
    Variable("PULSE_MQTT_WS_PORT", "8083", "Port of MQTT over WebSockets, loopback only", "broker"),
    Variable("PULSE_MQTTS_PORT", "8883", "Port of MQTT over TLS", "broker"),
    Variable("PULSE_MQTT_WSS_PORT", "8084", "Port of MQTT over secure WebSockets", "broker"),
    Variable("PULSE_BROKER_API_PORT", "18083", "Port of the broker's management API, loopback only", "broker"),
    Variable(
        "PULSE_BROKER_API_URL", "http://127.0.0.1:{PULSE_BROKER_API_PORT}/api/v5", "Broker management API", "auth-api"
    ),
    Variable(
        "PULSE_BROKER_API_KEY_FILE",
        "{PULSE_HOME}/broker/management-key",
        "File (0600) with key:secret of the management API",
        "auth-api, broker",
    ),
    Variable(
        "PULSE_BROKER_MQTTS_URL",
        "mqtts://127.0.0.1:{PULSE_MQTTS_PORT}",
        "Broker address given to devices and services",
        "auth-api",
    ),
    Variable(
        "PULSE_BROKER_WS_URL",
        "ws://127.0.0.1:{PULSE_MQTT_WS_PORT}/mqtt",
        "Broker address given to browsers",
        "auth-api",
    ),
    Variable(
        "PULSE_BROKER_WSS_URL",
        "wss://127.0.0.1:{PULSE_MQTT_WSS_PORT}/mqtt",
        "Broker address given to devices that need WebSockets",
        "auth-api",
    ),
    Variable(
        "PULSE_CA_FILE", "{PULSE_HOME}/ca.pem", "Certificate authority that signed the servers' certificates", "all"
    ),
    Variable(
        "PULSE_TLS_CERT_FILE",
        "{PULSE_HOME}/tls/server.pem",
        "Certificate chain of the broker's TLS listeners",
        "broker",
    ),
    Variable(
        "PULSE_TLS_KEY_FILE",
        "{PULSE_HOME}/tls/server-key.pem",
        "Private key of the broker's TLS listeners, 0600",
        "broker",
    ),
    Variable(
        "PULSE_JWKS_FILE",
        "{PULSE_HOME}/keys/jwks.json",
        "Public token keys, written by the auth API for the embedded broker",
        "auth-api, broker",
    ),
    Variable("PULSE_TOKEN_ISSUER", "precisionpulse", "The iss claim of every token", "auth-api, broker"),
    Variable(
        "PULSE_SERVICE_KEYS_DIR",
        "{PULSE_HOME}/service-keys",
        "Folder with the public keys (*.jwk.json) of services that may ask for a token",
        "auth-api, ingest",
    ),
    Variable(
        "PULSE_DATABASE_DSN",
        "",
        "postgresql://user@host/name of the database; empty: the embedded one under PULSE_HOME",
        "auth-api, ingest",
    ),
    Variable(
        "PULSE_DATABASE_PASSWORD_FILE",
        "",
        "File (0600) with the database password; empty: the embedded one's",
        "auth-api, ingest",
    ),
    Variable("PULSE_DASHBOARD_DIR", "dashboard/out", "Folder of the built dashboard", "auth-api"),
    Variable(
        "PULSE_ADMIN_PASSWORD", "", "Password of the first administrator, taken at the first start only", "auth-api"
    ),
    Variable("PULSE_ADMIN_PASSWORD_FILE", "", "The same from a file", "auth-api"),
    Variable(
        "PULSE_INSTANCE",
        "1",
        "Name of this instance of a service, 1 to 64 of A-Z a-z 0-9 . _ -; auto: the first free number (ingest alone)",
        "auth-api, ingest",
    ),
    Variable(
        "PULSE_METRICS_PORT",
        "9464",
        "Port of the worker's /metrics and /readyz, on loopback and in PULSE_INTERNAL_NETWORK; 0: off",
        "ingest",
    ),
    Variable(
        "PULSE_METRICS_KEY_FILE",
        "{PULSE_HOME}/services/ingest/metrics-key",
        "File (0600) with the key that the worker's /metrics wants as bearer token; made when it is missing",
        "ingest",
    ),
    Variable(
        "PULSE_BACKUP_JOB",
        "0",
        "1: a job makes backups of the database, as compose.yaml's does, and their age is watched; 0: none is expected",
        "auth-api",
    ),
    Variable("PULSE_BROWSER_TOKEN_S", "900", "Life of a browser's broker token, 20 to 900 s", "auth-api"),
    Variable("PULSE_LINK_PORT", "8893", "Port of the link that `make cut` cuts, before the first device", "local"),
    Variable(
        "PULSE_MQTT_VERSION",
        "3.1.1",
        "MQTT version the worker speaks: 3.1.1 (embedded broker) or 5 (EMQX: shared subscriptions)",
        "ingest",
    ),
    Variable(
        "PULSE_RETENTION_DAYS",
        "0",
        "Days that telemetry and records of rejects are kept, by the time of their coming; 0: for ever"
        " (a day up to 400 days old is a partition)",
        "ingest, compose",
    ),
    Variable(
        "PULSE_DEVICE_DIR", "", "Folder of one device's files; empty: {PULSE_HOME}/devices/<client id>", "desktop"
    ),
    Variable(
        "PULSE_DEVICE_BROKER_URL",
        "",
        "mqtts address of the broker that goes before the server's; empty: as enrolled",
        "desktop",
    ),
    Variable(
        "PULSE_DEVICE_INTERVAL", "", "Seconds between samples, 0.05 to 3600; empty: the device's settings", "desktop"
    ),
    Variable(
        "PULSE_DEVICE_SOURCES",
        "",
        "File (JSON) with the sources of the device; empty: sources.json in its folder, without one this machine",
        "desktop",
    ),
    Variable(
        "PULSE_DEVICE_KEYS",
        "auto",
        "Where enrolling puts the device's keys: keyring, file (0600), or auto: the keyring where one can be used",
        "desktop",
    ),
    Variable("PULSE_HOST", "", "Name of the server, as browsers and devices know it; must be set there", "compose"),
    Variable(
        "PULSE_REGISTRY", "localhost/precisionpulse", "Where the images are, the part before /auth-api", "compose"
    ),
    Variable("PULSE_WORKERS", "1", "How many ingest workers run", "compose"),
    Variable("PULSE_VERSION", __version__, "Version of the images", "compose"),
    Variable(
        "PULSE_OWN_TLS",
        "no-own-tls",
        "Folder (./…) with server.pem, server-key.pem and ca.pem of your own; else an authority is made",
        "compose",
    ),
    Variable("PULSE_BACKUPS", "backups", "Folder (./…) or volume of the backups", "compose"),
    Variable("PULSE_BACKUPS_KEPT", "14", "How many backups are kept", "compose"),
)


_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")


class Environment:
    """Typed reading of the variables, with defaults filled in."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """Take *variables*, normally ``os.environ``; nothing is read from disk yet."""
        self._given = variables
        self._table = {variable.name: variable for variable in VARIABLES}

    def text(self, name: str) -> str:
        """Return the value, or the default with its ``{OTHER}`` parts filled in; may be empty."""
        given = self._given.get(name, "").strip()
        if given:
            return given
        default = self._table[name].default
        for other in self._table:
            if f"{{{other}}}" in default:
                default = default.replace(f"{{{other}}}", self.text(other))
        return default

    def path(self, name: str) -> Path:
        """
        Return an absolute path; ``~`` is the home folder.

        Raises:
            ConfigError: It begins with the ``~`` of a user who does not exist.
        """
        text = self.text(name)
        try:
            return Path(text).expanduser().absolute()
        except RuntimeError as error:
            raise ConfigError(f"{name} is {text!r}, but there is no such user; give a path.") from error

    def port(self, name: str) -> int:
        """
        Return a TCP port, 0 to 65,535.

        Raises:
            ConfigError: Not a port.
        """
        return self.integer(name, least=0, most=65_535)

    def integer(self, name: str, *, least: int, most: int) -> int:
        """
        Return a whole number within bounds.

        Raises:
            ConfigError: Not a number, or out of bounds.
        """
        text = self.text(name)
        if not _WHOLE_NUMBER.fullmatch(text) or not least <= int(text) <= most:
            raise ConfigError(f"{name} is {text!r}; give a whole number from {least} to {most}.")
        return int(text)

    def url(self, name: str, *, secure: str, loopback_only: str) -> str:
        """
        Return an address; one in clear text (scheme *loopback_only*) only when it stays on this machine.

        Raises:
            ConfigError: Another scheme, no host, or clear text to another machine.
        """
        return checked_url(self.text(name), name, secure=secure, loopback_only=loopback_only)

    def internal_network(self) -> IPv4Network | IPv6Network | None:
        """
        Return the network inside the containers of one host that ``PULSE_INTERNAL_NETWORK`` names, if it does.

        Raises:
            ConfigError: Not a network, or one that reaches beyond private addresses.
        """
        text = self.text("PULSE_INTERNAL_NETWORK")
        if not text:
            return None
        try:
            network = ipaddress.ip_network(text)
        except ValueError as error:
            raise ConfigError(
                f"PULSE_INTERNAL_NETWORK is {text!r}: {error}; give a network such as 172.30.57.0/24."
            ) from error
        if not network.is_private:
            raise ConfigError(
                f"PULSE_INTERNAL_NETWORK is {text!r}: clear text may not leave this machine; give a private network."
            )
        return network

    def secret(self, name: str) -> str | None:
        """
        Return a secret from ``NAME``, or from the file that ``NAME_FILE`` names, or ``None``.

        Raises:
            ConfigError: The file cannot be read or is empty.
        """
        if self._given.get(name):
            return self._given[name]
        file = self._given.get(f"{name}_FILE", "").strip()
        return read_secret_file(Path(file), f"{name}_FILE") if file else None

    def home(self) -> Path:
        """
        Return ``PULSE_HOME``, made with mode 0700 when it is missing.

        Raises:
            ConfigError: It cannot be made or written to, or belongs to somebody else.
        """
        return ensure_private_dir(self.path("PULSE_HOME"), "PULSE_HOME")


def read_secret_file(path: Path, named_by: str) -> str:
    """
    Return the stripped content of a secret's file.

    Raises:
        ConfigError: The file cannot be read or is empty.
    """
    try:
        found = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{named_by} names {path}, which cannot be read: {error}.") from error
    if not found:
        raise ConfigError(f"{named_by} names {path}, which is empty.")
    return found


def is_loopback(host: str | None) -> bool:
    """Tell whether *host* is this machine by its very name or address (no look-up is made)."""
    if host is None or host.lower() == "localhost":
        return host is not None
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_url(text: str, named_by: str, *, secure: str, loopback_only: str) -> str:
    """
    Return *text* without a trailing slash when it is an address that may be used.

    Args:
        text: The address.
        named_by: What the sentence of an error calls it.
        secure: The scheme that may lead anywhere.
        loopback_only: The scheme in clear text, for this machine alone; *secure* again where none is.

    Raises:
        ConfigError: Another scheme, no host, no such port, or clear text to another machine.
    """
    parts = _split(text)
    if parts is None or parts.scheme not in {secure, loopback_only} or not parts.hostname:
        raise ConfigError(f"{named_by} is {text!r}; give {secure}://host.")
    if parts.scheme != secure and not is_loopback(parts.hostname):
        raise ConfigError(
            f"{named_by} is {text!r}: clear text may not leave this machine; use {secure}://{parts.hostname}."
        )
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    """Take an address apart; ``None`` when it has no meaning, a port above 65,535 included."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return None
    return parts

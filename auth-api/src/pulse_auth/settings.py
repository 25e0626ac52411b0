"""
The validated settings of this part: read from the environment once, at start, and passed on.

Makes and opens nothing but ``PULSE_HOME`` itself. The table of variables is ``pulse_runtime.environment``.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from pulse_acl.topics import is_device_id
from pulse_runtime.environment import Environment, is_loopback, read_secret_file
from pulse_runtime.errors import ConfigError

from .postgres.layout import Layout

ADMIN_PASSWORD_VARIABLES = ("PULSE_ADMIN_PASSWORD", "PULSE_ADMIN_PASSWORD_FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """
    Everything that ``create_app`` needs to know. Tests make it directly.

    ``external_dsn``: of a database that is not ours to run, password included, or ``None`` for the embedded one.
    ``public_url``: origin under which browsers reach the dashboard; https means a TLS edge stands before us.
    ``internal_network``: of the containers on one host, as address/bits; clear text is spoken there, and the edge is
    in it. Empty: there is none.
    ``has_backup_job``: something is to make backups by our command, so that one that is old or missing is a finding.
    ``edge_address``: host and port of that edge, where the public name leads elsewhere; ``None``: it leads there.
    """

    home: Path
    external_dsn: str | None = field(default=None, repr=False)
    admin_password: str | None = field(default=None, repr=False)
    log_level: str = "info"
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    internal_network: str = ""
    public_url: str = "http://127.0.0.1:8080"
    edge_address: tuple[str, int] | None = None
    mqtts_url: str = "mqtts://127.0.0.1:8883"
    ws_url: str = "ws://127.0.0.1:8083/mqtt"
    wss_url: str = "wss://127.0.0.1:8084/mqtt"
    broker_api_url: str = "http://127.0.0.1:18083/api/v5"
    broker_api_key_file: Path
    ca_file: Path
    jwks_file: Path
    service_keys_dir: Path
    dashboard_dir: Path
    token_issuer: str = "precisionpulse"  # noqa: S105 - a claim, not a secret
    browser_token_s: int = 900
    has_backup_job: bool = False
    instance: str = "1"

    @property
    def keys_dir(self) -> Path:
        """Folder of this part's private keys, files 0600."""
        return self.home / "keys"

    @property
    def initial_password_file(self) -> Path:
        """Where the first administrator's generated password stands until it is changed."""
        return self.home / "initial-admin-password"

    @property
    def embedded_postgres(self) -> Layout:
        """The files of the embedded database."""
        return Layout(self.home / "postgres")

    @property
    def is_behind_edge(self) -> bool:
        """Whether browsers come through a TLS edge, so that cookies are ``Secure`` and its headers are believed."""
        return self.public_url.startswith("https://")

    def dsn(self) -> str:
        """
        Return the database's address, password included.

        Raises:
            ConfigError: The embedded database was never started.
        """
        return self.external_dsn or self.embedded_postgres.dsn()


def default_paths(home: Path) -> dict[str, Any]:
    """Return the paths under *home* that ``Settings`` needs, where the embedded system has them."""
    return {
        "home": home,
        "broker_api_key_file": home / "broker" / "management-key",
        "ca_file": home / "ca.pem",
        "jwks_file": home / "keys" / "jwks.json",
        "service_keys_dir": home / "service-keys",
        "dashboard_dir": home / "no-dashboard",
    }


def read_settings(variables: Mapping[str, str]) -> Settings:
    """
    Build the settings from environment *variables*.

    Raises:
        ConfigError: One of them is wrong; the sentence names it.
    """
    environment = Environment(variables)
    home = environment.home()
    host = environment.text("PULSE_HTTP_HOST")
    if not is_loopback(host):
        raise ConfigError(f"PULSE_HTTP_HOST is {host!r}: the API speaks clear text, so give a loopback address.")
    instance = environment.text("PULSE_INSTANCE")
    if not is_device_id(instance):
        raise ConfigError(f"PULSE_INSTANCE is {instance!r}; give 1 to 64 of A-Z a-z 0-9 . _ -")
    return Settings(
        home=home,
        external_dsn=_external_dsn(environment),
        admin_password=environment.secret("PULSE_ADMIN_PASSWORD"),
        log_level=environment.text("PULSE_LOG_LEVEL"),
        http_host=host,
        http_port=environment.port("PULSE_HTTP_PORT"),
        internal_network=str(environment.internal_network() or ""),
        public_url=environment.url("PULSE_PUBLIC_URL", secure="https", loopback_only="http"),
        edge_address=_edge_address(environment.text("PULSE_EDGE_ADDRESS")),
        mqtts_url=environment.url("PULSE_BROKER_MQTTS_URL", secure="mqtts", loopback_only="mqtt"),
        ws_url=environment.url("PULSE_BROKER_WS_URL", secure="wss", loopback_only="ws"),
        wss_url=environment.url("PULSE_BROKER_WSS_URL", secure="wss", loopback_only="ws"),
        broker_api_url=environment.text("PULSE_BROKER_API_URL").rstrip("/"),
        broker_api_key_file=environment.path("PULSE_BROKER_API_KEY_FILE"),
        ca_file=environment.path("PULSE_CA_FILE"),
        jwks_file=environment.path("PULSE_JWKS_FILE"),
        service_keys_dir=environment.path("PULSE_SERVICE_KEYS_DIR"),
        dashboard_dir=environment.path("PULSE_DASHBOARD_DIR"),
        token_issuer=environment.text("PULSE_TOKEN_ISSUER"),
        browser_token_s=environment.integer("PULSE_BROWSER_TOKEN_S", least=20, most=900),
        has_backup_job=environment.integer("PULSE_BACKUP_JOB", least=0, most=1) == 1,
        instance=instance,
    )


def forget_admin_password(variables: MutableMapping[str, str]) -> None:
    """Remove the first administrator's password from *variables*, so that no child process inherits it."""
    for name in ADMIN_PASSWORD_VARIABLES:
        variables.pop(name, None)


def _edge_address(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.netloc != text:
        raise ConfigError(f"PULSE_EDGE_ADDRESS is {text!r}; give host:port, such as edge:8443.")
    return host, port


def _external_dsn(environment: Environment) -> str | None:
    """Return the given address with the password from its file put in; a password in the address is refused."""
    given = environment.text("PULSE_DATABASE_DSN")
    if not given:
        return None
    parts = urlsplit(given)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.username:
        raise ConfigError("PULSE_DATABASE_DSN is not of the form postgresql://user@host/name.")
    if parts.password:
        raise ConfigError("PULSE_DATABASE_DSN holds a password; put it in the file of PULSE_DATABASE_PASSWORD_FILE.")
    if not environment.text("PULSE_DATABASE_PASSWORD_FILE"):
        return given
    password = read_secret_file(environment.path("PULSE_DATABASE_PASSWORD_FILE"), "PULSE_DATABASE_PASSWORD_FILE")
    user, _, address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{address}"))

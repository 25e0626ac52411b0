"""The broker's settings: read once from the environment, checked, and passed on. See the table in ``pulse_runtime``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``pulse-broker`` is told; ports of 0 stand for any free one (tests)."""

    home: Path
    mqtts_port: int
    ws_port: int
    wss_port: int
    api_port: int
    allowed_origin: str
    token_issuer: str
    jwks_file: Path
    management_key_file: Path
    ca_file: Path
    tls_cert_file: Path
    tls_key_file: Path
    own_certificates: bool


def read_settings(environment: Environment) -> Settings:
    """
    Read the settings; makes ``PULSE_HOME`` when it is missing.

    Raises:
        ConfigError: A value is wrong; the sentence names it.
    """
    given = {name: environment.path(name) for name in ("PULSE_TLS_CERT_FILE", "PULSE_TLS_KEY_FILE")}
    home = environment.path("PULSE_HOME")
    own = [
        path != home / "tls" / name for path, name in zip(given.values(), ("server.pem", "server-key.pem"), strict=True)
    ]
    if own[0] != own[1]:
        raise ConfigError("PULSE_TLS_CERT_FILE and PULSE_TLS_KEY_FILE belong together; set both or neither.")
    return Settings(
        home=environment.home(),
        mqtts_port=environment.port("PULSE_MQTTS_PORT"),
        ws_port=environment.port("PULSE_MQTT_WS_PORT"),
        wss_port=environment.port("PULSE_MQTT_WSS_PORT"),
        api_port=environment.port("PULSE_BROKER_API_PORT"),
        allowed_origin=origin_of(environment.url("PULSE_PUBLIC_URL", secure="https", loopback_only="http")),
        token_issuer=environment.text("PULSE_TOKEN_ISSUER"),
        jwks_file=environment.path("PULSE_JWKS_FILE"),
        management_key_file=environment.path("PULSE_BROKER_API_KEY_FILE"),
        ca_file=environment.path("PULSE_CA_FILE"),
        tls_cert_file=given["PULSE_TLS_CERT_FILE"],
        tls_key_file=given["PULSE_TLS_KEY_FILE"],
        own_certificates=own[0],
    )


def origin_of(url: str) -> str:
    """Return scheme, host and port of *url* as a browser writes them into ``Origin``."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if parts.port in {None, default} else f":{parts.port}")

"""
The worker's settings, read and checked once at start from ``PULSE_*`` variables.

The table of all variables is ``pulse_runtime.environment``. Read next: ``worker``, which is given them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pulse_acl.topics import is_device_id
from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError

from .writer import Target

MOST_RETENTION_DAYS = 36_500
_VERSIONS = {"3.1.1": False, "5": True}


@dataclass(frozen=True, slots=True)
class Settings:
    """
    What the worker is told; ``metrics_port`` 0: no metrics, ``retention_days`` 0: 400 days of partitions.

    ``internal_network``: of the containers on one host, as address/bits; the metrics are served there too, with the
    same key. Empty: on loopback alone.

    ``instance`` may be ``auto``, see ``instance``.
    ``mqtt5``: shared subscriptions and acknowledgement after COMMIT; without it MQTT 3.1.1 with a persistent session.
    """

    log_level: str
    instance: str
    api_url: str
    ca_file: Path
    instances_dir: Path
    private_key_file: Path
    service_keys_dir: Path
    metrics_key_file: Path
    metrics_port: int
    internal_network: str
    database: Target
    mqtt5: bool
    retention_days: int


def read_settings(variables: Mapping[str, str]) -> Settings:
    """
    Return the settings that *variables* (normally ``os.environ``) give.

    Raises:
        ConfigError: One of them is wrong; the sentence names it.
    """
    env = Environment(variables)
    home = env.home()
    own = home / "services" / "ingest"
    return Settings(
        log_level=env.text("PULSE_LOG_LEVEL"),
        instance=_instance(env),
        api_url=env.url("PULSE_API_URL", secure="https", loopback_only="http"),
        ca_file=env.path("PULSE_CA_FILE"),
        instances_dir=own / "instances",
        private_key_file=own / "signing-key.pem",
        service_keys_dir=env.path("PULSE_SERVICE_KEYS_DIR"),
        metrics_key_file=env.path("PULSE_METRICS_KEY_FILE"),
        metrics_port=env.port("PULSE_METRICS_PORT"),
        internal_network=str(env.internal_network() or ""),
        database=_database(env, home),
        mqtt5=_mqtt5(env),
        retention_days=env.integer("PULSE_RETENTION_DAYS", least=0, most=MOST_RETENTION_DAYS),
    )


def _instance(env: Environment) -> str:
    instance = env.text("PULSE_INSTANCE")
    if not is_device_id(instance):
        raise ConfigError(f"PULSE_INSTANCE is {instance!r}; give 1 to 64 of A-Z a-z 0-9 . _ -")
    return instance


def _mqtt5(env: Environment) -> bool:
    version = env.text("PULSE_MQTT_VERSION")
    if version not in _VERSIONS:
        raise ConfigError(f"PULSE_MQTT_VERSION is {version!r}; give 3.1.1 (embedded broker) or 5 (EMQX).")
    return _VERSIONS[version]


def _database(env: Environment, home: Path) -> Target:
    dsn = env.text("PULSE_DATABASE_DSN")
    file = env.text("PULSE_DATABASE_PASSWORD_FILE")
    if not dsn:
        arguments: dict[str, Any] = {"host": str(home / "postgres"), "user": "pulse_ingest", "database": "pulse"}
        return Target(arguments, Path(file).absolute() if file else home / "postgres" / "ingest-password")
    if urlsplit(dsn).scheme not in {"postgresql", "postgres"}:
        raise ConfigError(
            "PULSE_DATABASE_DSN is no address of a PostgreSQL database; give postgresql://user@host/name."
        )
    return Target({"dsn": dsn}, Path(file).absolute() if file else None)

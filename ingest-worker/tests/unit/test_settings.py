"""Settings from variables; each wrong one ends with a sentence that names it."""

from pathlib import Path

import pytest

from pulse_ingest.settings import read_settings
from pulse_runtime.errors import ConfigError


def variables(home: Path, **changes: str) -> dict[str, str]:
    return {"PULSE_HOME": str(home), **changes}


def test_read_settings_defaults_are_the_embedded_ones(tmp_path: Path) -> None:
    found = read_settings(variables(tmp_path))
    assert found.database.arguments == {"host": str(tmp_path / "postgres"), "user": "pulse_ingest", "database": "pulse"}
    assert found.database.password_file == tmp_path / "postgres" / "ingest-password"
    assert found.private_key_file == tmp_path / "services" / "ingest" / "signing-key.pem"
    assert found.metrics_key_file == tmp_path / "services" / "ingest" / "metrics-key"
    assert found.internal_network == ""
    assert (found.api_url, found.instance, found.mqtt5) == ("http://127.0.0.1:8080", "1", False)


def test_read_settings_foreign_database_and_broker_are_taken(tmp_path: Path) -> None:
    found = read_settings(
        variables(
            tmp_path,
            PULSE_DATABASE_DSN="postgresql://pulse_ingest@db/pulse",
            PULSE_DATABASE_PASSWORD_FILE="/run/secrets/db",
            PULSE_MQTT_VERSION="5",
            PULSE_API_URL="https://pulse.example/",
            PULSE_INTERNAL_NETWORK="172.30.57.0/24",
            PULSE_METRICS_KEY_FILE="/run/pulse/metrics/ingest-key",
        )
    )
    assert found.database.arguments == {"dsn": "postgresql://pulse_ingest@db/pulse"}
    assert found.database.password_file == Path("/run/secrets/db")
    assert found.internal_network == "172.30.57.0/24"
    assert found.metrics_key_file == Path("/run/pulse/metrics/ingest-key")
    assert (found.mqtt5, found.api_url) == (True, "https://pulse.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PULSE_INSTANCE", "a b"),
        ("PULSE_MQTT_VERSION", "4"),
        ("PULSE_DATABASE_DSN", "mysql://x"),
        ("PULSE_API_URL", "http://pulse.example"),
        ("PULSE_METRICS_PORT", "70000"),
        ("PULSE_RETENTION_DAYS", "-1"),
        ("PULSE_INTERNAL_NETWORK", "0.0.0.0/0"),
        ("PULSE_INTERNAL_NETWORK", "8.8.8.0/24"),
    ],
)
def test_read_settings_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=name):
        read_settings(variables(tmp_path, **{name: value}))

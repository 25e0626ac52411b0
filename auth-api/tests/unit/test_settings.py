"""Settings: defaults, and one sentence for each thing that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pulse_auth.settings import forget_admin_password, read_settings
from pulse_runtime.errors import ConfigError


def test_read_settings_defaults_stay_on_this_machine(tmp_path: Path) -> None:
    settings = read_settings({"PULSE_HOME": str(tmp_path)})
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.external_dsn is None
    assert not settings.is_behind_edge
    assert not settings.has_backup_job
    assert settings.jwks_file == tmp_path / "keys" / "jwks.json"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PULSE_HTTP_HOST", "0.0.0.0"),
        ("PULSE_HTTP_PORT", "70000"),
        ("PULSE_INTERNAL_NETWORK", "8.8.8.0/24"),
        ("PULSE_INTERNAL_NETWORK", "0.0.0.0/0"),
        ("PULSE_INTERNAL_NETWORK", "172.30.57.9/24"),
        ("PULSE_INTERNAL_NETWORK", "edge"),
        ("PULSE_EDGE_ADDRESS", "edge"),
        ("PULSE_EDGE_ADDRESS", "edge:0"),
        ("PULSE_EDGE_ADDRESS", "edge:99999"),
        ("PULSE_EDGE_ADDRESS", "https://edge:8443"),
        ("PULSE_PUBLIC_URL", "http://pulse.example"),
        ("PULSE_PUBLIC_URL", "ftp://127.0.0.1"),
        ("PULSE_BROKER_MQTTS_URL", "mqtt://pulse.example:1883"),
        ("PULSE_BROKER_WS_URL", "ws://pulse.example/mqtt"),
        ("PULSE_BROKER_WSS_URL", "ws://pulse.example/mqtt"),
        ("PULSE_INSTANCE", "a/b"),
        ("PULSE_BACKUP_JOB", "yes"),
        ("PULSE_INSTANCE", "+"),
        ("PULSE_DATABASE_DSN", "mysql://root@host/db"),
        ("PULSE_DATABASE_DSN", "postgresql://host/db"),
        ("PULSE_DATABASE_DSN", "postgresql://pulse_auth:secret@host/db"),
        ("PULSE_ADMIN_PASSWORD_FILE", "/nonexistent/file"),
        ("PULSE_HOME", "/proc/pulse"),
    ],
)
def test_read_settings_wrong_value_is_one_sentence_without_the_secret(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_settings({"PULSE_HOME": str(tmp_path), name: value})
    assert name in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PULSE_PUBLIC_URL", "https://pulse.example"),
        ("PULSE_BROKER_MQTTS_URL", "mqtts://pulse.example:8883"),
        ("PULSE_BROKER_WS_URL", "wss://pulse.example/mqtt"),
        ("PULSE_BROKER_WSS_URL", "wss://pulse.example/mqtt"),
    ],
)
def test_read_settings_tls_addresses_of_other_machines_pass(tmp_path: Path, name: str, value: str) -> None:
    assert value in repr(read_settings({"PULSE_HOME": str(tmp_path), name: value}))


def test_read_settings_external_database_gets_its_password_from_the_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("p@ss/word\n")
    settings = read_settings(
        {
            "PULSE_HOME": str(tmp_path),
            "PULSE_DATABASE_DSN": "postgresql://pulse_auth@db.internal:5433/pulse?sslmode=verify-full",
            "PULSE_DATABASE_PASSWORD_FILE": str(file),
        }
    )
    assert settings.dsn() == "postgresql://pulse_auth:p%40ss%2Fword@db.internal:5433/pulse?sslmode=verify-full"
    assert "p%40ss" not in repr(settings)


def test_forget_admin_password_removes_both_forms() -> None:
    variables = {"PULSE_ADMIN_PASSWORD": "x", "PULSE_ADMIN_PASSWORD_FILE": "y", "PULSE_HOME": "z"}
    forget_admin_password(variables)
    assert variables == {"PULSE_HOME": "z"}


def test_settings_repr_shows_no_password(tmp_path: Path) -> None:
    settings = read_settings({"PULSE_HOME": str(tmp_path), "PULSE_ADMIN_PASSWORD": "very-secret-password"})
    assert settings.admin_password == "very-secret-password"
    assert "very-secret-password" not in repr(settings)

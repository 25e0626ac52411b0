"""The runbooks' longer commands for compose do what is said of them, each with the paths and addresses of a test."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pulse_auth.deployment.secret_files import prepare_secrets
from pulse_ingest.measures import Measures
from pulse_ingest.metrics_http import MetricsHttp
from support.own_postgres import ROLES, OwnPostgres, own_postgres
from support.processes import ROOT

TRIES = 'PGPASSWORD="$(cat "$PULSE_DATABASE_PASSWORD_FILE")" psql -d postgres -c "SELECT 1"'
FORMER = "pulse_before_20260207t101500z_1"


def inner(page: str, start: str, holds: str) -> str:
    """Return what a command of a runbook, which begins with *start*, gives to ``sh -c`` or ``python -c``."""
    text = (ROOT / "docs" / "runbooks" / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [one for block in blocks for one in block.splitlines() if one.startswith(start) and holds in one]
    assert len(lines) == 1, lines
    return shlex.split(lines[0])[-1]


def in_the_container(server: OwnPostgres, script: str) -> str:
    """Run what the container's shell is given, with this server's socket and passwords."""
    here = script.replace("/run/pulse/postgres/", f"{server.secrets}/").replace(" -h 127.0.0.1", "")
    assert here.count(str(server.secrets)) == 1
    return server.run("postgres", "sh", "-c", here).stdout


def test_former_databases_are_listed_with_their_sizes_and_dropped_by_name(server: OwnPostgres) -> None:
    server.ask(f"CREATE DATABASE {FORMER}")
    listed = in_the_container(server, inner("restore.md", "docker compose exec postgres", "psql"))
    assert re.search(rf"{FORMER} .* kB ", listed), listed
    in_the_container(server, inner("restore.md", "docker compose exec postgres", "dropdb"))
    assert FORMER not in in_the_container(server, inner("restore.md", "docker compose exec postgres", "psql"))


def test_devices_that_declared_readings_lost_are_named(server: OwnPostgres) -> None:
    for device, lost in (("PRESS-7", "{[3,5)}"), ("PRESS-8", "{}")):
        server.ask(
            "INSERT INTO telemetry_ledger (client_id, stream, lost, first_seen_at, last_seen_at)"
            f" VALUES ('{device}', gen_random_uuid(), '{lost}', now(), now())"
        )
    told = in_the_container(server, inner("archive-behind.md", "docker compose exec postgres", "telemetry_ledger"))
    assert "PRESS-7" in told
    assert "{[3,5)}" in told
    assert "PRESS-8" not in told


def test_figures_of_one_worker_are_printed(tmp_path: Path) -> None:
    script = inner("archive-behind.md", "docker compose exec --index=1 ingest-worker python", "METRICS_KEY")
    served = MetricsHttp(0, tmp_path / "key", Measures().exposition, dict)
    here = script.replace("127.0.0.1:9464", f"127.0.0.1:{served.port}")
    variables = {"PULSE_METRICS_KEY_FILE": str(tmp_path / "key")}
    done = subprocess.run([sys.executable, "-c", here], env=variables, capture_output=True, text=True, check=False)
    served.close()
    assert "pulse_ingest_connected" in done.stdout, done.stderr


def in_the_volume(server: OwnPostgres, *words: str) -> None:
    """Run what is given to the container of the job ``secrets``, with this server's passwords."""
    here = [one.replace("/deployment/postgres", str(server.secrets)) for one in words]
    subprocess.run(here, env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}, check=True)


def test_database_password_is_told_to_the_database_and_then_put_into_its_file(server: OwnPostgres) -> None:
    file = server.secrets / ROLES["pulse_auth"]
    before = file.read_text()
    in_the_volume(
        server, "sh", "-c", inner("lost-key.md", "docker compose run --rm --no-deps --entrypoint=sh secrets", "")
    )
    made = file.with_name("auth-password.new")
    assert made.stat().st_mode & 0o777 == 0o640
    told = inner("lost-key.md", "docker compose exec postgres", "ALTER ROLE")
    here = told.replace("/run/pulse/postgres/", f"{server.secrets}/").replace(" -h 127.0.0.1", "")
    assert server.run("postgres", "sh", "-c", here).stdout == "ALTER ROLE\n"
    page = (ROOT / "docs" / "runbooks" / "lost-key.md").read_text(encoding="utf-8")
    (moved,) = re.findall(r"^docker compose run --rm --no-deps --entrypoint=mv secrets (.+)$", page, re.MULTILINE)
    in_the_volume(server, "mv", *moved.split())
    assert not made.exists()
    assert file.read_text() != before
    assert server.ask("SELECT 1", role="pulse_auth") == ["1"]


def test_superuser_whose_password_is_lost_gets_another_one_from_a_server_that_is_alone() -> None:
    script = inner("lost-key.md", "docker compose run --rm --no-deps --entrypoint=sh postgres", "--single")
    with own_postgres() as server:
        (server.secrets / ROLES["postgres"]).write_text("another-one\n")
        assert server.run("postgres", "sh", "-c", TRIES, check=False).returncode != 0
        server.stop()
        server.alone("sh", "-c", script.replace("/run/pulse/postgres/", f"{server.secrets}/"), PGDATA=str(server.data))
        server.serve()
        assert server.ask("SELECT 1") == ["1"]


def test_management_key_gets_another_secret_under_its_name_and_the_api_a_copy(tmp_path: Path) -> None:
    for name in ("postgres", "emqx", "auth-api", "ingest", "metrics", "grafana"):
        (tmp_path / name).mkdir()
    prepare_secrets(tmp_path)
    file = tmp_path / "emqx" / "api_keys"
    name, _, secret = file.read_text().partition(":")
    script = inner("lost-key.md", "docker compose run --rm --entrypoint=python secrets", "api_keys")
    here = script.replace("/deployment", str(tmp_path))
    subprocess.run([sys.executable, "-c", here], check=True)
    now, _, other = file.read_text().partition(":")
    assert (now, other[-1], len(other)) == (name, "\n", len(secret))
    assert other != secret
    assert file.stat().st_mode & 0o777 == 0o640
    prepare_secrets(tmp_path)
    assert (tmp_path / "auth-api" / "management-key").read_text() == file.read_text()


@pytest.mark.parametrize("page", ["deployment.md", "runbooks/restore.md"])
def test_devices_are_asked_for_what_is_forgotten_before_the_restored_server_answers_them(
    page: str,
) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    restoring = [one for one in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "run --rm restore newest" in one]
    assert len(restoring) == 2, "on the same server and on a new one"
    for block in restoring:
        done = [one for one in block.splitlines() if "reconcile" in one or "up -d" in one]
        assert done[:2] == ["docker compose run --rm reconcile", "docker compose up -d"]

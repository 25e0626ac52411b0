"""The command as a process: serving until SIGTERM, refusing wrong settings, adding users."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from pulse_auth.db.migrations import versions
from support.database import Database
from support.processes import free_ports
from support.waiting import until

PASSWORD = "a-good-long-password"
VERSIONS = Path(versions.__path__[0])


@pytest.fixture
def variables(tmp_path: Path, empty_database: Database) -> dict[str, str]:
    """The environment of a program whose database is not the embedded one."""
    user, _, rest = empty_database.dsn().removeprefix("postgresql://").partition(":")
    password, _, address = rest.partition("@")
    file = tmp_path / "database-password"
    file.write_text(password)
    return {
        "PATH": os.environ["PATH"],
        "PULSE_HOME": str(tmp_path / "home"),
        "PULSE_DATABASE_DSN": f"postgresql://{user}@{address}",
        "PULSE_DATABASE_PASSWORD_FILE": str(file),
        "PULSE_HTTP_PORT": str(free_ports(1)[0]),
        "PULSE_ADMIN_PASSWORD": PASSWORD,
    }


def run(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pulse_auth", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def serving(variables: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    log = (tmp_path / "log").open("wb")
    program = subprocess.Popen([sys.executable, "-m", "pulse_auth"], env=variables, stderr=log)
    try:
        until(lambda: program.poll() is not None or is_ready(variables), within_s=60, what="it serves, or has ended")
        assert program.poll() is None, (tmp_path / "log").read_text()
        yield program
    finally:
        program.kill()
        program.wait()
        log.close()


def is_ready(variables: dict[str, str]) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{variables['PULSE_HTTP_PORT']}/readyz", timeout=5).is_success
    except httpx.TransportError:
        return False


def test_serve_sigterm_ends_with_0_after_lines_that_are_all_json(
    serving: subprocess.Popen[bytes], variables: dict[str, str], tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{variables['PULSE_HTTP_PORT']}/api/v1"
    login = httpx.post(f"{address}/auth/login", json={"username": "admin", "password": PASSWORD}, timeout=30)
    assert login.status_code == 200
    assert "server" not in login.headers
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(30) == 0
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["part"] for line in lines} == {"auth-api"}
    assert "http.stopped" in {line["event"] for line in lines}
    assert PASSWORD not in text


def test_serve_interrupt_ends_with_0(serving: subprocess.Popen[bytes]) -> None:
    serving.send_signal(signal.SIGINT)
    assert serving.wait(30) == 0


def test_serve_sigterm_while_waiting_for_the_database_ends_with_0(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "PULSE_HOME": str(tmp_path / "h"), "PULSE_HTTP_PORT": str(free_ports(1)[0])}
    command = [sys.executable, "-m", "pulse_auth", "serve"]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert json.loads(program.stderr.readline())["event"] == "database.awaited"
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) == 0
    assert not (tmp_path / "h" / "keys").exists()


def test_serve_port_taken_is_one_sentence_that_names_it(variables: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("serve", env={**variables, "PULSE_HTTP_PORT": port})
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert port in done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PULSE_ADMIN_PASSWORD", "short", "at least 10"),
        ("PULSE_HTTP_HOST", "0.0.0.0", "PULSE_HTTP_HOST"),
        ("PULSE_LOG_LEVEL", "loud", "PULSE_LOG_LEVEL"),
        ("PULSE_HOME", "/proc/pulse", "PULSE_HOME"),
    ],
)
def test_serve_wrong_setting_is_one_sentence_and_code_2(
    variables: dict[str, str], name: str, value: str, words: str
) -> None:
    done = run(env={**variables, name: value})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert words in done.stderr


async def test_migrate_twice_makes_the_schema_once(variables: dict[str, str], empty_database: Database) -> None:
    for _ in range(2):
        assert run("migrate", env=variables).returncode == 0
    connection = await asyncpg.connect(empty_database.dsn())
    newest = max(file.name for file in VERSIONS.glob("[0-9]*.py"))
    assert await connection.fetchval("SELECT version_num FROM alembic_version") == newest.partition("_")[0]
    await connection.close()


async def test_create_user_can_sign_in_and_the_first_administrator_is_there_too(
    variables: dict[str, str], empty_database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "ann-password"
    file.write_text(f"{PASSWORD}-ann\n")
    done = run("create-user", "--username", "ann", "--role", "VIEWER", "--password-file", str(file), env=variables)
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stderr + done.stdout
    connection = await asyncpg.connect(empty_database.dsn())
    names = await connection.fetch(
        "SELECT u.username, r.name FROM users u JOIN user_roles m ON m.user_id = u.id JOIN roles r ON r.id = m.role_id"
    )
    assert {tuple(row) for row in names} == {("admin", "ADMIN"), ("ann", "VIEWER")}
    await connection.close()
    again = run("create-user", "--username", "Ann", "--role", "VIEWER", "--password-file", str(file), env=variables)
    assert (again.returncode, again.stderr.splitlines()[-1]) == (2, "pulse-auth-api: There is a user Ann already.")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("a b", "VIEWER", PASSWORD), "white space"),
        (("ann", "NOSUCH", PASSWORD), "no role"),
        (("ann", "VIEWER", "short"), "at least 10"),
        (("ann", "VIEWER", ""), "empty"),
    ],
)
def test_create_user_refused_is_one_sentence_and_code_2(
    variables: dict[str, str], tmp_path: Path, given: tuple[str, str, str], words: str
) -> None:
    username, role, password = given
    file = tmp_path / "password"
    file.write_text(password)
    done = run("create-user", "--username", username, "--role", role, "--password-file", str(file), env=variables)
    assert done.returncode == 2
    assert words in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--help"]])
def test_help_and_version_answer_without_any_setting(arguments: list[str]) -> None:
    done = run(*arguments, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0
    assert "pulse-auth-api" in done.stdout

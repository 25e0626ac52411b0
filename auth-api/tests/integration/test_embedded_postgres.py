"""The embedded PostgreSQL: locked down, stops cleanly, and starts again after whatever happened to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from pulse_auth.errors import EmbeddedPostgresError
from pulse_auth.postgres.layout import Layout
from pulse_auth.postgres.server import PostgresServer, end_leftover, read_postmaster
from pulse_runtime.errors import ConfigError
from support.waiting import until

# Kills of processes, not of the machine: nothing here needs the disk to be waited for.
SETTINGS = {"fsync": "off"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cluster that was made once; tests work on copies."""
    folder = Path(tempfile.mkdtemp(prefix="pulse-pg-"))
    server = PostgresServer(Layout(folder / "postgres"), settings=SETTINGS)
    server.start()
    server.stop()
    yield folder / "postgres"
    shutil.rmtree(folder)


@pytest.fixture
def layout(made: Path) -> Iterator[Layout]:
    folder = Path(tempfile.mkdtemp(prefix="pulse-pg-"))
    subprocess.run(["cp", "-a", str(made), str(folder / "postgres")], check=True)
    yield Layout(folder / "postgres")
    with contextlib.suppress(EmbeddedPostgresError):
        end_leftover(Layout(folder / "postgres"))
    shutil.rmtree(folder)


@pytest.fixture
def server(layout: Layout) -> Iterator[PostgresServer]:
    server = PostgresServer(layout, settings=SETTINGS)
    yield server
    server.stop()


def postmaster_pid(layout: Layout) -> int:
    state = read_postmaster(layout)
    assert state is not None
    return state.pid


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_start_fresh_cluster_has_no_network_and_a_private_socket(server: PostgresServer, layout: Layout) -> None:
    server.start()
    assert await ask(layout.dsn(), "SHOW listen_addresses") == ""
    assert layout.socket.stat().st_mode & 0o777 == 0o700
    assert layout.folder.stat().st_mode & 0o777 == 0o700
    for role in ("pulse_auth", "pulse_ingest"):
        assert layout.password_file(role).stat().st_mode & 0o777 == 0o600
    assert psutil.Process(postmaster_pid(layout)).net_connections("inet") == []
    sockets = {str(one.laddr) for one in psutil.Process(postmaster_pid(layout)).net_connections("unix") if one.laddr}
    assert sockets == {str(layout.socket)}


async def test_start_access_rules_know_two_roles_and_no_trust(server: PostgresServer, layout: Layout) -> None:
    server.start()
    text = (layout.data / "pg_hba.conf").read_text()
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    assert {(line[0], line[2], line[-1]) for line in lines} == {
        ("local", "pulse_auth", "scram-sha-256"),
        ("local", "pulse_ingest", "scram-sha-256"),
        ("local", "all", "reject"),
        ("host", "all", "reject"),
    }


@pytest.mark.parametrize(
    ("role", "password"), [("postgres", ""), ("postgres", "postgres"), ("pulse_auth", ""), ("pulse_auth", "guess")]
)
async def test_connect_superuser_or_wrong_password_is_refused(
    server: PostgresServer, layout: Layout, role: str, password: str
) -> None:
    server.start()
    with pytest.raises((asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InterfaceError)):
        await asyncpg.connect(host=str(layout.folder), user=role, password=password, database="pulse")


async def test_connect_roles_are_no_superusers(server: PostgresServer, layout: Layout) -> None:
    server.start()
    for role in ("pulse_auth", "pulse_ingest"):
        rights = "rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication"
        assert await ask(layout.dsn(role), f"SELECT {rights} FROM pg_roles WHERE rolname = current_user") is False


async def test_stop_and_start_again_keeps_the_data(server: PostgresServer, layout: Layout) -> None:
    server.start()
    await ask(layout.dsn(), "CREATE TABLE kept AS SELECT 7 AS number")
    server.stop()
    assert not layout.socket.exists()
    again = PostgresServer(layout, settings=SETTINGS)
    again.start()
    assert await ask(layout.dsn(), "SELECT number FROM kept") == 7
    again.stop()


async def test_start_after_kill_of_server_and_runner_works(layout: Layout) -> None:
    runner = start_runner(layout)
    await ask(layout.dsn(), "CREATE TABLE kept AS SELECT 7 AS number")
    pid = postmaster_pid(layout)
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid), within_s=30, what="the postmaster is gone")
    assert layout.postmaster_pid.exists()
    again = PostgresServer(layout, settings=SETTINGS)
    again.start()
    assert await ask(layout.dsn(), "SELECT number FROM kept") == 7
    again.stop()


async def test_start_after_kill_of_the_runner_alone_takes_over_from_the_leftover(layout: Layout) -> None:
    runner = start_runner(layout)
    pid = postmaster_pid(layout)
    os.kill(runner.pid, signal.SIGKILL)
    runner.wait()
    assert psutil.pid_exists(pid)
    again = PostgresServer(layout, settings=SETTINGS)
    again.start()
    assert postmaster_pid(layout) != pid
    assert await ask(layout.dsn(), "SELECT 1") == 1
    again.stop()


async def test_start_with_a_pid_file_that_names_another_program_works(server: PostgresServer, layout: Layout) -> None:
    innocent = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    lines = [str(innocent.pid), str(layout.data), "1700000000", "5432", str(layout.folder), "", "0 0", "ready   "]
    layout.postmaster_pid.write_text("\n".join(lines) + "\n")
    server.start()
    assert await ask(layout.dsn(), "SELECT 1") == 1
    assert innocent.returncode is None
    await innocent.communicate(b"\n")
    assert innocent.returncode == 0


def test_start_second_runner_on_the_same_folder_is_refused(server: PostgresServer, layout: Layout) -> None:
    server.start()
    with pytest.raises(ConfigError, match="Another process"):
        PostgresServer(layout).start()


async def test_start_with_a_lost_password_file_makes_a_new_password(server: PostgresServer, layout: Layout) -> None:
    former = layout.password_file("pulse_ingest").read_text()
    layout.password_file("pulse_ingest").unlink()
    server.start()
    assert layout.password_file("pulse_ingest").read_text() != former
    assert await ask(layout.dsn("pulse_ingest"), "SELECT current_user") == "pulse_ingest"


def test_start_data_of_another_version_is_a_config_error(server: PostgresServer, layout: Layout) -> None:
    (layout.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigError, match="PostgreSQL 16"):
        server.start()


def test_start_interrupted_first_start_is_made_anew(tmp_path: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="pulse-pg-"))
    layout = Layout(folder / "postgres")
    (layout.folder / "data.unfinished" / "base").mkdir(parents=True)
    server = PostgresServer(layout, settings=SETTINGS)
    server.start()
    server.stop()
    assert not (layout.folder / "data.unfinished").exists()
    shutil.rmtree(folder)


def test_start_settings_that_postgres_refuses_is_an_error_and_frees_the_folder(layout: Layout) -> None:
    broken = PostgresServer(layout, settings={"no_such_setting": "1"})
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        broken.start()
    working = PostgresServer(layout, settings=SETTINGS)
    working.start()
    working.stop()


def test_server_processes_of_root_keep_no_right_but_to_traverse(server: PostgresServer, layout: Layout) -> None:
    server.start()
    process = psutil.Process(postmaster_pid(layout))
    assert process.uids().effective != 0
    if os.geteuid() != 0:
        assert process.uids().effective == os.geteuid()
        return
    status = Path(f"/proc/{process.pid}/status").read_text()
    found = dict(line.split(":\t", 1) for line in status.splitlines())
    assert int(found["CapEff"], 16) in {1 << 2, 1 << 1}
    assert found["NoNewPrivs"] == "1"
    # The layout lies in a folder that is closed to the server's user.
    assert layout.folder.parent.stat().st_mode & 0o077 == 0


def start_runner(layout: Layout) -> subprocess.Popen[bytes]:
    """Run the command in a process of its own, as the supervisor does."""
    environment = {**os.environ, "PULSE_HOME": str(layout.folder.parent)}
    runner = subprocess.Popen([sys.executable, "-m", "pulse_auth", "postgres"], env=environment)
    until(
        lambda: (state := read_postmaster(layout)) is not None and state.status == "ready",
        within_s=30,
        what="the postmaster is ready",
    )
    return runner


@pytest.mark.parametrize("wanted", [signal.SIGTERM, signal.SIGINT])
def test_command_postgres_signal_stops_the_server_and_ends_with_0(layout: Layout, wanted: signal.Signals) -> None:
    runner = start_runner(layout)
    pid = postmaster_pid(layout)
    runner.send_signal(wanted)
    assert runner.wait(30) == 0
    assert not psutil.pid_exists(pid)
    assert not layout.postmaster_pid.exists()


def test_command_postgres_path_too_long_is_one_sentence_and_code_2(tmp_path: Path) -> None:
    home = tmp_path / ("a" * 100)
    done = subprocess.run(
        [sys.executable, "-m", "pulse_auth", "postgres"],
        env={**os.environ, "PULSE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "too long" in done.stderr

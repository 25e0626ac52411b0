"""What `make run` refuses to start with: each in one sentence, before anything has been started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.processes import free_ports, program
from support.stack import PORT_NAMES
from support.waiting import until


@pytest.fixture(scope="module", autouse=True)
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A built dashboard as far as `make run` looks at it."""
    folder = tmp_path_factory.mktemp("dashboard")
    (folder / "index.html").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULSE_DASHBOARD_DIR", str(folder))
        yield


def _variables(folder: Path) -> dict[str, str]:
    ports = dict(zip(PORT_NAMES, map(str, free_ports(len(PORT_NAMES))), strict=True))
    return {**os.environ, "PULSE_HOME": str(folder), **ports}


def _run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("pulse-local"), "run"],
        env={**_variables(folder), **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def _refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_run_port_taken_names_port_and_process(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sentence = _refusal(_run(tmp_path, PULSE_MQTTS_PORT=str(port)))
    assert f"port {port} (PULSE_MQTTS_PORT)" in sentence
    assert f"(process {os.getpid()})" in sentence
    assert not (tmp_path / "logs").exists()


def test_run_same_port_twice_is_refused(tmp_path: Path):
    (port,) = free_ports(1)
    sentence = _refusal(_run(tmp_path, PULSE_HTTP_PORT=str(port), PULSE_LINK_PORT=str(port)))
    assert "are both" in sentence


def test_run_home_that_cannot_be_written_is_refused(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert "cannot be written to" in _refusal(_run(blocked / "home"))


def test_run_home_too_long_for_a_socket_is_refused(tmp_path: Path):
    assert "too long for a socket" in _refusal(_run(tmp_path / ("x" * 100)))


@pytest.mark.parametrize("given", ["http", "-1", "0", "70000"])
def test_run_port_that_is_none_is_refused(tmp_path: Path, given: str):
    assert "PULSE_HTTP_PORT" in _refusal(_run(tmp_path, PULSE_HTTP_PORT=given))


def test_run_log_level_that_is_none_is_refused(tmp_path: Path):
    assert "PULSE_LOG_LEVEL" in _refusal(_run(tmp_path, PULSE_LOG_LEVEL="loud"))


def test_run_dashboard_missing_is_refused(tmp_path: Path):
    assert "PULSE_DASHBOARD_DIR" in _refusal(_run(tmp_path, PULSE_DASHBOARD_DIR=str(tmp_path)))


class Started:
    """`pulse-local run` with programs of the test's own instead of the system's."""

    def __init__(self, home: Path, procfile: str) -> None:
        home.joinpath("Procfile").write_text(procfile)
        self.process = subprocess.Popen(
            [program("pulse-local"), "run", "--procfile", str(home / "Procfile")],
            env=_variables(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.home = home

    def all_running(self) -> list[psutil.Process]:
        """Return the launcher's whole family once the program called thing runs."""
        until((self.home / "run" / "thing.pid").exists, within_s=20, what="the program runs")
        return psutil.Process(self.process.pid).children(recursive=True)


def test_run_program_misconfigured_ends_everything_with_its_sentence(tmp_path: Path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("print('wrong: PULSE_X is 1; give 2.'); raise SystemExit(2)")
    thing, started = (
        "thing: exec pulse-supervise thing sleep 60\n",
        f"wrong: exec pulse-supervise wrong python {wrong}\n",
    )
    run = Started(tmp_path, thing + started)
    _, told = run.process.communicate(timeout=40)
    assert run.process.returncode == 2
    assert told == "Nothing runs. wrong: PULSE_X is 1; give 2.\n"
    assert not list((tmp_path / "run").glob("*.pid"))


@pytest.mark.parametrize("who", ["launcher", "honcho"])
def test_run_killed_leaves_no_process(tmp_path: Path, who: str):
    run = Started(tmp_path, "thing: exec pulse-supervise thing sleep 60\n")
    family = run.all_running()
    honcho = next(one for one in family if one.ppid() == run.process.pid)
    (run.process if who == "launcher" else honcho).send_signal(signal.SIGKILL)
    _, left = psutil.wait_procs(family, timeout=30)
    for one in left:
        one.kill()
    run.process.communicate(timeout=30)
    assert left == []
    assert run.process.returncode != 0

"""What `make run` refuses to start with: each in one sentence, before anything has been started."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from support.processes import free_ports, program
from support.stack import PORT_NAMES


def _run(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    ports = dict(zip(PORT_NAMES, map(str, free_ports(len(PORT_NAMES))), strict=True))
    return subprocess.run(
        [program("pulse-local"), "run"],
        env={**os.environ, "PULSE_HOME": str(folder), **ports, **variables},
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


@pytest.mark.parametrize("given", ["http", "-1", "70000"])
def test_run_port_that_is_none_is_refused(tmp_path: Path, given: str):
    assert "PULSE_HTTP_PORT" in _refusal(_run(tmp_path, PULSE_HTTP_PORT=given))

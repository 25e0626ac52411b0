"""A supervisor starts its program again when it ends unasked, and ends it when asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from support.processes import program, until


@pytest.fixture
def home(tmp_path: Path):
    started: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [program("pulse-supervise"), "thing", *command],
            env={**os.environ, "PULSE_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield tmp_path, start
    for process in started:
        process.kill()
        process.communicate()


def _child(folder: Path) -> int:
    file = folder / "run" / "thing.pid"
    return int(file.read_text() or 0) if file.exists() else 0


def test_supervisor_program_killed_starts_again(home):
    folder, start = home
    start(sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(60)")
    first = until(lambda: _child(folder), within_s=10, what="the program runs")
    os.kill(first, signal.SIGKILL)
    second = until(lambda: _child(folder) not in {0, first} and _child(folder), within_s=10, what="it runs again")
    assert psutil.pid_exists(second)
    until(lambda: (folder / "logs" / "thing.log").read_text().count("hello") == 2, within_s=10, what="both wrote")


def test_supervisor_asked_to_end_ends_the_program(home):
    folder, start = home
    process = start(sys.executable, "-c", "import time; time.sleep(60)")
    child = until(lambda: _child(folder), within_s=10, what="the program runs")
    process.terminate()
    assert process.wait(10) == 0
    assert not psutil.pid_exists(child)


def test_supervisor_killed_takes_its_program_along(home):
    folder, start = home
    process = start(sys.executable, "-c", "import time; time.sleep(60)")
    child = until(lambda: _child(folder), within_s=10, what="the program runs")
    process.kill()
    until(lambda: not _alive(child), within_s=10, what="the program is gone")


def test_supervisor_missing_program_says_so_and_goes_on(home):
    _, start = home
    process = start("/no/such/program")
    assert process.stdout is not None
    assert "cannot start /no/such/program" in process.stdout.readline()
    assert process.poll() is None


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

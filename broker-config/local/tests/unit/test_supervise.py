"""A supervisor starts its program again when it ends unasked, and ends it when asked."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from support.processes import program
from support.waiting import until


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
    with contextlib.suppress(FileNotFoundError):
        return int(file.read_text() or 0)
    return 0


def test_supervisor_program_killed_starts_again(home):
    folder, start = home
    start(sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(60)")
    first = until(lambda: _child(folder), within_s=10, what="the program runs")
    log = folder / "logs" / "thing.log"
    until(lambda: log.read_text().count("hello") == 1, within_s=10, what="the first wrote")
    os.kill(first, signal.SIGKILL)
    second = until(lambda: _child(folder) not in {0, first} and _child(folder), within_s=10, what="it runs again")
    assert psutil.pid_exists(second)
    until(lambda: log.read_text().count("hello") == 2, within_s=10, what="both wrote")


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


def test_supervisor_program_misconfigured_at_once_is_not_tried_again(home):
    folder, start = home
    process = start(sys.executable, "-c", "print('thing: PULSE_X is 1; give 2.'); raise SystemExit(2)")
    assert process.wait(10) == 2
    assert (folder / "run" / "refused").read_text() == "thing: PULSE_X is 1; give 2."
    assert not list((folder / "run").glob("thing.*")), "no pid file is left"


def test_supervisor_program_misconfigured_later_is_tried_again(home):
    folder, start = home
    once = (
        "import pathlib, sys; f = pathlib.Path(sys.argv[1]); n = f.exists(); f.touch(); raise SystemExit(2 if n else 1)"
    )
    process = start(sys.executable, "-c", once, str(folder / "tried"))
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(2)]
    assert "code 1" in told[0]
    assert "code 2" in told[1]
    assert not (folder / "run" / "refused").exists()


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

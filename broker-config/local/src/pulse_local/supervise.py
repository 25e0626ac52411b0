"""
Run one program and start it again, with back-off, when it ends unasked.

One supervisor a Procfile line: a crash of the worker must not take the broker with it. The program's output
goes to ``$PULSE_HOME/logs/<name>.log`` (bounded); what the supervisor itself does is printed. There is one for each
program, so this module imports little: it is the command ``pulse-supervise NAME PROGRAM …``.
"""

from __future__ import annotations

import ctypes
import logging.handlers
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from pulse_runtime.environment import Environment
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private
from pulse_runtime.program import run_program

LOG_BYTES, LOG_FILES = 10_000_000, 3
MISCONFIGURED = 2  # the exit code of ``run_program`` for a ConfigError
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
STEADY_AFTER_S = 20.0  # a program that ran this long starts again without a long wait
STOP_WAIT_S = 25.0
STOPPING = Path("run", "stopping")  # while this file is there, nothing is started again
REFUSED = Path("run", "refused")  # the sentence of the first program that would not start as it is configured
_PR_SET_PDEATHSIG = 1


class Supervisor:
    """Keeps one child process running until ``stop`` is asked for by SIGTERM or SIGINT."""

    def __init__(self, name: str, command: Sequence[str], home: Path) -> None:
        """Prepare to run *command*; its log and pid file go under *home*."""
        self._name, self._command = name, list(command)
        self._pid_file = home / "run" / f"{name}.pid"
        self._own_pid_file = home / "run" / f"{name}.supervisor"
        self._all_stop = home / STOPPING
        self._refused = home / REFUSED
        self._last_line = ""
        self._log = _rotating(home / "logs" / f"{name}.log")
        self._stopping = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Run until asked to stop; the exit code is 0, or 2 when the program says at once that it is misconfigured."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop())
        self._own_pid_file.parent.mkdir(mode=0o700, exist_ok=True)
        self._own_pid_file.write_text(str(os.getpid()))
        try:
            return self._run()
        finally:
            self._own_pid_file.unlink(missing_ok=True)

    def _run(self) -> int:
        wait_s, is_first = FIRST_WAIT_S, True
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._run_once()
            if self._stopping.is_set():
                break
            if self._all_stop.exists():
                self._stopping.wait()
                break
            was_steady = time.monotonic() - started > STEADY_AFTER_S
            if code == MISCONFIGURED and is_first and not was_steady:
                # Trying again cannot help, and the others are of no use without it.
                create_private(self._refused, self._last_line.encode())
                return MISCONFIGURED
            is_first = False
            if was_steady:
                wait_s = FIRST_WAIT_S
            print(f"ended with code {code}, starting again in {wait_s:g} s (see logs/{self._name}.log)", flush=True)
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
        return 0

    def _run_once(self) -> int:
        try:
            child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 - no other thread runs yet
            )
        except OSError as error:
            print(f"cannot start {self._command[0]}: {error.strerror}", flush=True)
            return 127
        self._child = child
        self._pid_file.write_text(str(child.pid))
        if self._stopping.is_set():  # asked between the loop's check and the start
            child.terminate()
        assert child.stdout is not None
        for line in child.stdout:
            self._last_line = line.decode(errors="replace").rstrip("\n")
            self._log.info(self._last_line)
        code = child.wait()
        self._pid_file.unlink(missing_ok=True)
        return code

    def _stop(self) -> None:
        self._stopping.set()
        child = self._child
        if child is None or child.poll() is not None:
            return
        child.terminate()
        timer = threading.Timer(STOP_WAIT_S, child.kill)
        timer.daemon = True
        timer.start()


def main() -> int:
    """Run the command line and return the exit code."""
    return run_program("pulse-supervise", _main)


def _main() -> int:
    if len(sys.argv) < 3:
        raise ConfigError("give a name and a program to keep running: pulse-supervise NAME PROGRAM [ARGUMENT …].")
    return Supervisor(sys.argv[1], sys.argv[2:], Environment(os.environ).home()).run()


def _rotating(path: Path) -> logging.Logger:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES)
    logger = logging.Logger(path.name)  # noqa: LOG001 - a writer of its own, outside the logging tree
    logger.addHandler(handler)
    return logger


def end_with_parent() -> None:
    """In a child before its program: ask Linux to end it when its parent is killed, so that nothing is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() == 1:
            os.kill(os.getpid(), signal.SIGTERM)

"""
Start, kill and watch real programs of the project in tests; every one is ended with the test.

Only what a test started is ever signalled, by its own process id.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PORTS = range(15_000, 32_000)  # below those of outgoing connections, which would take one between look and use


def free_ports(count: int) -> list[int]:
    """Return *count* different ports that nobody has, and that the system gives to no outgoing connection meanwhile."""
    found: list[int] = []
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            break
        with contextlib.suppress(OSError), socket.socket() as one:
            one.bind(("127.0.0.1", port))
            found.append(port)
    assert len(found) == count, f"{count} free ports in {_PORTS}"
    return found


def program(name: str) -> str:
    """Return the path of one of the project's commands."""
    return str(Path(sys.executable).with_name(name))


class Program:
    """One program of the project, as a process with its log in a file."""

    def __init__(self, name: str, command: list[str], variables: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.variables, self.log = name, command, dict(variables), log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Program:
        assert self.process is None or self.process.poll() is not None, f"{self.name} runs already"
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.variables},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill9(self) -> None:
        """End the program at whatever instruction it is."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self, *, within_s: float = 20, number: int = signal.SIGTERM) -> int:
        """Ask the program to end and return its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
            raise AssertionError(f"{self.name} did not end within {within_s:g} s:\n{self.tail()}") from None

    def tail(self, lines: int = 30) -> str:
        """Return the end of the program's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

"""
Processes that put load on a system or are measured against it; each talks to the benchmark through a pipe.

A child's first argument is its end of the pipe. It sends ``"ready"``, waits for whatever it is to be told, and sends
what it found. Times are ``time.monotonic()``, which is the same clock in every process of a machine.
"""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = multiprocessing.get_context("spawn")
START_WITHIN_S = 30.0


class Child:
    """One running process, as the benchmark sees it."""

    def __init__(self, pipe: Connection, pid: int, name: str) -> None:
        self.pid = pid
        self._pipe, self._name = pipe, name

    def tell(self, words: Any = "go") -> None:
        """Send the child something."""
        self._pipe.send(words)

    def hear(self, within_s: float) -> Any:
        """Return the next thing that the child sends."""
        if not self._pipe.poll(within_s):
            raise AssertionError(f"{self._name} said nothing within {within_s:g} s")
        try:
            return self._pipe.recv()
        except EOFError:
            raise AssertionError(f"{self._name} ended; what it said stands above") from None

    def has_news(self) -> bool:
        """Tell whether ``hear`` would return at once."""
        return self._pipe.poll(0)


@contextlib.contextmanager
def child(work: Callable[..., None], *arguments: Any) -> Iterator[Child]:
    """Run *work* (a function of a module) with a pipe and *arguments*, ready when yielded; ended with the block."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=work, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    assert process.pid is not None
    made = Child(ours, process.pid, work.__name__)
    try:
        assert made.hear(START_WITHIN_S) == "ready"
        yield made
    finally:
        process.kill()
        process.join(10)
        ours.close()

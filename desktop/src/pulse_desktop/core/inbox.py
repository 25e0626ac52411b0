"""
What one thread is told by others, in order; what may wait does not wake it.

Each wake-up of a thread that slept costs a device at rest more than what is then done, and most of what it hears
is of no hurry: acknowledgements above all. Such a thing waits for the next urgent one, or for the end of the pause.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue with one taker; ``put`` may be called from any thread."""

    def __init__(self) -> None:
        self._works: deque[T] = deque()
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._hears_all = False

    def __len__(self) -> int:
        return len(self._works)

    def put(self, work: T, *, may_wait: bool = False) -> None:
        """Add *work* behind all others; *may_wait*: whoever waits for what is urgent sleeps on."""
        self._works.append(work)
        # Read after the work was added: the taker says that it hears all before it looks for work, so that one of the
        # two sees the other.
        if not may_wait or self._hears_all:
            self._wakes.put(None)

    def wait(self, wait_s: float, *, for_urgent: bool = False) -> bool:
        """Sleep until there is work, *wait_s* seconds at most; *for_urgent*: what may wait wakes nobody meanwhile."""
        until = time.monotonic() + wait_s
        self._hears_all = not for_urgent
        try:
            while not self._works and (left_s := until - time.monotonic()) > 0:
                self._wakes.get(timeout=left_s)
        except queue.Empty:
            pass
        finally:
            self._hears_all = False
        return bool(self._works)

    def take(self, most: int) -> list[T]:
        """Return what is there, *most* at most, in the order in which it came; sleeps never."""
        while not self._wakes.empty():  # before the work is taken: one that comes meanwhile wakes once in vain at most
            self._wakes.get_nowait()
        return [self._works.popleft() for _ in range(min(most, len(self._works)))]

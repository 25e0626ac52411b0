"""
The thread around the courier: everything that happens comes through one queue, so the courier needs no lock.

Knows nothing of what the calls do. An error in one of them is logged and does not end delivery.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import structlog

from ..clock import Clock
from .courier import Courier

log = structlog.get_logger()
Call = tuple[Callable[..., Any], tuple[Any, ...]]


class CourierLoop:
    """Runs a courier until ``stop``. Whatever opens things for the courier's thread goes into *prepare*."""

    def __init__(self, clock: Clock, prepare: Callable[[], Courier], clean_up: Callable[[], None]) -> None:
        self._clock = clock
        self._prepare, self._clean_up = prepare, clean_up
        self._queue: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="courier")
        self.courier: Courier | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def post(self, name: str, *arguments: Any) -> None:
        """Call the courier's method *name* in its thread, after everything posted before."""
        self._queue.put((lambda *given: getattr(self.courier, name)(*given), arguments))

    def ask(self, name: str, timeout_s: float) -> Any:
        """Call the courier's method *name* in its thread and return its answer, ``None`` when it takes too long."""
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._queue.put((lambda: answer.put(getattr(self.courier, name)()), ()))
        try:
            return answer.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """End the thread after everything posted before."""
        self._queue.put(None)
        self._thread.join(5.0)

    def _run(self) -> None:
        courier = self.courier = self._prepare()
        try:
            while self._handle(courier):
                pass
        finally:
            self._clean_up()

    def _handle(self, courier: Courier) -> bool:
        try:
            wait_s = courier.next_wakeup() - self._clock.monotonic()
            call = self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
        except queue.Empty:
            call = (lambda: None, ())
        if call is None:
            return False
        try:
            call[0](*call[1])
            courier.tick()
        except Exception:
            log.exception("desktop.delivery_failed")
        return True

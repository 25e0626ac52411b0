"""
The thread around the courier: everything that happens comes through one queue, so the courier needs no lock.

Knows nothing of what the calls do. An error in one of them is logged and does not end delivery.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from ..clock import Clock
from ..inbox import Inbox
from .courier import Courier

log = structlog.get_logger()
ANSWER_WAIT_S = 5.0
AT_ONCE = 64  # calls between two ticks
AFTER_ERROR_S = 1.0  # what is due and fails is due again at once; without a pause that is a busy loop


@dataclass(frozen=True, slots=True)
class _Call:
    """A method of the courier by *name*; its answer goes into *answer* when somebody waits for it."""

    name: str
    arguments: tuple[Any, ...] = ()
    answer: queue.SimpleQueue[Any] | None = None


_TICK = _Call("tick")


class CourierLoop:
    """Runs a courier until ``stop``; *prepare*, *clean_up* and *failed* are called in its thread."""

    def __init__(
        self,
        clock: Clock,
        prepare: Callable[[], Courier],
        clean_up: Callable[[], None],
        failed: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        """*failed* is told of errors in the courier's calls."""
        self._clock = clock
        self._prepare, self._clean_up, self._failed = prepare, clean_up, failed
        self._inbox: Inbox[_Call | None] = Inbox()
        self._thread = threading.Thread(target=self._run, name="courier")
        self._least_wait_s = 0.0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Tell whether the courier's thread is alive."""
        return self._thread.is_alive()

    def post(self, name: str, *arguments: Any, may_wait: bool = False) -> None:
        """Call the courier's method *name* in its thread, after everything posted before; *may_wait*: see ``Inbox``."""
        self._inbox.put(_Call(name, arguments), may_wait=may_wait)

    def ask(self, name: str, timeout_s: float) -> Any:
        """Call the courier's method *name* in its thread and return its answer, ``None`` when it takes too long."""
        answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._inbox.put(_Call(name, (), answer))
        try:
            return answer.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def stop(self) -> None:
        """End the thread after everything posted before."""
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(ANSWER_WAIT_S)

    def _run(self) -> None:
        courier = self._prepare()
        try:
            while self._handle(courier):
                pass
        finally:
            self._clean_up()

    def _handle(self, courier: Courier) -> bool:
        """Wait for calls, make them, then let the courier do what is due, once; False: it is over."""
        wait_s = max(self._least_wait_s, courier.next_wakeup() - self._clock.monotonic())
        self._inbox.wait(wait_s, for_urgent=True)
        self._least_wait_s = 0.0
        for call in self._inbox.take(AT_ONCE):
            if call is None:
                return False
            self._make(courier, call)
        self._make(courier, _TICK)
        return True

    def _make(self, courier: Courier, call: _Call) -> None:
        try:
            answer = getattr(courier, call.name)(*call.arguments)
            if call.answer is not None:
                call.answer.put(answer)
        except Exception as error:
            log.exception("desktop.delivery_failed", call=call.name)
            self._least_wait_s = AFTER_ERROR_S
            self._failed(error)

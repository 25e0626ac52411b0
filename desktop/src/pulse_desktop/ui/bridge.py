"""
The one place where the core's events become Qt signals: a thread of its own looks, and tells the window.

It makes a ``Snapshot`` a few times a second from what the core's threads hold and what its files say, so the window's
thread neither reads a file nor waits for the core. What a person asks for runs in another thread, and its answer
comes back as a call in the window's thread. Read next: ``snapshot``, ``watching`` (what a look reads).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

import structlog
from PySide6.QtCore import QObject, Signal

from pulse_runtime.errors import ConfigError

from ..core.errors import DesktopError
from ..core.operation import Operation
from .watching import Watch

log = structlog.get_logger()
LOOK_EVERY_S = 0.5
LOOK_ENDS_S = 5.0  # that the end waits for a look, which a dead disk may hold for ever
Failed = Callable[[str], None]


class Asking(Protocol):
    """What windows need of the bridge; tests put a fake in its place."""

    operation: Operation

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed) -> None:
        """Do *work* elsewhere; then call *done* with its answer, or *failed* with a sentence, in this thread."""
        ...

    def show(self, metric: str, span_s: float) -> None:
        """Let the next snapshots bring the points of *metric* of the last *span_s* seconds."""
        ...


class Tasks(QObject):
    """Work for a thread that may wait; answers come in the thread of this object."""

    _answered = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="asked")
        self._answered.connect(self._deliver)
        self._is_closed = False

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed) -> None:
        """See ``Asking``; one piece of work at a time, in the order asked."""

        def finished(future: Future[Any]) -> None:
            self._answered.emit(future, (done, failed))

        self._pool.submit(work).add_done_callback(finished)

    def close(self) -> None:
        """Begin nothing more; what runs may end, and its answer is dropped: whom it was for may be gone."""
        self._is_closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _deliver(self, future: Future[Any], calls: tuple[Callable[[Any], None], Failed]) -> None:
        if self._is_closed or future.cancelled():
            return
        error = future.exception()
        if error is None:
            calls[0](future.result())
            return
        if not isinstance(error, (DesktopError, ConfigError, OSError)):
            log.error("desktop.request_failed", exc_info=error)
        calls[1](str(error) or type(error).__name__)


class Bridge(QObject):
    """Watches one device. ``changed`` brings a ``Snapshot``, in the window's thread."""

    changed = Signal(object)

    def __init__(self, watch: Watch, operation: Operation) -> None:
        super().__init__()
        self._watch, self.operation = watch, operation
        self._tasks = Tasks()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="window-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed) -> None:
        """See ``Asking``."""
        self._tasks.ask(work, done, failed)

    def show(self, metric: str, span_s: float) -> None:
        """See ``Asking``."""
        self._watch.show(metric, span_s)

    def look_again(self) -> None:
        """Read what changes rarely at the next look."""
        self._watch.look_again()

    def close(self) -> None:
        """Look no more; waits a while for the look under way, whose answer is dropped when it comes later."""
        self._stopping.set()
        self._tasks.close()
        if self._thread.is_alive():
            self._thread.join(LOOK_ENDS_S)

    def _run(self) -> None:
        while True:
            found = self._watch.look()
            if not self._stopping.is_set():
                self.changed.emit(found)
            if self._stopping.wait(LOOK_EVERY_S):
                return

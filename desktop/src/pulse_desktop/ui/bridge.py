"""
The one place where the core's events reach the window: a thread of its own looks, and tells the window's thread.

It makes a ``Snapshot`` once a second, and when a person did something, from what the core's threads hold and what its
files say, so the window's thread neither reads a file nor waits for the core. What a person asks for runs in another
thread, and its answer comes back as a call in the window's thread.

Whoever lets go of a Qt object last destroys it, and a window destroyed in another thread ends the program. So the
threads here hold what is not Qt's, and one ``Mailbox`` that is never destroyed. Read next: ``snapshot``, ``watching``
(what a look reads).
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Protocol

import structlog
from PySide6.QtCore import QObject, Qt, Signal, Slot

from pulse_runtime.errors import ConfigError

from ..core.errors import DesktopError
from ..core.operation import Operation
from .snapshot import Snapshot
from .watching import Watch

log = structlog.get_logger()
LOOK_EVERY_S = 1.0
LOOK_ENDS_S = 5.0  # that the end waits for a look, which a dead disk may hold for ever
Failed = Callable[[str], None]
Call = Callable[[], None]


class Asking(Protocol):
    """What windows need of the bridge; tests put a fake in its place."""

    operation: Operation

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed) -> None:
        """Do *work* elsewhere; then call *done* with its answer, or *failed* with a sentence, in this thread."""
        ...

    def look_again(self) -> None:
        """Let the next snapshot come at once, with the signed-in person and the rows read anew."""
        ...

    def show(self, metric: str, span_s: float) -> None:
        """Let the next snapshots bring the points of *metric* of the last *span_s* seconds."""
        ...


class Mailbox(QObject):
    """Calls that other threads have made in the window's."""

    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._posted.connect(self._make, Qt.ConnectionType.QueuedConnection)

    def post(self, call: Call) -> None:
        """Let *call* be made soon, in the thread of this object; from any thread."""
        self._posted.emit(call)

    @Slot(object)
    def _make(self, call: Call) -> None:
        call()


@cache
def mailbox() -> Mailbox:
    """Return the program's mailbox; first called in the window's thread."""
    return Mailbox()


@dataclass(frozen=True, slots=True)
class _Task:
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Failed


class Tasks:
    """
    Work for a thread that may wait, one piece at a time; made, asked and closed in the window's thread.

    The thread knows a piece by its number and holds it only while it runs: it may hold windows. What still runs when
    the program ends does not keep it from ending.
    """

    def __init__(self) -> None:
        self._mailbox = mailbox()
        self._numbers = itertools.count()
        self._tasks: dict[int, _Task] = {}
        self._asked: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="asked", daemon=True)

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed) -> None:
        """See ``Asking``; one piece of work at a time, in the order asked."""
        if self._is_closed:
            return
        number = next(self._numbers)
        self._tasks[number] = _Task(work, done, failed)
        self._asked.put(number)
        if self._thread.ident is None:
            self._thread.start()

    def close(self) -> None:
        """Begin nothing more; what runs may end, and its answer is dropped: whom it was for may be gone."""
        self._is_closed = True
        self._asked.put(None)

    def _run(self) -> None:
        while (number := self._asked.get()) is not None:
            answer, why = None, ""
            if not self._is_closed:
                try:
                    answer = self._tasks[number].work()
                except Exception as error:  # its frames hold what *work* holds: the sentence alone goes on
                    why = str(error) or type(error).__name__
                    if not isinstance(error, (DesktopError, ConfigError, OSError)):
                        log.exception("desktop.request_failed")
            self._mailbox.post(partial(self._deliver, number, answer, why))

    def _deliver(self, number: int, answer: Any, why: str) -> None:
        task = self._tasks.pop(number)
        if self._is_closed:
            return
        if why:
            task.failed(why)
        else:
            task.done(answer)


class Bridge:
    """Watches one device; made, asked and closed in the window's thread."""

    def __init__(self, watch: Watch, operation: Operation) -> None:
        self._watch, self.operation = watch, operation
        self._mailbox = mailbox()
        self._tasks = Tasks()
        self._listener: Callable[[Snapshot], None] | None = None
        self._woken = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="window-watch", daemon=True)

    def start(self, listener: Callable[[Snapshot], None]) -> None:
        """Begin to look; *listener* is called with each ``Snapshot``."""
        self._listener = listener
        self._thread.start()

    def ask(self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed) -> None:
        """See ``Asking``."""
        self._tasks.ask(work, done, failed)

    def look_again(self) -> None:
        """See ``Asking``."""
        self._watch.look_again()
        self._woken.set()

    def show(self, metric: str, span_s: float) -> None:
        """See ``Asking``."""
        self._watch.show(metric, span_s)
        self._woken.set()

    def close(self) -> None:
        """Look no more; waits a while for the look under way, whose answer is dropped when it comes later."""
        self._is_stopping, self._listener = True, None
        self._woken.set()
        self._tasks.close()
        if self._thread.is_alive():
            self._thread.join(LOOK_ENDS_S)

    def _run(self) -> None:
        while not self._is_stopping:
            self._woken.clear()
            self._mailbox.post(partial(self._deliver, self._watch.look()))
            if not self._is_stopping:
                self._woken.wait(LOOK_EVERY_S)

    def _deliver(self, found: Snapshot) -> None:
        if self._listener is not None:
            self._listener(found)

"""
A source in a thread of its own, so that one that hangs cannot take the sampling clock with it.

A read that is not answered in time raises; the thread is then left to itself, and what it still says is thrown away.
Read next: ``sampler``, which makes the source again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias, runtime_checkable

import structlog

from ..readings import NumberedValues, Values
from .base import Source

log = structlog.get_logger()
_READ, _CLOSE = "read", "close"
_Answer: TypeAlias = Values | NumberedValues | Exception


@runtime_checkable
class Complaining(Protocol):
    """A source that holds values back, and says so at once from any thread."""

    def complains(self) -> str:
        """Return what was held back last and why, empty when nothing."""
        ...


class SourceHangsError(Exception):
    """The source has not answered in time."""


class SupervisedSource:
    """
    One source and its thread; *make* is called in it, too.

    ``notice`` is what the source said of itself with its last values, empty when nothing.
    """

    def __init__(self, make: Callable[[], Source]) -> None:
        self._make = make
        self._complains: Callable[[], str] = str
        self.notice = ""
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[_Answer] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Tell whether its thread is alive; after ``close`` that means that it hangs."""
        return self._thread.is_alive()

    @property
    def complaint(self) -> str:
        """What was held back of the values that were looked at last; some are looked at after ``read``."""
        return self._complains()

    def read(self, timeout_s: float) -> Values | NumberedValues:
        """
        Return the values of this moment.

        Raises:
            SourceHangsError: There is no answer after *timeout_s*; this object is of no use any more.
            Exception: Whatever the source raised; likewise.
        """
        self._asked.put(_READ)
        try:
            answer = self._answers.get(timeout=timeout_s)
        except queue.Empty:
            raise SourceHangsError(f"it has not answered for {timeout_s:g} s") from None
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, Mapping) and not callable(answer):  # it would end the thread that records
            raise TypeError(f"it gave {type(answer).__name__} instead of values")
        return answer

    def close(self, timeout_s: float = 0.1) -> None:
        """Let the source give up what it holds, and wait for it a moment."""
        self._asked.put(_CLOSE)
        self._thread.join(timeout_s)

    def _run(self) -> None:
        source: Source | None = None
        try:
            while self._asked.get() == _READ:
                if source is None:
                    source = self._make()
                    if isinstance(source, Complaining):
                        self._complains = source.complains
                values = source.read()
                notice = getattr(source, "notice", "")
                self.notice = notice if isinstance(notice, str) else ""
                self._answers.put(values)
        except Exception as error:  # noqa: BLE001 - a source's code; the sampler reports it
            self._answers.put(error)
        except BaseException as error:  # noqa: BLE001 - one that ends "the program" ends its own thread only
            self._answers.put(RuntimeError(f"{type(error).__name__}: {error}"))
        finally:
            self._close(source)

    def _close(self, source: Source | None) -> None:
        if source is None:
            return
        try:
            source.close()
        except BaseException as error:  # noqa: BLE001 - it is thrown away either way
            log.warning("desktop.source_not_closed", reason=str(error))

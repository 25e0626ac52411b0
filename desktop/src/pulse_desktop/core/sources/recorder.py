"""
Records values at any time and says when they are committed, for sources that are told of values.

``committed`` is called by the thread that owns the file, ``record`` by any other. A reading's number, given when it
is written, leads from the one to the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ..clock import Clock
from ..readings import Sample, StoredReading, Values
from .base import NotRecordedError, Recorded

COMMIT_WITHIN_S = 5.0


@dataclass(slots=True)
class _Ticket:
    values: Values
    place: tuple[str, int] | None = None
    is_given_up: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class Recorder:
    """*append* takes a sample, False: not taken; *flush* waits until what was handed over is on disk."""

    def __init__(
        self,
        append: Callable[[Sample], bool],
        flush: Callable[[float], bool],
        clock: Clock,
        within_s: float = COMMIT_WITHIN_S,
    ) -> None:
        self._append, self._flush, self._clock, self._within_s = append, flush, clock, within_s
        self._waiting: dict[tuple[str, int], _Ticket] = {}
        self._lock = threading.Lock()
        self._door = threading.Lock()  # held while a sample is handed over: nothing comes after ``rest`` has returned
        self._is_resting = False

    def rest(self) -> None:
        """Refuse everything until ``go_on``; what was handed over before is being written."""
        with self._door:
            self._is_resting = True

    def go_on(self) -> None:
        """Record again after ``rest``."""
        with self._door:
            self._is_resting = False

    def record(self, values: Values) -> Recorded:
        """
        Record *values*, which must all be recordable, with the time of now; return when they are committed.

        Raises:
            NotRecordedError: They are not, or not yet.
        """
        ticket = _Ticket(values)
        with self._door:
            if self._is_resting:
                raise NotRecordedError("this machine is becoming another device; send it again then", is_certain=True)
            sample = Sample(self._clock.now(), lambda stream, number: self._numbered(ticket, stream, number))
            is_taken = self._append(sample)
        if not is_taken:
            raise NotRecordedError("recording has stopped; `pulse-desktop status` says why", is_certain=True)
        is_through = self._flush(self._within_s)
        with self._lock:
            ticket.is_given_up = True
            if ticket.place is not None:
                self._waiting.pop(ticket.place, None)
        if ticket.done.is_set() and ticket.place is not None:
            return Recorded(*ticket.place)
        if is_through:
            raise NotRecordedError("the buffer is full: the reading was given up and declared as lost", is_certain=True)
        raise NotRecordedError(f"it is not on disk after {self._within_s:g} s; it may still be", is_certain=False)

    def committed(self, added: Iterable[StoredReading]) -> None:
        """Note that *added* are on disk."""
        if not self._waiting:
            return
        with self._lock:
            for reading in added:
                ticket = self._waiting.pop((reading.stream, reading.sequence_no), None)
                if ticket is not None:
                    ticket.done.set()

    def _numbered(self, ticket: _Ticket, stream: str, number: int) -> Values:
        with self._lock:
            if ticket.place is not None:  # a transaction that failed is written again, perhaps elsewhere
                self._waiting.pop(ticket.place, None)
            ticket.place = (stream, number)
            if not ticket.is_given_up:
                self._waiting[ticket.place] = ticket
        return ticket.values

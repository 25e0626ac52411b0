"""
What is under way: messages sent on this connection and not yet answered.

Says when to send them again, and whether one more batch may go out. Pure; time is passed in. A unit is one message:
a live reading or a batch. Only batches fill the window, live readings are never held back by it. Read next:
``window`` (its size). Source: delivery, "The device", points 3 and 4.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pulse_acl.ranges import Range

from .window import Window

LEAST_WAIT_S = 2.0
MOST_WAIT_S = 600.0
USUAL_TIMES = 4.0
FIRST_USUAL_S = 0.5
MOST_BYTES = 4 * 1024 * 1024
SMOOTHING = 0.125
MOST_LEARNT_S = 5.0  # what takes longer was sent to an archive that is away, which says nothing of its usual time
FAILURES = 3


@dataclass(slots=True)
class Unit:
    """
    One message: ``numbers`` of ``stream`` that are unanswered.

    ``began_at``: first sent on this connection; ``sent_at``: sent last; ``order``: counts sends;
    ``failures``: sends overtaken by an answered later one.
    """

    stream: str
    numbers: set[int]
    size_bytes: int
    is_batch: bool
    began_at: float
    sent_at: float
    order: int
    due_at: float
    sends: int = 1
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """``resend``: messages to send, as (stream, ascending numbers); ``aside``: readings to set aside as UNANSWERED."""

    resend: list[tuple[str, list[int]]]
    aside: list[tuple[str, int]]


class Flight:
    """All units of the present connection."""

    def __init__(self) -> None:
        self.usual_s = FIRST_USUAL_S
        self.window = Window()
        self.answered_at = float("-inf")
        self.clear()

    def clear(self) -> None:
        """Begin a connection: nothing is under way and nothing has failed; usual answer time and window stay."""
        self._failed: dict[tuple[str, int], int] = {}
        self._empty()

    def forget(self) -> None:
        """Forget what is under way, but not how often it has failed on this connection: it will be sent again."""
        for (stream, number), key in self._of.items():
            self._failed[stream, number] = self._units[key].failures
        self._empty()

    def overtaken(self) -> None:
        """Count a failure for all that was forgotten and is unanswered: a message sent after it was answered."""
        self._failed = {key: failures + 1 for key, failures in self._failed.items()}

    def _empty(self) -> None:
        self._units: dict[int, Unit] = {}
        self._of: dict[tuple[str, int], int] = {}
        self._heap: list[tuple[float, int]] = []
        self._batches = 0
        self._bytes = 0
        self._order = 0
        self._next_id = 0
        self._answered_order = 0

    @property
    def batches(self) -> int:
        """Batches out and unanswered."""
        return self._batches

    def has_room(self) -> bool:
        """Tell whether one more batch may be sent."""
        return self._batches < int(self.window.size) and (self._batches == 0 or self._bytes < MOST_BYTES)

    def is_out(self, stream: str, number: int) -> bool:
        """Tell whether a reading is under way."""
        return (stream, number) in self._of

    def sent(self, stream: str, numbers: Iterable[int], size_bytes: int, now: float, *, is_batch: bool) -> Unit:
        """Note one message as sent; numbers that were under way in another are now in this one."""
        sends, failures, began_at = 1, 0, now
        wanted = set(numbers)
        for old in self._detach(stream, wanted):
            sends, failures = max(sends, old.sends + 1), max(failures, old.failures)
            began_at = min(began_at, old.began_at)
        if self._failed:
            failures = max(failures, *(self._failed.pop((stream, number), 0) for number in wanted))
        self._order += 1
        unit = Unit(stream, wanted, size_bytes, is_batch, began_at, now, self._order, now, sends, failures)
        unit.due_at = now + self._wait(sends)
        self._attach(unit)
        return unit

    def answered(self, stream: str, ranges: Sequence[Range], now: float) -> int:
        """Take the answered numbers out; return how many of them were under way."""
        found = 0
        for first, last in ranges:
            found += self._answered_range(stream, first, last, now)
        if found:
            self.answered_at = now
        return found

    def due(self, now: float, most: int) -> Due:
        """
        Return what is to be sent again now, in messages of at most *most* readings.

        What is due together goes together; what failed ``FAILURES`` times is halved, or set aside when it is alone.
        The caller sends and says so with ``sent``, or ``drop``s.
        """
        groups: dict[str, set[int]] = {}
        alone: list[tuple[str, list[int]]] = []
        aside: list[tuple[str, int]] = []
        timed_out = False
        while self._heap and self._heap[0][0] <= now:
            _, key = heapq.heappop(self._heap)
            unit = self._units.get(key)
            if unit is None or unit.due_at > now:
                continue
            timed_out |= unit.is_batch
            unit.failures += unit.order < self._answered_order
            if unit.failures < FAILURES:
                groups.setdefault(unit.stream, set()).update(unit.numbers)
            elif len(unit.numbers) > 1:
                alone += _halves(unit)
            else:
                aside += [(unit.stream, number) for number in unit.numbers]
            unit.due_at = now + self._wait(unit.sends + 1)
            heapq.heappush(self._heap, (unit.due_at, key))
        if timed_out:
            self.window.unanswered()
        for stream, numbers in groups.items():
            ordered = sorted(numbers)
            alone += [(stream, ordered[start : start + most]) for start in range(0, len(ordered), most)]
        return Due(alone, aside)

    def drop(self, stream: str, numbers: Iterable[int]) -> None:
        """Forget numbers that are no longer held."""
        self._detach(stream, set(numbers))

    def next_due(self) -> float | None:
        """Return when ``due`` will have something, or ``None``."""
        while self._heap:
            due_at, key = self._heap[0]
            unit = self._units.get(key)
            if unit is not None and unit.due_at == due_at:
                return due_at
            heapq.heappop(self._heap)
        return None

    def restart(self, now: float, delay_s: float) -> None:
        """Begin all waits afresh, each unit due in *delay_s* at the soonest: a new worker has come up."""
        self._heap = []
        for key, unit in self._units.items():
            unit.sends, unit.began_at, unit.due_at = 1, now, now + delay_s
            heapq.heappush(self._heap, (unit.due_at, key))

    def silent_for(self, now: float) -> float:
        """Return for how long something has been unanswered while no answer at all came, in seconds."""
        oldest_at = min((unit.began_at for unit in self._units.values()), default=None)
        return 0.0 if oldest_at is None else now - max(oldest_at, self.answered_at)

    def _wait(self, sends: int) -> float:
        base = max(LEAST_WAIT_S, USUAL_TIMES * self.usual_s)
        return float(min(MOST_WAIT_S, base * 2.0 ** min(sends - 1, 20)))

    def _answered_range(self, stream: str, first: int, last: int, now: float) -> int:
        if self._failed:
            self._failed = {
                key: failures
                for key, failures in self._failed.items()
                if key[0] != stream or not first <= key[1] <= last
            }
        if last - first < len(self._of):
            numbers = [n for n in range(first, last + 1) if (stream, n) in self._of]
        else:
            numbers = [n for name, n in self._of if name == stream and first <= n <= last]
        for number in numbers:
            key = self._of.pop((stream, number))
            unit = self._units[key]
            unit.numbers.discard(number)
            self._answered_order = max(self._answered_order, unit.order)
            if not unit.numbers:
                self._remove(key)
                self._learn(unit, now)
        return len(numbers)

    def _learn(self, unit: Unit, now: float) -> None:
        # Of a repeated one nobody knows which send was answered. It counts from the first: else an archive that
        # takes longer than the wait would be sent everything twice for ever.
        took_s = min(MOST_LEARNT_S, now - unit.began_at)
        self.usual_s += SMOOTHING * (took_s - self.usual_s)
        if unit.is_batch:
            self.window.answered(took_s, now)

    def _attach(self, unit: Unit) -> None:
        self._next_id += 1
        self._units[self._next_id] = unit
        self._of.update(dict.fromkeys(((unit.stream, number) for number in unit.numbers), self._next_id))
        self._batches += unit.is_batch
        self._bytes += unit.size_bytes if unit.is_batch else 0
        heapq.heappush(self._heap, (unit.due_at, self._next_id))

    def _detach(self, stream: str, numbers: set[int]) -> list[Unit]:
        touched: dict[int, Unit] = {}
        for number in numbers:
            key = self._of.pop((stream, number), None)
            if key is not None:
                touched[key] = self._units[key]
                self._units[key].numbers.discard(number)
        for key, unit in touched.items():
            if not unit.numbers:
                self._remove(key)
        return list(touched.values())

    def _remove(self, key: int) -> None:
        unit = self._units.pop(key)
        self._batches -= unit.is_batch
        self._bytes -= unit.size_bytes if unit.is_batch else 0


def _halves(unit: Unit) -> list[tuple[str, list[int]]]:
    """Cut a failing unit in two, each to begin its own count and waits."""
    unit.failures = unit.sends = 0
    ordered = sorted(unit.numbers)
    middle = len(ordered) // 2
    return [(unit.stream, ordered[:middle]), (unit.stream, ordered[middle:])]

"""
Asks a source in time and hands what it says to the outbox; makes the source again when it fails or hangs.

Its clock keeps to the grid of its first tick: it does not drift, and ticks missed in a suspend or a slow read are
left out, never made up. It numbers nothing and writes nothing. Read next: ``supervised``.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from random import Random

import structlog

from ..backoff import Backoff
from ..clock import Clock
from ..readings import Sample
from ..storable import storable
from .base import Source, SourceConfigError
from .supervised import SupervisedSource

log = structlog.get_logger()
PATIENCE_S = 10.0  # a source that takes longer hangs
STOPPED = "recording has stopped"  # of a source that is well itself
MOST_HANGING = 8  # threads that were left to themselves; no source is made while there are so many


class SampleClock:
    """The grid: ``first + n * interval``. Pure; seconds of the monotonic clock."""

    def __init__(self, interval_s: float, now: float) -> None:
        self.interval_s = interval_s
        self._first = self.due_at = now
        self._tick = 0

    def taken(self, now: float) -> int:
        """Note a sample taken at *now* and set the next tick; return how many were missed."""
        behind = math.floor((now - self._first) / self.interval_s + 1e-9) - self._tick
        missed = max(0, behind)
        self._tick += missed + 1
        self.due_at = self._first + self._tick * self.interval_s
        return missed


class Sampler:
    """
    The thread of one source.

    ``status`` says what is wrong with the source, empty when nothing is; ``notice`` is what the source says itself.
    Both can be stored, whatever the source gave.
    """

    def __init__(
        self,
        make: Callable[[], Source],
        append: Callable[[Sample], bool],
        clock: Clock,
        random: Random,
        interval_s: float,
        *,
        patience_s: float = PATIENCE_S,
        name: str = "source",
    ) -> None:
        """*make* builds the source, again after each failure; *append* takes samples, False: not taken."""
        self.name = name
        self._make, self._append, self._clock = make, append, clock
        self._backoff = Backoff(random)
        self._interval_s, self._patience_s = interval_s, patience_s
        self._source: SupervisedSource | None = None
        self._hanging: list[SupervisedSource] = []
        self._retry_at = float("-inf")
        self._wake = threading.Event()
        self._stopping = self._is_renewing = False
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)
        self.status, self.notice = "starting", ""
        self.skipped = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Tell whether the thread is alive."""
        return self._thread.is_alive()

    def set_interval(self, interval_s: float) -> None:
        """Sample every *interval_s* seconds from now on."""
        self._interval_s = interval_s
        self._wake.set()

    def renew(self) -> None:
        """Close the source and make it anew for the next sample."""
        self._is_renewing = True

    def finish(self) -> None:
        """Take no more samples; returns at once."""
        self._stopping = True
        self._wake.set()

    def stop(self, timeout_s: float = 0.5) -> None:
        """Take no more samples and end the thread."""
        self.finish()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        grid = SampleClock(self._interval_s, self._clock.monotonic())
        while not self._stopping:
            wait_s = grid.due_at - self._clock.monotonic()
            if wait_s > 0:
                self._wake.wait(wait_s)
                self._wake.clear()
                if grid.interval_s != self._interval_s:
                    grid = SampleClock(self._interval_s, self._clock.monotonic())
                continue
            self.take()
            self.skipped += grid.taken(self._clock.monotonic())
        self._close()

    def take_once(self) -> None:
        """Take one sample without the thread, and close the source."""
        self.take()
        self._close()

    def take(self) -> None:
        """Take one sample now, or find out that the source fails."""
        now = self._clock.monotonic()
        if now < self._retry_at:
            return
        if self._is_renewing:
            self._is_renewing = False
            self._close()
        recorded_at = self._clock.now()
        try:
            source = self._supervised()
            values = source.read(self._patience_s)
        except Exception as error:  # noqa: BLE001 - a source's code; it must not end the sampling
            self._failed(error)
            return
        self._backoff.succeeded()
        taken = self._append(Sample(recorded_at, values))
        self.notice = storable(source.notice)
        self.status = storable(source.complaint) if taken else STOPPED

    def _supervised(self) -> SupervisedSource:
        if self._source is None:
            self._hanging = [source for source in self._hanging if source.is_running]
            if len(self._hanging) >= MOST_HANGING:
                raise RuntimeError(f"it has hung {MOST_HANGING} times and has not come back")
            self._source = SupervisedSource(self._make)
        return self._source

    def _failed(self, error: Exception) -> None:
        self._close()
        wait_s = self._backoff.failed()
        self._retry_at = self._clock.monotonic() + wait_s
        reason = storable(str(error)) or type(error).__name__
        self.status = f"failed: {reason}"
        trace = None if isinstance(error, SourceConfigError) else error
        log.warning(
            "desktop.source_failed", source=self.name, reason=reason, again_in_s=round(wait_s, 1), exc_info=trace
        )

    def _close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()
            if source.is_running:
                self._hanging.append(source)

"""
The partitions of the days that readings belong to: made before a batch where that is quick, and beside it otherwise.

Making one waits for everybody who reads the DEFAULT partition (a backup, a long query) and then reads all of it, so a
batch tries once and shortly for a day that is new and never again, and for none while that is known to take long; the
rest is ``run``'s. Until then the DEFAULT partition takes the rows, and they move with the partition when it is made.
Read next: ``archivist``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Protocol

import structlog

from .clock import Clock
from .errors import StorageUnavailable, TookTooLong, WriteFailed

AGAIN_S = 60.0
BATCH_WAITS_S = 5.0
LOCKED = "55P03"  # a lock was not to be had in time
_OLDEST = timedelta(days=400)
_DAY = timedelta(days=1)

log = structlog.get_logger()


class Partitions(Protocol):
    """What is needed of ``writer.Database``."""

    async def make_partitions(self, days: Sequence[date]) -> None:
        """See ``writer.Database.make_partitions``."""


class DayPartitions:
    """Makes partitions on a connection of its own, which nobody else may use."""

    def __init__(self, partitions: Partitions, clock: Clock, retention_days: int = 0) -> None:
        """Make none for days older than *retention_days* (0: than 400 days), nor behind tomorrow."""
        self._partitions = partitions
        self._clock = clock
        self._oldest = timedelta(days=retention_days) if retention_days else _OLDEST
        self._made: set[date] = set()
        self._owed: set[date] = set()
        self._is_slow = False  # as last seen
        self._making = asyncio.Lock()

    async def prepare(self, days: Iterable[date], within_s: float = BATCH_WAITS_S) -> None:
        """Try once for the *days* (UTC) of a batch that are new; never raises but for cancellation."""
        today = self._clock.now().date()
        new = {day for day in days if today - self._oldest <= day <= today + _DAY} - self._made - self._owed
        if self._is_slow:
            self._owed |= new
            return
        try:
            async with asyncio.timeout(within_s):
                await self._make_each(new)
        except TimeoutError:
            log.warning("partitions.days_put_off", days=[str(day) for day in sorted(new - self._made)])
            self._owed |= new - self._made
            self._is_slow = True

    async def run(self) -> None:
        """Make today's and tomorrow's, and what batches were not given, every ``AGAIN_S`` seconds until cancelled."""
        while True:
            await self.make_owed()
            await asyncio.sleep(AGAIN_S)

    async def make_owed(self) -> None:
        """Try once for the days that are owed, and for today and tomorrow."""
        today = self._clock.now().date()
        self._owed = {day for day in self._owed if today - self._oldest <= day}
        await self._make_each((self._owed | {today, today + _DAY}) - self._made)

    async def _make_each(self, days: set[date]) -> None:
        """Make *days* in their order; all of them need the same lock, so that it is waited for once only."""
        ordered = sorted(days)
        for number, day in enumerate(ordered):
            try:
                async with self._making:
                    if day not in self._made:
                        await self._partitions.make_partitions([day])
            except StorageUnavailable as error:
                # A batch waits for the database by itself; its rows are safe in the DEFAULT partition.
                self._owed.update(ordered[number:])
                self._is_slow = isinstance(error, TookTooLong)
                return
            except WriteFailed as error:
                log.warning("partitions.day_put_off", day=str(day), error=str(error))
                self._owed.add(day)
                self._is_slow = error.sqlstate == LOCKED
                if self._is_slow:
                    self._owed.update(ordered[number:])
                    return
            else:
                self._is_slow = False
                self._made.add(day)
                self._owed.discard(day)

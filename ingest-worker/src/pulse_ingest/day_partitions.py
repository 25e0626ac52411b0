"""
The partitions of the days that readings belong to: made before a batch where that is quick, and beside it otherwise.

Making one waits for everybody who reads the DEFAULT partition (a backup, a long query), so a batch tries once for a day
that is new and never again; the rest is ``run``'s. Until then the DEFAULT partition takes the rows, and they move with
the partition when it is made. Read next: ``archivist``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Protocol

import structlog

from .clock import Clock
from .errors import StorageUnavailable, WriteFailed

AGAIN_S = 60.0
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
        self._making = asyncio.Lock()

    async def prepare(self, days: Iterable[date]) -> None:
        """Try once for each of the *days* (UTC) of a batch that is new; never raises but for cancellation."""
        today = self._clock.now().date()
        wanted = {day for day in days if today - self._oldest <= day <= today + _DAY}
        await self._make_each(wanted - self._made - self._owed)

    async def run(self) -> None:
        """Make today's and tomorrow's, and what batches were not given, every ``AGAIN_S`` seconds until cancelled."""
        while True:
            await self.make_owed()
            await asyncio.sleep(AGAIN_S)

    async def make_owed(self) -> None:
        """Try once for each day that is owed, and for today and tomorrow."""
        today = self._clock.now().date()
        self._owed = {day for day in self._owed if today - self._oldest <= day}
        await self._make_each((self._owed | {today, today + _DAY}) - self._made)

    async def _make_each(self, days: set[date]) -> None:
        for day in sorted(days):
            try:
                async with self._making:
                    if day not in self._made:
                        await self._partitions.make_partitions([day])
            except StorageUnavailable:
                return  # a batch waits for the database by itself; its rows are safe in the DEFAULT partition
            except WriteFailed as error:
                log.warning("partitions.day_put_off", day=str(day), error=str(error))
                self._owed.add(day)
            else:
                self._made.add(day)
                self._owed.discard(day)

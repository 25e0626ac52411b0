"""
Dropping what came long ago: whole days by their newest ``received_at``, rows of the DEFAULT partition, and of rejects.

Works on a connection of its own, so that the archive never waits for it. The ledger is left alone: what is dropped
counts as archived, never as missing. Read next: ``day_partitions``, which makes the partitions.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Protocol

import structlog

from .clock import Clock
from .errors import StorageUnavailable, WriteFailed
from .measures import Measures

EVERY_S = 3600.0
ROWS_AT_ONCE = 20_000

log = structlog.get_logger()


class Shelves(Protocol):
    """What is needed of ``writer.Database``."""

    async def old_partitions(self, before: date) -> list[date]:
        """See ``writer.Database.old_partitions``."""

    async def expire_partition(self, day: date, came_before: datetime) -> bool:
        """See ``writer.Database.expire_partition``."""

    async def expire_default(self, came_before: datetime, most: int) -> int:
        """See ``writer.Database.expire_default``."""

    async def expire_rejects(self, came_before: datetime, most: int) -> int:
        """See ``writer.Database.expire_rejects``."""


class Retention:
    """Keeps so many days and drops what came before; ``run`` does the work."""

    def __init__(self, shelves: Shelves, days: int, measures: Measures, clock: Clock) -> None:
        """Keep *days* days of telemetry by the time of its coming; 0: all."""
        self._shelves = shelves
        self._days = days
        self._measures = measures
        self._clock = clock

    async def run(self) -> None:
        """Look every hour until cancelled; with nothing to drop, ever, wait for the end."""
        if not self._days:
            await asyncio.Event().wait()
        while True:
            try:
                await self.drop_old()
            except (StorageUnavailable, WriteFailed) as error:
                log.warning("retention.put_off", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def drop_old(self) -> None:
        """
        Drop once what is too old; a day that somebody reads or writes in is left for the next time.

        Raises:
            StorageUnavailable: Server away.
            WriteFailed: The server would not list the days, or delete rows.
        """
        limit = self._clock.now() - timedelta(days=self._days)
        for day in await self._shelves.old_partitions(limit.date()):
            try:
                dropped = await self._shelves.expire_partition(day, limit)
            except WriteFailed as error:
                log.warning("retention.day_put_off", day=str(day), error=str(error))
                continue
            if dropped:
                self._measures.expired_days.inc()
                log.info("retention.day_dropped", day=str(day))
        while deleted := await self._shelves.expire_default(limit, ROWS_AT_ONCE):
            self._measures.expired_rows.inc(deleted)
            log.info("retention.rows_deleted", rows=deleted)
        while deleted := await self._shelves.expire_rejects(limit, ROWS_AT_ONCE):
            self._measures.expired_rejects.inc(deleted)
            log.info("retention.rejects_deleted", rows=deleted)

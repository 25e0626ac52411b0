"""
The way of everything but telemetry: heartbeats, audited commands and command results, written a few times a second.

Runs beside the telemetry pipeline on a connection of its own, so that presence does not wait for a backlog.
Bounded: heartbeats of one device become one row, audit rows have a limit. Read next: ``presence``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

import structlog

from .backoff import Backoff
from .errors import StorageUnavailable, WriteFailed
from .measures import Measures
from .messages import Raw
from .presence import SideBatch

FLUSH_S = 0.2
MOST_AUDITS = 10_000
MOST_AUDIT_CHARS = 16 * 1024 * 1024  # a command's result may be as long as a message
MOST_DEVICES = 100_000
MOST_STREAMS = 200_000
FAILURES_BEFORE_SPLIT = 3

log = structlog.get_logger()


class SideArchive(Protocol):
    """What is needed of ``writer.Database``."""

    async def write_side(self, batch: SideBatch) -> None:
        """See ``writer.Database.write_side``."""


class SidePipeline:
    """Collects what ``offer`` is given and writes it; ``run`` does the work."""

    def __init__(self, archive: SideArchive, measures: Measures) -> None:
        """Take a connection of its own; nothing runs yet."""
        self._archive = archive
        self._measures = measures
        self._held = SideBatch()
        self._arrived = asyncio.Event()
        self._closing = False
        self._storing = False
        self.steps = 0  # batches that are dealt with; the watchdog looks at it
        self._backoff = Backoff(first_s=0.2, most_s=5.0)

    def offer(self, raw: Raw) -> None:
        """
        Take a message; dropped and counted when too much is held. On MQTT 5 it is acknowledged once it is stored.

        Raises:
            ContractError: The payload breaks the contract.
        """
        if self._closing or self._is_full():
            self._measures.side_dropped.inc()
            if not self._closing:  # what comes while closing is left to another worker
                raw.settle()
            return
        self._held.take(raw)
        self._arrived.set()

    @property
    def is_idle(self) -> bool:
        """Tell whether nothing waits to be stored."""
        return self._held.is_empty and not self._storing

    def _is_full(self) -> bool:
        held = self._held
        return (
            len(held.audits) >= MOST_AUDITS
            or held.audit_chars >= MOST_AUDIT_CHARS
            or len(held.presences) >= MOST_DEVICES
            or len(held.claims) >= MOST_STREAMS
        )

    async def run(self) -> None:
        """Work until ``close`` was called and everything held is stored."""
        while not (self._closing and self._held.is_empty):
            await self._arrived.wait()
            self._arrived.clear()
            if not self._closing:
                await asyncio.sleep(FLUSH_S)  # gather, so that a fleet's heartbeats are few transactions
            taken, self._held = self._held, SideBatch()
            if not taken.is_empty:
                self._storing = True
                await self._store(taken)
                self._storing = False
                self.steps += 1
            taken.settle()

    def close(self) -> None:
        """Take nothing more; ``run`` returns once what is held is stored."""
        self._closing = True
        self._arrived.set()

    async def _store(self, batch: SideBatch) -> None:
        failures = 0
        while failures < FAILURES_BEFORE_SPLIT:
            try:
                await self._archive.write_side(batch)
                self._backoff.reset()
                return
            except StorageUnavailable:
                pass  # the regular check tells the world
            except WriteFailed as error:
                failures += 1
                log.warning("side.write_failed", error=str(error), failures=failures)
            await self._backoff.wait()
        await self._store_apart(batch)

    async def _store_apart(self, batch: SideBatch) -> None:
        for piece in pieces(batch):
            while not await self._is_stored_or_given_up(piece):
                await self._backoff.wait()

    async def _is_stored_or_given_up(self, piece: SideBatch) -> bool:
        try:
            await self._archive.write_side(piece)
        except StorageUnavailable:
            return False
        except WriteFailed as error:
            self._measures.side_dropped.inc()
            actions = [audit.action for audit in piece.audits]
            log.warning("side.piece_dropped", error=str(error), devices=list(piece.presences), actions=actions)
        return True


def pieces(batch: SideBatch) -> Iterator[SideBatch]:
    """Give each heartbeat, claim and audit row of *batch* alone."""
    for client_id, found in batch.presences.items():
        yield SideBatch(presences={client_id: found})
    for key, claim in batch.claims.items():
        yield SideBatch(claims={key: claim})
    for audit in batch.audits:
        yield SideBatch(audits=[audit])

"""
The way of a telemetry message: intake, decoding, batch, archive; receipts are the archivist's last step.

Two tasks, so that the next batch is decoded while PostgreSQL commits the last one. Must not touch the broker or the
database itself. Read next: ``archivist``.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime
from typing import Protocol

import structlog

from .batcher import Batcher, Intake
from .clock import Clock
from .decode import decode
from .measures import Measures
from .messages import Decoded, Raw, Reject, resolve
from .printable import excerpt_of, one_line

_MESSAGES_BETWEEN_YIELDS = 32

log = structlog.get_logger()


class Store(Protocol):
    """What the pipeline needs of ``archivist.Archivist``."""

    async def store(self, messages: list[Decoded]) -> None:
        """Commit and answer *messages*."""


class Pipeline:
    """Moves messages from ``offer`` to the store; ``run`` does the work."""

    def __init__(self, store: Store, measures: Measures, clock: Clock, *, intake: Intake, batcher: Batcher) -> None:
        """Take the parts; nothing runs yet."""
        self._store = store
        self._measures = measures
        self._clock = clock
        self._intake = intake
        self._batcher = batcher
        self._arrived = asyncio.Event()
        self._added = asyncio.Event()
        self._room = asyncio.Event()
        self._closing = False
        self._storing: list[Decoded] = []
        self._filled = False

    def offer(self, raw: Raw) -> None:
        """
        Take a message from ``telemetry/+/live`` or ``…/buffered``; dropped when closing or memory is full.

        What comes while closing is not acknowledged on MQTT 5: the broker may give it to another worker.
        """
        if self._closing:
            self._measures.dropped.inc()
            return
        if not self._intake.offer(raw):
            self._measures.dropped.inc()
            raw.settle()
            return
        self._arrived.set()

    @property
    def oldest_received_at(self) -> datetime | None:
        """When the oldest message came that is not dealt with; ``None``: there is none."""
        if self._storing:
            return self._storing[0].received_at
        return self._batcher.oldest_received_at or self._intake.oldest_received_at

    def record(self, raw: Raw, client_id: str | None, reason: str) -> None:
        """Take note of another message that breaks the contract; it settles nothing."""
        if self._closing or self._batcher.is_full:
            self._measures.dropped.inc()
            if not self._closing:
                raw.settle()
            return
        self._add(_faulty(raw, client_id, reason))

    async def run(self) -> None:
        """Work until ``close`` was called and everything held is stored."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._fill())
            tasks.create_task(self._drain())

    def close(self) -> None:
        """Take nothing more; ``run`` returns once what is held is stored."""
        self._closing = True
        self._arrived.set()

    async def _fill(self) -> None:
        since_yield = 0
        while True:
            raw = self._intake.take()
            if raw is None:
                if self._closing:
                    break
                self._arrived.clear()
                await self._arrived.wait()
                continue
            while self._batcher.is_full:
                self._room.clear()
                await self._room.wait()
            self._add(self._decoded(raw))
            since_yield += 1
            if since_yield >= _MESSAGES_BETWEEN_YIELDS:
                since_yield = 0
                await asyncio.sleep(0)
        self._filled = True
        self._added.set()

    def _decoded(self, raw: Raw) -> Decoded:
        try:
            return decode(raw)
        except Exception as error:
            # A fault of ours must not stop the worker; the message is kept where a person can see it.
            log.exception("pipeline.decoder_failed", topic=raw.topic)
            return _faulty(raw, None, f"the decoder failed: {error}")

    def _add(self, message: Decoded) -> None:
        self._batcher.add(message, self._clock.monotonic())
        self._added.set()

    async def _drain(self) -> None:
        while True:
            self._added.clear()
            wait_s = self._batcher.wait_s(self._clock.monotonic())
            if wait_s is None and self._filled:
                return
            if wait_s == 0.0 or (self._filled and wait_s is not None):
                batch = self._batcher.take()
                self._room.set()
                self._storing = batch
                await self._store.store(batch)
                self._storing = []
                for message in batch:
                    resolve(message.done)
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._added.wait()


def _faulty(raw: Raw, client_id: str | None, reason: str) -> Decoded:
    fault = Reject(None, one_line(reason), excerpt_of(raw.payload))
    return Decoded(client_id, None, raw.topic, raw.received_at, faults=[fault], done=raw.done)

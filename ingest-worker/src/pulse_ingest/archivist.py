"""
Getting a batch into the archive whatever happens: try again, try again apart, or leave one reading unanswered.

Holds the rules of failure and nothing else. A reading is rejected only for what the decoder found, or for SQLSTATE
class 22 when it fails alone; every other error is tried again, apart from the third time on when the database answers
a probe. A lock that somebody holds is waited for like a database that is away. Must never answer for what is not
committed: receipts are handed to ``publish`` after ``write_batch`` has returned. Read next: ``writer``, ``pipeline``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Protocol

import structlog

from .backoff import Backoff
from .clock import Clock
from .day_partitions import LOCKED, DayPartitions
from .errors import StorageUnavailable, TookTooLong, UnfitData, WriteFailed
from .measures import Measures
from .messages import Decoded, Reject, halve
from .receipts import Answer
from .storage_state import StorageState
from .writer import Written

FAILURES_BEFORE_SPLIT = 3

log = structlog.get_logger()


class Archive(Protocol):
    """What the archivist needs of ``writer.Database``."""

    async def write_batch(self, messages: Sequence[Decoded], now: datetime) -> Written:
        """See ``writer.Database.write_batch``."""

    async def probe(self) -> bool:
        """See ``writer.Database.probe``."""


class Archivist:
    """Stores one batch after another; not for concurrent use."""

    def __init__(
        self,
        *,
        batches: Archive,
        days: DayPartitions,
        publish: Callable[[Sequence[Answer]], Awaitable[None]],
        state: StorageState,
        measures: Measures,
        clock: Clock,
    ) -> None:
        """Take a connection for the batches, the *days* beside it, and where answers go."""
        self._batches = batches
        self._days = days
        self._publish = publish
        self._state = state
        self._measures = measures
        self._clock = clock
        self.steps = 0  # batches, or parts of one, that are dealt with; the watchdog looks at it
        self._backoff = Backoff(first_s=0.1, most_s=5.0)

    async def store(self, messages: list[Decoded]) -> None:
        """
        Return when all of *messages* is committed and answered, or left unanswered for good.

        Never raises but for cancellation; waits as long as the database is away.
        """
        await self._days.prepare({sample.recorded_at.date() for message in messages for sample in message.samples})
        await self._store(messages, failures_allowed=FAILURES_BEFORE_SPLIT)

    async def _store(self, messages: list[Decoded], *, failures_allowed: int) -> None:
        failures = 0
        while True:
            try:
                await self._write(messages)
                return
            except TookTooLong as error:
                self._state.went_away(str(error))
                if await self._batches.probe():  # else it was not the batch
                    failures += 1
                    log.warning("archivist.batch_failed", error=str(error), failures=failures, weight=_weight(messages))
                    if failures >= failures_allowed:
                        await self._store_apart(messages, error)
                        return
            except StorageUnavailable as error:
                self._state.went_away(str(error))
            except UnfitData as error:
                # No sense in sending the same values again.
                await self._store_apart(messages, error)
                return
            except WriteFailed as error:
                failures += 1
                log.warning("archivist.batch_failed", error=str(error), failures=failures, weight=_weight(messages))
                if failures >= failures_allowed and await self._batches.probe():
                    await self._store_apart(messages, error)
                    return
            await self._backoff.wait()

    async def _write(self, messages: list[Decoded]) -> None:
        began = self._clock.monotonic()
        try:
            written = await self._batches.write_batch(messages, self._clock.now())
        except WriteFailed as error:
            if error.sqlstate == LOCKED:  # whoever holds the lock holds up any batch: nothing is wrong with this one
                raise StorageUnavailable(str(error)) from error
            raise
        self.steps += 1
        self._state.came_back()
        self._backoff.reset()
        self._measures.batch_committed(messages, written, self._clock.now(), self._clock.monotonic() - began)
        await self._publish(written.answers)

    async def _store_apart(self, messages: list[Decoded], error: WriteFailed | TookTooLong) -> None:
        if _weight(messages) > 1:
            for half in halve(messages):
                # A half has to fail once only to be split again: that the batch fails is known by now.
                alone = _weight(half) == 1
                await self._store(half, failures_allowed=FAILURES_BEFORE_SPLIT if alone else 1)
        elif isinstance(error, UnfitData) and (rejected := _as_reject(messages, error)):
            await self._store(rejected, failures_allowed=FAILURES_BEFORE_SPLIT)
        else:
            self._leave(messages, error)

    def _leave(self, messages: list[Decoded], error: WriteFailed | TookTooLong) -> None:
        """Leave what fails alone without an answer; the device will set it aside and show it."""
        self.steps += 1
        self._state.came_back()  # it answered a probe, and nothing else waits for it
        self._measures.left_unanswered.inc()
        for message in messages:
            numbers = [s.sequence_no for s in message.samples] + [r.sequence_no for r in message.rejects]
            log.error(
                "archivist.reading_left",
                client_id=message.client_id,
                stream=str(message.stream),
                sequence_numbers=numbers,
                error=str(error),
            )


def _weight(messages: list[Decoded]) -> int:
    return sum(message.weight for message in messages)


def _as_reject(messages: list[Decoded], error: UnfitData) -> list[Decoded]:
    """Return *messages*, one sample in all, with that sample rejected; empty when there is no sample in it."""
    for message in messages:
        for sample in message.samples:
            reject = Reject(sample.sequence_no, f"the database refuses a value: {error}"[:300], "")
            return [message.with_reject_only(reject)]
    return []

"""
The worker put together: the only place where its parts are wired, started, watched and ended.

Read next: ``pipeline`` (telemetry), ``side_pipeline`` (the rest), ``link`` (the broker), ``archivist`` (the database).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from pulse_acl.payloads import ContractError, Receipt, encode
from pulse_acl.topics import Topic, build, parse
from pulse_runtime.internal_network import own_address

from . import __version__
from .archivist import Archivist
from .batcher import Batcher, Intake
from .clock import SystemClock
from .day_partitions import DayPartitions
from .errors import Stalled, StorageUnavailable, WriteFailed
from .link import Link
from .measures import Measures
from .messages import Raw
from .metrics_http import MetricsHttp
from .pipeline import Pipeline
from .receipts import Answer
from .receipts import build as build_receipts
from .reconcile import Reconciler
from .retention import Retention
from .settings import Settings
from .side_pipeline import SidePipeline
from .status import INTERVAL_S, StatusSource
from .storage_state import OK, StorageState
from .tokens import TokenSource, service_key
from .watchdog import Watchdog
from .writer import Database

FINISH_WITHIN_S = 10.0
CANCEL_AGAIN_S = 5.0
LOCK_TIMEOUT_S = 2.0
BATCH_LOCK_TIMEOUT_S = 25.0  # below a statement's 30 s, so that waiting for a lock is told from being too much
UPKEEP_TIMEOUT_S = 600.0

log = structlog.get_logger()


class Worker:
    """One ingest worker; ``run`` works until it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        """
        Wire the parts; nothing is connected yet.

        Raises:
            ConfigError: The key's files cannot be used.
        """
        self._settings = settings
        self._clock = SystemClock()
        self._measures = Measures()
        self._state = StorageState()
        self._stopping = asyncio.Event()
        self._has_rival = False  # another worker holds the name of this instance, as last seen
        self._connections = [
            Database(settings.database, lock_timeout_s=BATCH_LOCK_TIMEOUT_S),
            Database(settings.database),
        ]
        self._aside = Database(settings.database, timeout_s=10.0, lock_timeout_s=LOCK_TIMEOUT_S)
        # Making a day's partition reads all of the DEFAULT one, however large that is.
        self._partitions = Database(settings.database, timeout_s=UPKEEP_TIMEOUT_S, lock_timeout_s=LOCK_TIMEOUT_S)
        self._upkeep = Database(settings.database, timeout_s=UPKEEP_TIMEOUT_S, lock_timeout_s=LOCK_TIMEOUT_S)
        self._asking = Database(settings.database, timeout_s=10.0, lock_timeout_s=LOCK_TIMEOUT_S)
        self._retention = Retention(self._upkeep, settings.retention_days, self._measures, self._clock)
        self._days = DayPartitions(self._partitions, self._clock, settings.retention_days)
        self._reconciler = Reconciler(self._asking, self._publish_receipt, self._clock)
        self._link = self._made_link()
        self._intake = Intake()
        self._archivist = Archivist(
            batches=self._connections[0],
            days=self._days,
            publish=self._publish_receipts,
            state=self._state,
            measures=self._measures,
            clock=self._clock,
        )
        self._pipeline = Pipeline(self._archivist, self._measures, self._clock, intake=self._intake, batcher=Batcher())
        self._side = SidePipeline(self._connections[1], self._measures)
        self._link.on_message = self._take
        self._state.on_change = self._link.status_changed
        self._measures.watch(
            held_bytes=lambda: self._intake.held_bytes,
            oldest_s=self._oldest_s,
            connected=lambda: float(self._link.is_connected),
        )

    def _made_link(self) -> Link:
        settings = self._settings
        key = service_key(settings.private_key_file, settings.service_keys_dir)
        return Link(
            tokens=TokenSource(api_url=settings.api_url, key=key, instance=settings.instance, ca_file=settings.ca_file),
            statuses=StatusSource(settings.instance, self._clock.now(), self._state),
            ca_file=settings.ca_file,
            mqtt5=settings.mqtt5,
            measures=self._measures,
            clock=self._clock,
            is_contested=lambda: self._has_rival,
        )

    async def run(self) -> None:
        """
        Work until SIGTERM or SIGINT; then commit and answer what is held, and leave.

        Raises:
            ConfigError: The metrics have no port, key or address, or another worker has the same instance's name.
            Stalled: Messages are held and nothing happens to them.
        """
        loop = asyncio.get_running_loop()
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(one, self._stopping.set)
        http = self._made_http()
        log.info("worker.started", version=__version__, instance=self._settings.instance)
        try:
            await self._work()
        finally:
            if http is not None:
                http.close()
            for connection in (*self._connections, self._aside, self._partitions, self._upkeep, self._asking):
                await connection.close()
        log.info("worker.ended")

    async def _work(self) -> None:
        link = asyncio.create_task(self._link.run(), name="link")
        beside = [
            asyncio.create_task(self._check_storage(), name="checks"),
            asyncio.create_task(self._watch_progress(), name="progress"),
            asyncio.create_task(self._retention.run(), name="retention"),
            asyncio.create_task(self._days.run(), name="partitions"),
            asyncio.create_task(self._reconciler.run(), name="reconcile"),
        ]
        pipelines = [
            asyncio.create_task(self._pipeline.run(), name="telemetry"),
            asyncio.create_task(self._side.run(), name="side"),
        ]
        stopping = asyncio.create_task(self._stopping.wait(), name="stopping")
        await asyncio.wait({link, stopping, *beside, *pipelines}, return_when=asyncio.FIRST_COMPLETED)
        log.info("worker.stopping", held=len(self._intake))
        self._link.close()
        self._pipeline.close()
        self._side.close()
        _, unfinished = await asyncio.wait(pipelines, timeout=FINISH_WITHIN_S)
        if unfinished:
            log.warning("worker.left_unstored", tasks=[task.get_name() for task in unfinished])
        await _cancelled(link, stopping, *beside, *unfinished)
        await self._link.leave()
        for task in (link, *beside, *pipelines):
            if not task.cancelled():
                task.result()  # a part that ended by a fault of ours ends the worker with it, loudly

    def _made_http(self) -> MetricsHttp | None:
        settings = self._settings
        if not settings.metrics_port:
            return None
        return MetricsHttp(
            settings.metrics_port,
            settings.metrics_key_file,
            self._measures.exposition,
            self._readiness,
            inside=own_address(settings.internal_network) if settings.internal_network else "",
        )

    def _readiness(self) -> dict[str, str]:
        return {"database": self._state.database, "broker": "ok" if self._link.is_connected else "away"}

    def _take(self, raw: Raw) -> None:
        if raw.topic.startswith("telemetry/"):
            self._measures.telemetry.inc()
            self._pipeline.offer(raw)
            return
        self._measures.others.inc()
        if raw.topic.startswith("heartbeat/"):
            self._reconciler.heard(raw)
        try:
            self._side.offer(raw)
        except ContractError as error:
            parsed = parse(raw.topic)
            self._pipeline.record(raw, parsed.params.get("client_id") if parsed else None, str(error))

    async def _publish_receipts(self, answers: Sequence[Answer]) -> None:
        at = self._clock.now()
        for answer in answers:
            for receipt in build_receipts(answer, at):
                await self._publish_receipt(receipt)

    async def _publish_receipt(self, receipt: Receipt) -> bool:
        sent = await self._link.publish(build(Topic.RECEIPT, client_id=receipt.client_id), encode(receipt))
        (self._measures.receipts if sent else self._measures.receipts_unsent).inc()
        return sent

    def _oldest_s(self) -> float:
        oldest = self._pipeline.oldest_received_at
        return 0.0 if oldest is None else max(0.0, (self._clock.now() - oldest).total_seconds())

    async def _watch_progress(self) -> None:
        dogs = self._watchdogs()
        while True:
            await asyncio.sleep(INTERVAL_S)
            stalled = [dog.is_stalled() for dog in dogs]
            if any(stalled):
                break
        log.error("worker.stalled", oldest_s=self._oldest_s(), held=len(self._intake))
        raise Stalled("messages are held and nothing happens to them; the worker has to start anew")

    def _watchdogs(self) -> list[Watchdog]:
        """Return one for each way: heartbeats come all the time, and would pass for progress of telemetry."""
        archivist, side = self._archivist, self._side
        ways: list[tuple[Callable[[], bool], Callable[[], int]]] = [
            (lambda: self._pipeline.oldest_received_at is not None, lambda: archivist.steps),
            (lambda: not side.is_idle, lambda: side.steps),
            (lambda: not self._link.holds_back_nothing, lambda: archivist.steps + side.steps),
        ]
        return [
            Watchdog(is_waiting=partial(self._could_go_on, waits), steps=steps, clock=self._clock)
            for waits, steps in ways
        ]

    def _could_go_on(self, waits: Callable[[], bool]) -> bool:
        return self._state.database == OK and waits()

    async def _check_storage(self) -> None:
        while True:
            try:
                self._state.check_passed(await self._aside.durability())
                self._has_rival = not await self._aside.claim_instance(self._settings.instance)
            except (StorageUnavailable, WriteFailed) as error:
                self._state.check_failed(str(error))
            await asyncio.sleep(INTERVAL_S if self._state.database == "ok" else 1.0)


async def _cancelled(*tasks: asyncio.Task[object]) -> None:
    """Cancel until all have ended: ``wait_for`` of Python 3.11 swallows a cancellation that meets its own answer."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)

"""Keeping the connection, on a real broker that does not do what the worker hopes for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

import pytest
from structlog.testing import capture_logs

from pulse_acl.rules import Action, Rule
from pulse_ingest.clock import SystemClock
from pulse_ingest.link import Link
from pulse_ingest.measures import Measures
from pulse_ingest.messages import Raw
from pulse_ingest.status import StatusSource
from pulse_ingest.storage_state import StorageState
from pulse_ingest.tokens import TokenSource, service_key
from support.ingest_bench import IngestBench
from support.waiting import eventually

INTERVAL_S = 0.2  # a link gives up after three of them, which a busy broker may need for one answer
PATIENT_S = 1.0


class RunningLink:
    """A link with a quick sign of life, and what came through it."""

    def __init__(self, bench: IngestBench, interval_s: float) -> None:
        clock = SystemClock()
        key = service_key(bench.home / "key.pem", bench.home / "public")
        self.measures = Measures()
        self.came: list[Raw] = []
        self.link = Link(
            tokens=TokenSource(api_url=bench.tokens.url, key=key, instance="1", ca_file=bench.home / "ca.pem"),
            statuses=StatusSource("1", clock.now(), StorageState()),
            ca_file=bench.home / "ca.pem",
            mqtt5=False,
            measures=self.measures,
            clock=clock,
            interval_s=interval_s,
        )
        self.link.on_message = self.came.append
        self.task = asyncio.create_task(self.link.run())

    @property
    def connections(self) -> int:
        return int(self.measures.registry.get_sample_value("pulse_ingest_connections_total") or 0)


class StallingProxy:
    """Passes bytes on between the worker and the broker, until it keeps them to itself."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._pumps: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.stall()
        for writer in self._writers:
            writer.transport.abort()

    def stall(self) -> None:
        """Let nothing more through the connections that stand now."""
        for pump in self._pumps:
            pump.cancel()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        self._writers += [writer, far_writer]
        for source, drain in ((reader, far_writer), (far_reader, writer)):
            self._pumps.append(asyncio.create_task(_pass_on(source, drain)))


async def _pass_on(source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            drain.write(data)
    drain.close()


Start = Callable[..., Awaitable[RunningLink]]


@pytest.fixture
async def start(bench: IngestBench) -> AsyncIterator[Start]:
    """Start the broker and a link; the test may change the token's rights before."""
    made: list[RunningLink] = []

    async def started(interval_s: float = INTERVAL_S) -> RunningLink:
        await bench.start_broker()
        made.append(RunningLink(bench, interval_s))
        return made[-1]

    yield started
    for running in made:
        running.task.cancel()
        await asyncio.wait([running.task])
        await running.link.leave()


async def test_run_own_status_comes_back_keeps_the_connection(start: Start) -> None:
    running = await start(PATIENT_S)
    await eventually(lambda: running.connections == 1, what="the first connection")
    life = running.link._life
    assert life is not None
    since = life._heard_at
    await eventually(lambda: life._heard_at > since + 4 * PATIENT_S, what="its own status comes back")
    assert running.connections == 1
    assert running.came == [], "statuses are no business of the pipelines"


async def test_run_own_status_does_not_come_back_makes_a_new_connection_case_43(
    bench: IngestBench, start: Start
) -> None:
    async with StallingProxy(bench.mqtts_port) as proxy:
        bench.tokens.mqtts_port = proxy.port
        running = await start()
        await eventually(lambda: running.connections == 1, what="the first connection")
        with capture_logs() as logs:
            before = running.connections
            proxy.stall()  # the connection stands, and nothing comes through it any more
            await eventually(lambda: running.connections > before, 20, what="a new connection")
        assert "our own status does not come back" in {entry.get("reason") for entry in logs}


async def test_run_subscription_refused_is_tried_again_with_new_tokens_until_it_is_granted(
    bench: IngestBench, start: Start
) -> None:
    rules = bench.tokens.rules
    bench.tokens.rules = [rule for rule in rules if rule != Rule(Action.SUBSCRIBE, "heartbeat/+")]
    running = await start()
    with capture_logs() as logs:
        await eventually(lambda: bench.tokens.given >= 3, 20, what="it tries with new tokens")
    assert "subscriptions refused: heartbeat/+" in {entry.get("reason") for entry in logs}
    assert running.connections == 0
    bench.tokens.rules = rules
    await eventually(lambda: running.connections == 1, 20, what="a connection with all rights")


async def test_publish_without_connection_is_told(bench: IngestBench) -> None:
    made = RunningLink(bench, INTERVAL_S)
    assert await made.link.publish("archive/D1/receipt", b"{}") is False
    made.task.cancel()
    await asyncio.wait([made.task])

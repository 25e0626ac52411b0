"""
The ingest worker as a process between a real broker and a real PostgreSQL; only the API is a stand-in.

The stand-in answers ``POST /services/token`` with tokens of the test's own key. The way to the database leads through
a socket that a test can shut.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pulse_acl.payloads import format_time
from pulse_acl.rules import ingest_rules
from support.database import Database
from support.ingest import STREAM, reading
from support.mqtt_client import MqttClient, tcp_client, trusting
from support.processes import Program, free_ports, program
from support.tokens import TokenMint
from support.waiting import eventually

SHARED_GROUP = "ingest-5f0c6e0d1f6f4f0c9a5b7e2d3c4b5a69"


class TokenApi:
    """Answers with a token whose told life is ``life_s``; 503 while ``away``."""

    def __init__(self, mint: TokenMint, mqtts_port: int, instance: str = "1") -> None:
        self.life_s, self.away, self.given = 86_400.0, False, 0
        self.instance, self.rules, self.mqtts_port = instance, list(ingest_rules(instance)), mqtts_port
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(503 if api.away else 200)
                self.end_headers()
                if not api.away:
                    api.given += 1
                    self.wfile.write(api.grant(mint))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def grant(self, mint: TokenMint) -> bytes:
        client_id, username = f"svc:ingest:{self.instance}", "service:ingest"
        now = datetime.now(UTC)
        return json.dumps(
            {
                "client_id": client_id,
                "username": username,
                "password": mint.token(client_id, username, self.rules),
                "server_time": format_time(now),
                "expires_at": format_time(now + timedelta(seconds=self.life_s)),
                "mqtts_url": f"mqtts://127.0.0.1:{self.mqtts_port}",
                "ws_url": "ws://127.0.0.1:1/mqtt",
                "acl": [],
                "shared_group": SHARED_GROUP,
            }
        ).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class SocketGate:
    """A PostgreSQL socket of its own that leads to the real one until it is shut."""

    def __init__(self, folder: Path, real: Path) -> None:
        self.folder, self._real = folder, real
        self._server: asyncio.Server | None = None
        self._is_open = False
        self._pumps: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._is_open = True
        self._server = await asyncio.start_unix_server(self._join, self.folder / ".s.PGSQL.5432")

    async def shut(self) -> None:
        """Cut everyone off and let nobody in."""
        self._is_open = False
        if self._server is not None:
            self._server.close()
            (self.folder / ".s.PGSQL.5432").unlink()
        for pump in list(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        self._server = None

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pumps.add(task)
        try:
            if self._is_open:  # it may have been shut since this connection was taken
                await self._lead(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()
            self._pumps.discard(task)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self._real / ".s.PGSQL.5432")
        pumps = [asyncio.ensure_future(_pump(reader, far_writer)), asyncio.ensure_future(_pump(far_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            far_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        return


class IngestBench:
    """Broker, database, token stand-in and worker of one test."""

    def __init__(self, home: Path, database: Database, gate: SocketGate) -> None:
        self.home, self.database, self.gate, self.mint = home, database, gate, TokenMint()
        self.mint.write_jwks(home / "keys" / "jwks.json")
        self.mqtts_port, ws, wss, api, self.metrics_port = free_ports(5)
        self.tokens = TokenApi(self.mint, self.mqtts_port)
        self.variables = {
            "PULSE_HOME": str(home),
            "PULSE_MQTTS_PORT": str(self.mqtts_port),
            "PULSE_MQTT_WS_PORT": str(ws),
            "PULSE_MQTT_WSS_PORT": str(wss),
            "PULSE_BROKER_API_PORT": str(api),
            "PULSE_API_URL": self.tokens.url,
            "PULSE_METRICS_PORT": str(self.metrics_port),
            "PULSE_DATABASE_DSN": self._dsn(),
        }
        self.broker = Program("broker", [program("pulse-broker")], self.variables, home / "broker.log")
        self.worker = Program("worker", [program("pulse-ingest")], self.variables, home / "worker.log")

    def _dsn(self) -> str:
        address, _ = self.database.dsn("ingest").split("?")
        return f"{address}?{urlencode({'host': str(self.gate.folder)})}"

    async def start(self) -> dict[str, Any]:
        """Start the broker and the worker, and return the status in which the worker says that it can store."""
        await self.start_broker()
        self.worker.start()
        return await self.worker_says("database", "ok")

    async def start_broker(self) -> None:
        self.broker.start()
        await eventually(self._reachable, 20, what="the broker takes connections", every_s=0.05)

    async def _reachable(self) -> bool:
        assert self.broker.running, self.broker.tail()
        if not (self.home / "ca.pem").exists():
            return False
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.mqtts_port, ssl=self.tls)
        except OSError:
            return False
        writer.transport.abort()
        return True

    async def worker_says(
        self,
        check: str,
        state: str,
        *,
        within_s: float = 20,
        instance: str = "1",
        unlike: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """
        Wait for a status of the worker, fresh or retained, whose *check* is *state*; return it.

        After a restart say *unlike* which status: the broker may still keep what the worker said before it.
        """
        async with self.client(self.mint.user("watcher")) as watcher:
            await watcher.subscribe(f"system/ingest/{instance}/status")
            said: dict[str, Any] = {}
            before = unlike["started_at"] if unlike else ""

            def fits() -> bool:
                shown = said.get("checks", {}).get(check, said.get("status"))
                return bool(shown == state and said.get("started_at") != before)

            try:
                async with asyncio.timeout(within_s):
                    while not fits():
                        said = json.loads((await watcher.expect(within_s)).payload)
            except TimeoutError:
                raise AssertionError(f"{check} is not {state}; last said: {said}\n{self.worker.tail()}") from None
            return said

    @asynccontextmanager
    async def client(self, identity: tuple[str, str, str]) -> AsyncIterator[MqttClient]:
        """Give a connected client."""
        async with tcp_client(self.mqtts_port, self.tls) as client:
            code, _ = await client.connect(*identity)
            assert code == 0
            yield client

    @property
    def tls(self) -> ssl.SSLContext:
        return trusting(self.home / "ca.pem")

    @asynccontextmanager
    async def device(self, client_id: str = "D1") -> AsyncIterator[BenchDevice]:
        """Give a connected device that keeps its receipts."""
        async with self.client(self.mint.device(client_id)) as client:
            await client.subscribe(f"archive/{client_id}/receipt")
            device = BenchDevice(client_id, client)
            task = asyncio.create_task(device.listen())
            try:
                yield device
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def close(self) -> None:
        """End what runs."""
        for one in (self.worker, self.broker):
            if one.running:
                await asyncio.to_thread(one.stop)
        self.tokens.close()
        await self.gate.shut()


class BenchDevice:
    """Publishes telemetry and knows what receipts said."""

    def __init__(self, client_id: str, client: MqttClient) -> None:
        self.client_id, self._client = client_id, client
        self.archived: set[int] = set()
        self.rejected: dict[int, str] = {}
        self.lost: set[int] = set()
        self.receipts: list[dict[str, Any]] = []

    async def listen(self) -> None:
        while True:
            receipt = json.loads((await self._client.expect(3_600)).payload)
            self.receipts.append(receipt)
            for kind in ("archived", "lost"):
                getattr(self, kind).update(n for first, last in receipt[kind] for n in range(first, last + 1))
            self.rejected.update((one["sequence_no"], one["reason"]) for one in receipt["rejected"])

    async def live(self, number: int, **changes: Any) -> None:
        payload = {"client_id": self.client_id, "stream": str(STREAM), **reading(number), **changes}
        await self._client.publish(f"telemetry/{self.client_id}/live", json.dumps(payload))

    async def buffered(self, readings: list[dict[str, Any]], lost: list[Any] | None = None) -> None:
        payload = {"client_id": self.client_id, "stream": str(STREAM), "readings": readings, "lost": lost or []}
        await self._client.publish(f"telemetry/{self.client_id}/buffered", json.dumps(payload))

    async def publish(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        await self._client.publish(topic, data, retain=retain)

    async def told(self, numbers: set[int], *, within_s: float = 15) -> None:
        """Wait until receipts called all *numbers* archived."""
        try:
            await eventually(lambda: numbers <= self.archived, within_s, what="receipts for all")
        except AssertionError as late:
            missing = sorted(numbers - self.archived)
            raise AssertionError(
                f"{late}; no receipt for {len(missing)}: {missing[:10]} … {missing[-3:]} of {max(numbers)}"
            ) from None

    async def resent_until_told(self, numbers: set[int], *, within_s: float = 60) -> None:
        """Do what a device does: send again what no receipt has named, until one does."""

        async def nothing_is_missing() -> bool:
            missing = sorted(numbers - self.archived)[:200]
            if missing:
                await self.buffered([reading(number) for number in missing])
                with suppress(AssertionError):
                    await self.told(set(missing), within_s=2)
            return numbers <= self.archived

        await eventually(nothing_is_missing, within_s, what="receipts for all that is sent again")


@asynccontextmanager
async def ingest_bench(home: Path, database: Database, socket_folder: Path) -> AsyncIterator[IngestBench]:
    """Give a bench whose parts are not started yet, and end them with the test."""
    gate = SocketGate(socket_folder, database.layout.folder)
    await gate.open()
    bench = IngestBench(home, database, gate)
    try:
        yield bench
    finally:
        await bench.close()

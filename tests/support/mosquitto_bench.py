"""
The ingest worker on MQTT 5 behind Debian's mosquitto, which lets everybody in: it cannot check this project's tokens.

What mosquitto saw stands in its log, one line for each packet; ``handed_out`` and ``acknowledged`` count there.
"""

from __future__ import annotations

import asyncio
import getpass
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pulse_broker.certificates import ensure_certificates
from pulse_broker.settings import read_settings
from pulse_runtime.environment import Environment
from support.database import Database
from support.ingest_bench import IngestBench, SocketGate, TokenApi
from support.processes import Program, free_ports, program

_FALLBACK = "/usr/sbin/mosquitto"
_CONFIGURATION = """
listener {port} 127.0.0.1
certfile {certificate}
keyfile {key}
allow_anonymous true
user {user}
persistence false
max_inflight_messages {window}
max_queued_messages 100000
log_dest stderr
log_type all
"""
_OTHERS = ("user:watcher", "device:D1")


class MosquittoBench(IngestBench):
    """A bench whose broker is mosquitto and whose workers share one load; ``start_other`` starts the second."""

    def __init__(self, home: Path, database: Database, gate: SocketGate, *, window: int = 1_000) -> None:
        super().__init__(home, database, gate)
        self.variables["PULSE_MQTT_VERSION"] = "5"
        (metrics_port,) = free_ports(1)
        self.other_tokens = TokenApi(self.mint, self.mqtts_port, instance="2")
        other = {"PULSE_INSTANCE": "2", "PULSE_API_URL": self.other_tokens.url, "PULSE_METRICS_PORT": str(metrics_port)}
        self.worker = Program("worker", [program("pulse-ingest")], self.variables, home / "worker.log")
        self.other = Program("worker-2", [program("pulse-ingest")], {**self.variables, **other}, home / "worker-2.log")
        command = [shutil.which("mosquitto") or _FALLBACK, "-c", str(home / "mosquitto.conf")]
        self.broker = Program("mosquitto", command, {}, home / "mosquitto.log")
        self._configure(window)

    def _configure(self, window: int) -> None:
        settings = read_settings(Environment(self.variables))
        ensure_certificates(settings, time.time)
        text = _CONFIGURATION.format(
            port=self.mqtts_port,
            window=window,
            user=getpass.getuser(),
            certificate=settings.tls_cert_file,
            key=settings.tls_key_file,
        )
        (self.home / "mosquitto.conf").write_text(text)

    def forbid_receipts(self) -> None:
        """Let the broker refuse the worker's receipts, from its next start on, and allow everything else."""
        names = {
            "service:ingest": "topic deny archive/#\ntopic readwrite #",
            **dict.fromkeys(_OTHERS, "topic readwrite #"),
        }
        acl = self.home / "mosquitto.acl"
        acl.write_text("\n".join(f"user {name}\n{rules}" for name, rules in names.items()) + "\n")
        with (self.home / "mosquitto.conf").open("a") as file:
            file.write(f"acl_file {acl}\n")

    async def start_other(self) -> None:
        """Start the second worker and wait until it says that it can store."""
        self.other.start()
        await self.worker_says("database", "ok", instance="2")

    def handed_out(self, instance: str = "1", topic: str = "telemetry/") -> int:
        """Return how many messages under *topic* the broker has handed to the worker."""
        return len(self._deliveries(instance, topic)[0])

    def unacknowledged(self, topic: str, instance: str = "1") -> int:
        """Return how many of the messages under *topic* the worker has been handed and not acknowledged."""
        handed, acknowledged = self._deliveries(instance, topic)
        return len(handed) - len(acknowledged)

    def acknowledged(self, topic: str, instance: str = "1") -> int:
        """Return how many messages under *topic* the worker has acknowledged."""
        return len(self._deliveries(instance, topic)[1])

    def _deliveries(self, instance: str, topic: str) -> tuple[list[str], list[str]]:
        """Return the packet ids of what was handed out, and of what of it was acknowledged; ids come again."""
        who = re.escape(f"svc:ingest:{instance}")
        handed: list[str] = []
        acknowledged: list[str] = []
        open_ids: set[str] = set()
        for line in self.broker.log.read_text(errors="replace").splitlines():
            if found := re.search(rf"Sending PUBLISH to {who} \(d\d, q\d, r\d, m(\d+), '{re.escape(topic)}", line):
                handed.append(found[1])
                open_ids.add(found[1])
            elif (found := re.search(rf"Received PUBACK from {who} \(Mid: (\d+)", line)) and found[1] in open_ids:
                open_ids.remove(found[1])
                acknowledged.append(found[1])
        return handed, acknowledged

    async def close(self) -> None:
        """End what runs."""
        if self.other.running:
            await asyncio.to_thread(self.other.stop)
        self.other_tokens.close()
        await super().close()


@asynccontextmanager
async def mosquitto_bench(
    home: Path, database: Database, socket_folder: Path, *, window: int = 1_000
) -> AsyncIterator[MosquittoBench]:
    """Give a bench whose parts are not started yet, and end them with the test."""
    gate = SocketGate(socket_folder, database.layout.folder)
    await gate.open()
    bench = MosquittoBench(home, database, gate, window=window)
    try:
        yield bench
    finally:
        await bench.close()

"""
The load: readings of several devices as MQTT packets made beforehand, and a process that pours them into the broker.

Bytes on a socket, for a client library would be slower than what is measured. Three metrics each, one of each type.
"""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing.connection import Connection

from support.mqtt_client import connect_packet, publish_packet

DEVICES = 10
_CHUNK = 64
_AHEAD = 20_000


@dataclass(frozen=True, slots=True)
class Load:
    """*count* live readings, dealt to *devices* in turn; ``run`` tells one load from another."""

    run: str
    count: int
    devices: int = DEVICES

    def device(self, number: int) -> str:
        """Return the client id of the device that reading *number* (from 0) belongs to."""
        return f"{self.run}-{number % self.devices}"

    def packets(self) -> Iterator[bytes]:
        """Make the PUBLISH packets."""
        for number, (topic, payload) in enumerate(self.messages()):
            yield publish_packet(topic, payload, packet_id=number % 65_535 + 1)

    def messages(self) -> Iterator[tuple[str, bytes]]:
        """Make topics and payloads; a reading is taken when it is made."""
        streams = [str(uuid.uuid4()) for _ in range(self.devices)]
        for number in range(self.count):
            client_id = self.device(number)
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            payload = (
                f'{{"client_id":"{client_id}","stream":"{streams[number % self.devices]}",'
                f'"sequence_no":{number // self.devices + 1},"timestamp":"{at}","metrics":'
                f'{{"temperature":{72.45 + number / 7},"rpm":{9_007_199_254_740_993 + number},'
                f'"is_active":{"true" if number % 2 else "false"}}},"source":"bench"}}'
            )
            yield f"telemetry/{client_id}/live", payload.encode()


def pour(pipe: Connection, port: int, load: Load) -> None:
    """Publish *load* with QoS 1 when told, as fast as the broker takes it; send when that began. A child's work."""
    packets = load.packets()
    chunks = [b"".join(chunk) for chunk in iter(lambda: list(islice(packets, _CHUNK)), [])]
    with _connected(port, load) as connection:
        pipe.send("ready")
        pipe.recv()
        pipe.send(time.monotonic())
        for chunk in chunks:
            connection.sendall(chunk)
        pipe.recv()  # until the block around it ends it


def pour_ahead(pipe: Connection, port: int, load: Load) -> None:
    """Publish *load*, at most ``_AHEAD`` readings more than it was last told are archived; a child's work."""
    packets, sent, archived = load.packets(), 0, 0
    with _connected(port, load) as connection:
        pipe.send("ready")
        while True:
            while pipe.poll(0) or sent >= archived + _AHEAD:
                archived = pipe.recv()
            connection.sendall(b"".join(islice(packets, _CHUNK)))
            sent += _CHUNK


def _connected(port: int, load: Load) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(connect_packet(f"load-{load.run}", None, None, keepalive=0))
    connection.recv(4)
    threading.Thread(target=_swallow, args=(connection,), daemon=True).start()
    return connection


def _swallow(connection: socket.socket) -> None:
    """Take the broker's acknowledgements, or it would stop reading."""
    try:
        while connection.recv(65_536):
            pass
    except OSError:
        return

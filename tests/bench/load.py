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
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from support.mqtt_client import connect_packet, publish_packet

DEVICES = 10
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Load:
    """*count* live readings, dealt to ``DEVICES`` devices in turn; ``run`` tells one load from another."""

    run: str
    count: int

    def device(self, number: int) -> str:
        """Return the client id of the device that reading *number* (from 0) belongs to."""
        return f"{self.run}-{number % DEVICES}"

    def packets(self) -> Iterator[bytes]:
        """Make the PUBLISH packets."""
        streams = [str(uuid.uuid4()) for _ in range(DEVICES)]
        start = datetime.now(UTC) - timedelta(milliseconds=self.count)
        for number in range(self.count):
            client_id = self.device(number)
            at = (start + timedelta(milliseconds=number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            payload = (
                f'{{"client_id":"{client_id}","stream":"{streams[number % DEVICES]}",'
                f'"sequence_no":{number // DEVICES + 1},"timestamp":"{at}","metrics":'
                f'{{"temperature":{72.45 + number / 7},"rpm":{9_007_199_254_740_993 + number},'
                f'"is_active":{"true" if number % 2 else "false"}}},"source":"bench"}}'
            )
            yield publish_packet(f"telemetry/{client_id}/live", payload.encode(), packet_id=number % 65_535 + 1)


def pour(pipe: Connection, port: int, load: Load, per_second: float | None = None) -> None:
    """
    Publish *load* with QoS 1 when told, as fast as the broker takes it, or *per_second*; a child's work.

    Sends the time of the first byte.
    """
    packets = list(load.packets())
    chunks = [b"".join(packets[at : at + _CHUNK]) for at in range(0, len(packets), _CHUNK)]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(connect_packet(f"load-{load.run}", None, None, keepalive=0))
        connection.recv(4)
        threading.Thread(target=_swallow, args=(connection,), daemon=True).start()
        pipe.send("ready")
        pipe.recv()
        started = time.monotonic()
        pipe.send(started)
        for index, chunk in enumerate(chunks):
            if per_second is not None:
                time.sleep(max(0.0, started + index * _CHUNK / per_second - time.monotonic()))
            connection.sendall(chunk)
        pipe.recv()  # until the block around it ends it


def _swallow(connection: socket.socket) -> None:
    """Take the broker's acknowledgements, or it would stop reading."""
    try:
        while connection.recv(65_536):
            pass
    except OSError:
        return

"""
Devices that move on a screen: readings of several metrics each, at a set pace, written to the broker as bytes.

A child's work; see ``bench.children``. Devices' clocks may run ahead of the wall's: then each reading is later than
the one before by the sampling interval, however fast they are sent.
"""

from __future__ import annotations

import math
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection

from support.mqtt_client import connect_packet, publish_packet

_TURN_S = 0.02
_PUBACK_LENGTH = 4
_ACKNOWLEDGED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Fleet:
    """*devices* with *metrics* each; streams are the same for every way in which they are sent."""

    devices: int
    metrics: int
    streams: Sequence[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.streams[:] = [str(uuid.uuid4()) for _ in range(self.devices)]  # type: ignore[index]

    def names(self) -> list[str]:
        return [f"line-{number:03}" for number in range(self.devices)]

    def keys(self) -> list[str]:
        return [f"value/{number:02}" for number in range(self.metrics)]

    def packet(self, device: int, number: int, at: float) -> bytes:
        """Make the PUBLISH packet of reading *number* (from 1) of a device, taken at *at*."""
        name, keys = self.names()[device], self.keys()
        values = ",".join(f'"{key}":{100 * math.sin(number / 9 + place):.3f}' for place, key in enumerate(keys[1:]))
        stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        payload = (
            f'{{"client_id":"{name}","stream":"{self.streams[device]}","sequence_no":{number},"timestamp":"{stamp}",'
            f'"metrics":{{"{keys[0]}":{number}{"," if values else ""}{values}}},"source":"bench"}}'
        )
        return publish_packet(f"telemetry/{name}/live", payload.encode(), packet_id=number % 65_535 + 1)

    def heartbeat(self, device: int, number: int, at: float, every_s: float) -> bytes:
        """Make the PUBLISH packet of a heartbeat after reading *number*."""
        name = self.names()[device]
        stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        payload = (
            f'{{"client_id":"{name}","status":"ONLINE","timestamp":"{stamp}","stream":"{self.streams[device]}",'
            f'"last_sequence_no":{number},"pending":0,"sampling_interval_s":{every_s},"heartbeat_interval_s":5.0}}'
        )
        return publish_packet(f"heartbeat/{name}", payload.encode(), packet_id=number % 65_535 + 1)


@dataclass(frozen=True, slots=True)
class Pace:
    """How readings are sent: *rate* messages a second in all, from reading *first* of each device, *count* each."""

    rate: float
    first: int
    count: int
    #: Time of each device's reading ``first`` and between its readings, on its own clock.
    start: float
    step_s: float
    beat_every: int


def send(pipe: Connection, port: int, fleet: Fleet, pace: Pace) -> None:
    """Send when told; say ``"sent"`` at the end, with how long it took."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(connect_packet(f"fleet-{uuid.uuid4()}", None, None, keepalive=0))
        connection.recv(4)
        acknowledged = Acknowledged(connection)
        pipe.send("ready")
        pipe.recv()
        began, sent, packets, total = time.monotonic(), 0, 0, pace.count * fleet.devices
        while sent < total:
            due = min(total, int((time.monotonic() - began) * pace.rate) + 1)
            made = _packets(fleet, pace, range(sent, due))
            connection.sendall(b"".join(made))
            sent, packets = due, packets + len(made)
            time.sleep(_TURN_S)
        # What the broker has not read when the connection ends is lost.
        acknowledged.wait_for(packets)
        pipe.send(time.monotonic() - began)
        pipe.recv()  # until the block around it ends it


def _packets(fleet: Fleet, pace: Pace, places: range) -> list[bytes]:
    packets = []
    for place in places:
        device, turn = place % fleet.devices, place // fleet.devices
        number, at = pace.first + turn, pace.start + turn * pace.step_s
        packets.append(fleet.packet(device, number, at))
        if turn % pace.beat_every == 0:
            packets.append(fleet.heartbeat(device, number, at, pace.step_s))
    return packets


class Acknowledged:
    """Takes the broker's acknowledgements, without which it would stop reading, and counts them."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._count, self._grown = connection, 0, threading.Condition()
        threading.Thread(target=self._take, daemon=True).start()

    def wait_for(self, count: int) -> None:
        """Wait until *count* messages are acknowledged."""
        with self._grown:
            assert self._grown.wait_for(lambda: self._count >= count, _ACKNOWLEDGED_WITHIN_S), "not acknowledged"

    def _take(self) -> None:
        length = 0
        try:
            while data := self._connection.recv(65_536):
                length += len(data)
                with self._grown:
                    self._count = length // _PUBACK_LENGTH
                    self._grown.notify_all()
        except OSError:
            return

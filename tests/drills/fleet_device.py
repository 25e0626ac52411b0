"""
Simulated devices of a fleet: thousands in one process, each with a connection, a stream and receipts of its own.

They do what the contract asks of a device and no more: readings on ``/live`` at a set pace, a heartbeat every five
seconds, and what stays unanswered is sent again on ``/buffered``: after two seconds or four times the usual answer, and
after twice that each further time, so that an archive that is late is not buried. A reading is counted from the
moment at which it was due, so that a process that is late does not look fast.
"""

from __future__ import annotations

import asyncio
import ssl
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from support.mqtt_client import connect_packet, packet, publish_packet, text

RESENT_AFTER_S, USUAL_TIMES, BEAT_EVERY_S = 2.0, 4, 5.0
METRICS = 3
_KEEPALIVE_S = 60


@dataclass(frozen=True, slots=True)
class Login:
    """What a device connects with; mosquitto takes it without a user name."""

    client_id: str
    username: str | None = None
    token: str | None = None


@dataclass
class Tally:
    """What all devices saw together; times in seconds."""

    answered_after: list[float] = field(default_factory=list)
    resent: int = 0
    packets_in: int = 0
    packets_out: int = 0
    ended: int = 0
    rejected: int = 0


@dataclass(slots=True)
class Unanswered:
    """A reading without a receipt: when it was due, when it is sent again and how long that was waited for, as JSON."""

    due: float
    again_at: float
    wait_s: float
    body: str


class _Receipt(msgspec.Struct):
    stream: str
    archived: list[tuple[int, int]]
    rejected: list[object] = []


_RECEIPTS = msgspec.json.Decoder(_Receipt)


class FleetDevice(asyncio.Protocol):
    """One device on one connection."""

    def __init__(self, login: Login, tally: Tally) -> None:
        self.login, self.stream, self.made = login, str(uuid.uuid4()), 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unanswered: dict[int, Unanswered] = {}
        self._usual_s, self._leaving = 0.0, False
        self._tally, self._data = tally, bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect and subscribe to the receipts."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        who = self.login
        transport.write(connect_packet(who.client_id, who.username, who.token, keepalive=_KEEPALIVE_S))

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it; a fleet whose connections hold is part of what is shown."""
        self._tally.ended += not self._leaving
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"{self.login.client_id} was not let in: {exc}"))

    def data_received(self, data: bytes) -> None:
        """Take whole packets."""
        self._data += data
        while (found := _take(self._data)) is not None:
            self._tally.packets_in += 1
            first, body = found
            match first >> 4:
                case 2 if body[1]:
                    self.ready.set_exception(ConnectionError(f"CONNACK {body[1]}"))
                case 2:
                    wanted = text(f"archive/{self.login.client_id}/receipt") + b"\x01"
                    self._send(packet(0x82, b"\x00\x01" + wanted))
                case 9:
                    self.ready.set_result(None)
                case 3:
                    self._receipt(first, body)

    def _receipt(self, first: int, body: bytes) -> None:
        ends = 2 + int.from_bytes(body[:2], "big")
        if first >> 1 & 3:
            self._send(packet(0x40, body[ends : ends + 2]))
            ends += 2
        receipt, now = _RECEIPTS.decode(body[ends:]), time.monotonic()
        self._tally.rejected += len(receipt.rejected)
        if receipt.stream != self.stream:
            return
        for low, high in receipt.archived:
            for number in range(low, high + 1):
                if (sent := self.unanswered.pop(number, None)) is not None:
                    self._tally.answered_after.append(now - sent.due)
                    self._usual_s += (now - sent.due - self._usual_s) / 8

    def sample(self, due: float) -> None:
        """Take a reading that was due at *due* (``time.monotonic``) and publish it."""
        self.made += 1
        number, now = self.made, time.monotonic()
        body = (
            f'"sequence_no":{number},"timestamp":"{_stamp()}",'
            f'"metrics":{{"temperature":{20 + number % 50 / 10},"rpm":{number},"is_active":true}}'
        )
        wait_s = max(RESENT_AFTER_S, USUAL_TIMES * self._usual_s)
        self.unanswered[number] = Unanswered(due, now + wait_s, wait_s, body)
        head = f'"client_id":"{self.login.client_id}","stream":"{self.stream}"'
        self._publish(f"telemetry/{self.login.client_id}/live", f'{{{head},{body},"source":"drill"}}')

    def resend(self) -> None:
        """Send again what is unanswered for too long, a hundred readings at most."""
        now = time.monotonic()
        late = [one for one in self.unanswered.values() if one.again_at <= now][:100]
        if not late:
            return
        for one in late:
            one.wait_s *= 2
            one.again_at = now + one.wait_s
        self._tally.resent += len(late)
        readings = ",".join(f"{{{one.body}}}" for one in late)
        head = f'"client_id":"{self.login.client_id}","stream":"{self.stream}","readings":[{readings}],"source":"drill"'
        self._publish(f"telemetry/{self.login.client_id}/buffered", f"{{{head}}}")

    def beat(self, interval_s: float) -> None:
        """Publish a heartbeat, retained as the contract says."""
        told = (
            f'{{"client_id":"{self.login.client_id}","status":"ONLINE","timestamp":"{_stamp()}","stream":"{self.stream}",'
            f'"last_sequence_no":{self.made},"pending":{len(self.unanswered)},"sampling_interval_s":{interval_s},'
            f'"heartbeat_interval_s":{BEAT_EVERY_S}}}'
        )
        self._publish(f"heartbeat/{self.login.client_id}", told, retain=True)

    def close(self) -> None:
        """Leave with DISCONNECT; that is no connection that ended by itself."""
        self._leaving = True
        self._send(b"\xe0\x00")
        if self._transport is not None:
            self._transport.close()

    def _publish(self, topic: str, payload: str, *, retain: bool = False) -> None:
        self._send(
            publish_packet(topic, payload.encode(), retain=retain, packet_id=self._tally.packets_out % 65_535 + 1)
        )

    def _send(self, data: bytes) -> None:
        assert self._transport is not None
        self._tally.packets_out += 1
        self._transport.write(data)


async def join(
    logins: list[Login], port: int, ca_file: str | None, tally: Tally, at_once: int = 20
) -> list[FleetDevice]:
    """Connect all devices, some at once; they are subscribed when this returns."""
    context = None if ca_file is None else ssl.create_default_context(cafile=ca_file)
    loop, gate = asyncio.get_running_loop(), asyncio.Semaphore(at_once)

    async def one(login: Login) -> FleetDevice:
        async with gate:
            _, device = await loop.create_connection(lambda: FleetDevice(login, tally), "127.0.0.1", port, ssl=context)
            await asyncio.wait_for(device.ready, 30)
            return device

    return list(await asyncio.gather(*(one(login) for login in logins)))


def _stamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _take(data: bytearray) -> tuple[int, bytes] | None:
    at, length, shift = 1, 0, 0
    while at < len(data):
        length |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 128:
            if len(data) < at + length:
                return None
            found = data[0], bytes(data[at : at + length])
            del data[: at + length]
            return found
    return None

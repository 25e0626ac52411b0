"""
A raw MQTT 3.1.1 client for tests: over TLS, plain TCP or WebSockets, with bounds on every wait.

It sends what it is told, malformed bytes included, and keeps to itself what a library would hide. It shares no
code with the broker. To show that a message does *not* come, send one that must come after it.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

WITHIN_S = 5.0
CONNACK, PUBLISH, PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK, PINGRESP = 2, 3, 4, 5, 7, 9, 11, 13


class Stream(Protocol):
    """Bytes both ways."""

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""

    async def write(self, data: bytes) -> None:
        """Send bytes."""

    async def close(self) -> None:
        """Close without a word."""


class TcpStream:
    """A TCP connection, with TLS or without."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        try:
            return await self._reader.read(65_536)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        """Close without a word."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class WebSocketStream:
    """A WebSocket connection."""

    def __init__(self, websocket: ClientConnection) -> None:
        self._websocket = websocket

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        try:
            message = await self._websocket.recv()
        except ConnectionClosed:
            return b""
        return message if isinstance(message, bytes) else message.encode()

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        await self._websocket.send(data)

    async def close(self) -> None:
        """Close without a word."""
        self._websocket.transport.abort()
        await self._websocket.wait_closed()


@dataclass(frozen=True, slots=True)
class Received:
    """A PUBLISH that came."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    packet_id: int


@dataclass(frozen=True, slots=True)
class Will:
    """A last will."""

    topic: str
    payload: bytes = b"gone"
    qos: int = 1
    retain: bool = False


def text(value: str) -> bytes:
    """Write a string as MQTT does."""
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def packet(first: int, body: bytes) -> bytes:
    """Write a packet: first byte, length, body."""
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (128 if length else 0))
        if not length:
            return bytes([first]) + bytes(digits) + body


def connect_packet(
    client_id: str,
    username: str | None,
    password: str | bytes | None,
    *,
    clean: bool = True,
    keepalive: int = 30,
    will: Will | None = None,
    protocol: tuple[str, int] = ("MQTT", 4),
) -> bytes:
    """Write a CONNECT; with protocol level 5 an empty property list is put in."""
    flags = clean << 1 | (username is not None) << 7 | (password is not None) << 6
    body = text(client_id)
    if will is not None:
        flags |= 4 | will.qos << 3 | will.retain << 5
        body += text(will.topic) + len(will.payload).to_bytes(2, "big") + will.payload
    if username is not None:
        body += text(username)
    if password is not None:
        data = password.encode() if isinstance(password, str) else password
        body += len(data).to_bytes(2, "big") + data
    properties = b"\x00" if protocol[1] == 5 else b""
    return packet(
        0x10, text(protocol[0]) + bytes([protocol[1], flags]) + keepalive.to_bytes(2, "big") + properties + body
    )


def publish_packet(topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, packet_id: int = 1) -> bytes:
    """Write a PUBLISH."""
    number = packet_id.to_bytes(2, "big") if qos else b""
    return packet(0x30 | qos << 1 | retain, text(topic) + number + payload)


class MqttClient:
    """One connection. Publishes with QoS 1 are acknowledged by themselves unless ``acknowledge`` is off."""

    def __init__(self, stream: Stream, *, acknowledge: bool = True) -> None:
        self._stream, self._acknowledge = stream, acknowledge
        self._publishes: asyncio.Queue[Received | None] = asyncio.Queue()
        self._others: asyncio.Queue[tuple[int, bytes] | None] = asyncio.Queue()
        self._closed = asyncio.Event()
        self._next_id = 0
        self._task = asyncio.create_task(self._read())

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        await self._stream.write(data)

    async def connect(
        self, client_id: str, username: str | None = None, password: str | bytes | None = None, **options: Any
    ) -> tuple[int, bool]:
        """Send a CONNECT (options as in ``connect_packet``) and return CONNACK's code and session-present flag."""
        await self.send(connect_packet(client_id, username, password, **options))
        body = await self.answer(CONNACK)
        return body[1], bool(body[0])

    async def subscribe(self, *filters: str, qos: int = 1) -> list[int]:
        """Subscribe and return the codes of the SUBACK."""
        number = self._number()
        body = b"".join(text(topic_filter) + bytes([qos]) for topic_filter in filters)
        await self.send(packet(0x82, number.to_bytes(2, "big") + body))
        answer = await self.answer(SUBACK)
        assert int.from_bytes(answer[:2], "big") == number
        return list(answer[2:])

    async def unsubscribe(self, *filters: str) -> None:
        """Unsubscribe and wait for the UNSUBACK."""
        await self.send(packet(0xA2, self._number().to_bytes(2, "big") + b"".join(map(text, filters))))
        await self.answer(UNSUBACK)

    async def publish(self, topic: str, payload: bytes | str = b"", *, qos: int = 1, retain: bool = False) -> None:
        """Publish, and wait for the PUBACK (QoS 1) or PUBREC (QoS 2)."""
        data = payload.encode() if isinstance(payload, str) else payload
        number = self._number()
        await self.send(publish_packet(topic, data, qos=qos, retain=retain, packet_id=number))
        if qos:
            answer = await self.answer(PUBACK if qos == 1 else PUBREC)
            assert int.from_bytes(answer, "big") == number

    async def ping(self) -> None:
        """Send a PINGREQ and wait for the answer."""
        await self.send(b"\xc0\x00")
        await self.answer(PINGRESP)

    async def disconnect(self) -> None:
        """Send a DISCONNECT and wait until the broker has closed."""
        await self.send(b"\xe0\x00")
        await self.expect_closed()

    async def expect(self, within_s: float = WITHIN_S) -> Received:
        """Return the next message."""
        async with asyncio.timeout(within_s):
            found = await self._publishes.get()
        if found is None:
            self._publishes.put_nowait(None)
            raise ConnectionError("the connection was closed before a message came")
        return found

    async def expect_payloads(self, *payloads: bytes, within_s: float = WITHIN_S) -> list[Received]:
        """Take exactly these payloads, in this order, and return the messages."""
        found = [await self.expect(within_s) for _ in payloads]
        assert [message.payload for message in found] == list(payloads)
        return found

    async def expect_closed(self, within_s: float = WITHIN_S) -> None:
        """Wait until the other side has closed."""
        async with asyncio.timeout(within_s):
            await self._closed.wait()

    @property
    def is_closed(self) -> bool:
        """Tell whether the other side has closed."""
        return self._closed.is_set()

    async def answer(self, kind: int, within_s: float = WITHIN_S) -> bytes:
        """Return the body of the next packet that is no PUBLISH; it has to be of *kind*."""
        async with asyncio.timeout(within_s):
            found = await self._others.get()
        if found is None:
            self._others.put_nowait(None)
            raise ConnectionError("the connection was closed before an answer came")
        assert found[0] == kind, f"packet type {found[0]} came instead of {kind}"
        return found[1]

    async def close(self) -> None:
        """Drop the connection without a DISCONNECT."""
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._stream.close()

    def _number(self) -> int:
        self._next_id = self._next_id % 65_535 + 1
        return self._next_id

    async def _read(self) -> None:
        data = bytearray()
        try:
            while chunk := await self._stream.read():
                data += chunk
                while (taken := _take(data)) is not None:
                    await self._sort(*taken)
        except OSError:
            pass
        finally:
            self._closed.set()
            self._publishes.put_nowait(None)
            self._others.put_nowait(None)

    async def _sort(self, first: int, body: bytes) -> None:
        if first >> 4 != PUBLISH:
            self._others.put_nowait((first >> 4, body))
            return
        ends, qos = 2 + int.from_bytes(body[:2], "big"), first >> 1 & 3
        number = int.from_bytes(body[ends : ends + 2], "big") if qos else 0
        payload = body[ends + 2 :] if qos else body[ends:]
        self._publishes.put_nowait(
            Received(body[2:ends].decode(), payload, qos, bool(first & 1), bool(first & 8), number)
        )
        if qos == 1 and self._acknowledge:
            await self.acknowledge(number)

    async def acknowledge(self, packet_id: int) -> None:
        """Send a PUBACK."""
        await self.send(packet(0x40, packet_id.to_bytes(2, "big")))


def _take(data: bytearray) -> tuple[int, bytes] | None:
    at, length, shift = 1, 0, 0
    while True:
        if at >= len(data):
            return None
        length |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 128:
            break
    if len(data) < at + length:
        return None
    found = data[0], bytes(data[at : at + length])
    del data[: at + length]
    return found


def trusting(ca_file: Path) -> ssl.SSLContext:
    """Return a TLS context that trusts *ca_file* alone."""
    return ssl.create_default_context(cafile=str(ca_file))


@contextlib.asynccontextmanager
async def tcp_client(
    port: int, tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", acknowledge: bool = True
) -> AsyncIterator[MqttClient]:
    """Give a client over TLS (or plain TCP), not connected in MQTT's sense yet."""
    reader, writer = await asyncio.open_connection(host, port, ssl=tls)
    client = MqttClient(TcpStream(reader, writer), acknowledge=acknowledge)
    try:
        yield client
    finally:
        await client.close()


@contextlib.asynccontextmanager
async def ws_client(
    url: str,
    tls: ssl.SSLContext | None = None,
    *,
    origin: str | None = None,
    subprotocols: Sequence[str] = ("mqtt",),
    acknowledge: bool = True,
) -> AsyncIterator[MqttClient]:
    """Give a client over WebSockets, not connected in MQTT's sense yet."""
    websocket = await connect_websocket(
        url,
        ssl=tls,
        origin=None if origin is None else Origin(origin),
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        compression=None,
        proxy=None,
        max_size=None,
    )
    client = MqttClient(WebSocketStream(websocket), acknowledge=acknowledge)
    try:
        yield client
    finally:
        await client.close()

"""
The two ends of a link to amqtt through memory: what it reads its packets from, and what it writes them to.

Read by ``hub`` alone.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

from amqtt.adapters import ReaderAdapter, WriterAdapter

from .messages import Message
from .packets import Kind

Deliver = Callable[[Message], None]
Answered = Callable[[Kind, int, bytes], None]


class LinkReader(ReaderAdapter):
    """Gives amqtt the bytes that were fed."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._more = asyncio.Event()
        self._ended = False

    def feed(self, data: bytes) -> None:
        """Add bytes for amqtt to read."""
        self._data += data
        self._more.set()

    def feed_eof(self) -> None:
        """End the stream behind what was fed."""
        self._ended = True
        self._more.set()

    async def read(self, n: int = -1) -> bytes:
        """Return exactly *n* bytes; fewer only at the end."""
        while not self._ended and len(self._data) < n:
            self._more.clear()
            await self._more.wait()
        found = bytes(self._data[:n] if n >= 0 else self._data)
        del self._data[: len(found)]
        return found


class LinkWriter(WriterAdapter):
    """Takes amqtt's packets, each whole in one ``write``: answers for the hub, messages for the session."""

    def __init__(self, deliver: Deliver, answered: Answered) -> None:
        self._deliver, self._answered = deliver, answered

    def write(self, data: bytes) -> None:
        """Take one packet."""
        kind = data[0] >> 4
        if kind == Kind.PUBLISH:
            self._deliver(_message(data))
        elif kind == Kind.CONNACK:
            self._answered(Kind.CONNACK, 0, data[2:])
        elif kind in {Kind.SUBACK, Kind.UNSUBACK}:
            self._answered(Kind(kind), int.from_bytes(data[2:4], "big"), data[4:])

    async def drain(self) -> None:
        """Nothing waits here."""

    def get_peer_info(self) -> tuple[str, int] | None:
        """Return what amqtt may log."""
        return ("memory", 0)

    def get_ssl_info(self) -> ssl.SSLObject | None:
        """No TLS in here."""
        return None

    async def close(self) -> None:
        """Nothing to close."""


def _message(data: bytes) -> Message:
    """Read a QoS 0 PUBLISH whose payload begins with the publisher's QoS (``Hub.publish``)."""
    at = 1
    while data[at] & 0x80:
        at += 1
    name_at = at + 3
    name_ends = name_at + int.from_bytes(data[at + 1 : name_at], "big")
    return Message(data[name_at:name_ends].decode(), data[name_ends + 1 :], data[name_ends])

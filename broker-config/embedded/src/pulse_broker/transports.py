"""
A client's byte stream, the same for TLS and WebSockets. Knows nothing of MQTT.

``abort`` never waits; ``read`` and ``flush`` end with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

READ_BYTES = 64 * 1024
CLOSE_WITHIN_S = 1.0


class Transport(Protocol):
    """What the gate needs of a connection."""

    peer: str
    listener: str

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""

    def write(self, data: bytes) -> None:
        """Add bytes to what ``flush`` sends."""

    async def flush(self) -> None:
        """Send what was written; waits while the peer does not take it. ConnectionError: it is gone."""

    def abort(self) -> None:
        """Close at once; bytes not sent are lost."""

    async def close(self) -> None:
        """Send what was written and close, within ``CLOSE_WITHIN_S``."""


class StreamTransport:
    """MQTT over TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: str) -> None:
        self._reader, self._writer = reader, writer
        self.peer, self.listener = peer_name(writer.get_extra_info("peername")), listener

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        return await self._reader.read(READ_BYTES)

    def write(self, data: bytes) -> None:
        """Add bytes to what ``flush`` sends."""
        if not self._writer.is_closing():
            self._writer.write(data)

    async def flush(self) -> None:
        """Wait while the peer does not take what was written."""
        await self._writer.drain()

    def abort(self) -> None:
        """Close at once."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Send what was written and close."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self._writer.drain()
                self._writer.close()
                await self._writer.wait_closed()
        self.abort()


class WebSocketTransport:
    """MQTT over WebSockets; one frame may hold part of a packet, or many."""

    def __init__(self, websocket: ServerConnection, listener: str) -> None:
        self._websocket = websocket
        self._unsent: list[bytes] = []
        self.peer, self.listener = peer_name(websocket.remote_address), listener

    async def read(self) -> bytes:
        """Return the next bytes; empty at the end."""
        message: str | bytes = b""
        while not message:
            try:
                message = await self._websocket.recv()
            except ConnectionClosed:
                return b""
        if isinstance(message, str):
            raise ConnectionAbortedError("a text frame; MQTT is binary")
        return message

    def write(self, data: bytes) -> None:
        """Add bytes to what ``flush`` sends."""
        self._unsent.append(data)

    async def flush(self) -> None:
        """Send what was written, in one frame."""
        if not self._unsent:
            return
        data = b"".join(self._unsent)
        self._unsent.clear()
        try:
            await self._websocket.send(data)
        except ConnectionClosed as error:
            raise ConnectionResetError("the WebSocket is closed") from error

    def abort(self) -> None:
        """Close at once."""
        self._websocket.transport.abort()

    async def close(self) -> None:
        """Send what was written and close."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                await self.flush()
                await self._websocket.close()
        self.abort()


def peer_name(address: object) -> str:
    """Return ``host:port`` of a socket address for the log."""
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) and len(address) >= 2 else "unknown"

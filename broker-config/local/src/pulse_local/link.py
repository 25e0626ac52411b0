"""
The cable between the running device and the broker, as a process that can cut it.

Forwards one loopback port to another. A control socket takes ``cut`` (connections end, new ones are refused),
``stall`` (bytes just vanish, as when a cable is pulled far away), ``mend`` and ``state``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Literal

import structlog

from pulse_runtime.errors import ConfigError

log = structlog.get_logger()
COMMANDS = ("cut", "stall", "mend", "state")
CHUNK_BYTES = 65_536


class Link:
    """A TCP forwarder on loopback with three states: ``joined``, ``cut``, ``stalled``."""

    def __init__(self, port: int, target_port: int) -> None:
        """Forward 127.0.0.1:*port* to 127.0.0.1:*target_port* (port 0: any free one)."""
        self.port, self._target = port, target_port
        self.state: Literal["joined", "cut", "stalled"] = "joined"
        self._moving = asyncio.Event()
        self._moving.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """
        Listen, unless it is already listening.

        Raises:
            ConfigError: The port is taken.
        """
        if self._server is not None:
            return
        try:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        except OSError as error:
            raise ConfigError(f"PULSE_LINK_PORT {self.port} cannot be listened on: {error.strerror}.") from error
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End every connection and stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def command(self, name: str) -> str:
        """Carry out one of ``COMMANDS``; return the state after it."""
        if name == "cut":
            await self.close()
            self.state = "cut"
            self._moving.set()
        elif name == "stall":
            self._moving.clear()
            await self.open()
            self.state = "stalled"
        elif name == "mend":
            await self.open()
            self._moving.set()
            self.state = "joined"
        log.info("link.state_changed" if name != "state" else "link.state_asked", state=self.state)
        return self.state

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            self._drop(writer)
            return
        self._writers.add(far_writer)
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                await self._moving.wait()
                writer.write(chunk)
                await writer.drain()
        self._drop(writer)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._writers.discard(writer)
        writer.close()


async def run(link: Link, control: Path, stop: asyncio.Event) -> None:
    """Serve *link* and its *control* socket until *stop* is set."""
    await link.open()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = (await reader.readline()).decode(errors="replace").strip()
        reply = await link.command(name) if name in COMMANDS else f"unknown; one of {', '.join(COMMANDS)}"
        writer.write(f"{reply}\n".encode())
        await writer.drain()
        writer.close()

    control.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(answer, str(control))
    os.chmod(control, 0o600)  # noqa: PTH101 - the socket is made by asyncio
    try:
        await stop.wait()
    finally:
        server.close()
        control.unlink(missing_ok=True)
        await link.close()


def ask(control: Path, name: str) -> str:
    """
    Send one command to the running link and return the state after it.

    Raises:
        ConfigError: No link is running.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(control))
            connection.sendall(f"{name}\n".encode())
            return connection.makefile().readline().strip()
    except OSError as error:
        raise ConfigError(
            f"nothing to {name}: the system does not run here ({control}); start it by make run."
        ) from error

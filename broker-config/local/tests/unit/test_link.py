"""The link forwards, can be cut, stalled and mended, and says when it does not run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pulse_local import link
from pulse_runtime.errors import ConfigError


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(100):
            writer.write(chunk)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@pytest.fixture
async def forwarder(echo: int) -> AsyncIterator[link.Link]:
    made = link.Link(0, echo)
    await made.open()
    yield made
    await made.close()


async def _round_trip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait_s: float = 5) -> bytes:
    writer.write(b"x")
    return await asyncio.wait_for(reader.read(1), wait_s)


async def test_link_joined_forwards_both_ways(forwarder: link.Link):
    reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
    assert await _round_trip(reader, writer) == b"x"
    writer.close()


async def test_link_cut_ends_connections_and_refuses_new_ones(forwarder: link.Link):
    reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
    await _round_trip(reader, writer)
    assert await forwarder.command("cut") == "cut"
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(1), 5) == b""
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", forwarder.port)
    writer.close()


async def test_link_stalled_after_a_cut_takes_connections_and_forwards_nothing(forwarder: link.Link):
    await forwarder.command("cut")
    assert await forwarder.command("stall") == "stalled"
    reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
    with pytest.raises(TimeoutError):
        await _round_trip(reader, writer, wait_s=0.1)
    await forwarder.command("mend")
    assert await asyncio.wait_for(reader.read(1), 5) == b"x"
    writer.close()


async def test_link_mended_forwards_on_the_same_port(forwarder: link.Link):
    port = forwarder.port
    await forwarder.command("cut")
    assert await forwarder.command("mend") == "joined"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await _round_trip(reader, writer) == b"x"
    writer.close()


async def test_link_stalled_holds_bytes_until_mended(forwarder: link.Link):
    reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
    await _round_trip(reader, writer)
    await forwarder.command("stall")
    with pytest.raises(TimeoutError):
        await _round_trip(reader, writer, wait_s=0.3)
    await forwarder.command("mend")
    assert await asyncio.wait_for(reader.read(1), 5) == b"x"
    writer.close()


async def test_control_socket_takes_commands_and_refuses_unknown_ones(forwarder: link.Link, tmp_path: Path):
    stop, control = asyncio.Event(), tmp_path / "link.sock"
    serving = asyncio.create_task(link.run(forwarder, control, stop))
    while not control.exists():
        await asyncio.sleep(0)
    assert await asyncio.to_thread(link.ask, control, "cut") == "cut"
    assert "unknown" in await asyncio.to_thread(link.ask, control, "explode")
    assert control.stat().st_mode & 0o777 == 0o600
    stop.set()
    await serving


def test_ask_nothing_runs_says_how_to_start(tmp_path: Path):
    with pytest.raises(ConfigError, match="make run"):
        link.ask(tmp_path / "link.sock", "cut")

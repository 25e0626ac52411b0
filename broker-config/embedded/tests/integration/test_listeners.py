"""The WebSocket handshake: Origin, Host, path and subprotocol; and that text is not MQTT."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)
MQTT = "Sec-WebSocket-Protocol: mqtt\r\n"


async def handshake(bench, *, path: str = "/mqtt", host: str = "127.0.0.1", more: str = MQTT) -> int:
    """Return the HTTP status of a handshake written by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", bench.running.ws_port)
    try:
        writer.write(REQUEST.format(path=path, host=host, more=more).encode())
        async with asyncio.timeout(5):
            return int((await reader.readline()).split()[1])
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, 101),
        ({"host": "localhost:8083"}, 101),
        ({"host": "[::1]:8083"}, 101),
        ({"more": MQTT + "Origin: http://127.0.0.1:8080\r\n"}, 101),
        ({"more": MQTT + "Origin: http://localhost:8080\r\n"}, 101),
        ({"more": MQTT + "Origin: http://127.0.0.1:8081\r\n"}, 403),
        ({"more": MQTT + "Origin: http://localhost:8081\r\n"}, 403),
        ({"more": MQTT + "Origin: https://127.0.0.1:8080\r\n"}, 403),
        ({"more": MQTT + "Origin: http://evil.example\r\n"}, 403),
        ({"more": MQTT + "Origin: null\r\n"}, 403),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example:8083"}, 403),
        ({"path": "/"}, 404),
        ({"path": "/mqtt/x"}, 404),
        ({"more": ""}, 400),
        ({"more": "Sec-WebSocket-Protocol: chat\r\n"}, 400),
    ],
)
async def test_listeners_handshake_answers(bench, options, status) -> None:
    assert await handshake(bench, **options) == status


async def test_listeners_text_frame_ends_the_connection(bench) -> None:
    url = f"ws://127.0.0.1:{bench.running.ws_port}/mqtt"
    async with connect(url, subprotocols=[Subprotocol("mqtt")], proxy=None) as websocket:
        await websocket.send("text")
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(5):
                await websocket.recv()


async def test_listeners_foreign_origin_is_refused_before_anything_is_read(bench) -> None:
    with pytest.raises(InvalidStatus):
        await bench.open_ws(origin="http://evil.example")
    assert bench.running.metrics.value("connections") == 0


async def test_listeners_own_address_as_origin_is_what_paho_sends_and_is_taken(bench) -> None:
    own = f"http://127.0.0.1:{bench.running.ws_port}"
    assert await handshake(bench, more=f"{MQTT}Origin: {own}\r\n") == 101
    assert await handshake(bench, more=f"{MQTT}Origin: {own}1\r\n") == 403


async def test_listeners_plaintext_is_not_spoken_on_the_tls_ports(bench) -> None:
    for port in (bench.running.mqtts_port, bench.running.wss_port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x1e\x00\x00")
        async with asyncio.timeout(7):
            assert not await reader.read()
        writer.close()

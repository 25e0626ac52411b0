"""
The listeners: MQTT over TLS, and MQTT over WebSockets with and without TLS. Every socket ends up at the gate.

Plaintext exists on loopback only (``ports`` binds nothing else). The WebSocket handshake is the library's;
Host, path and Origin are checked before it answers.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Origin, Subprotocol

from pulse_runtime.environment import is_loopback

from .gate import CONNECT_WITHIN_S, Gate
from .packets import MAX_PACKET_BYTES
from .transports import CLOSE_WITHIN_S, StreamTransport, WebSocketTransport

log = structlog.get_logger()
PATH = "/mqtt"
MAX_FRAMES_WAITING = 16
_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class Listeners:
    """The running listeners of one broker."""

    def __init__(self, gate: Gate, allowed_origin: str) -> None:
        self._gate, self._allowed_origin = gate, allowed_origin
        self._servers: list[asyncio.Server | Server] = []
        # the library reports every failed handshake with a traceback; ours are logged below, by one line
        self._quiet = logging.getLogger("pulse_broker.websockets")
        self._quiet.setLevel(logging.CRITICAL)

    async def open_mqtts(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        """Serve MQTT over TLS on *sock*."""

        async def serve_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._gate.serve(StreamTransport(reader, writer, "mqtts"))

        server = await asyncio.start_server(
            serve_stream,
            sock=sock,
            ssl=context,
            ssl_handshake_timeout=CONNECT_WITHIN_S,
            ssl_shutdown_timeout=CLOSE_WITHIN_S,
        )
        self._servers.append(server)

    async def open_websockets(self, name: str, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        """Serve MQTT over WebSockets on *sock*, with TLS when there is a *context*."""

        async def serve_websocket(websocket: ServerConnection) -> None:
            await self._gate.serve(WebSocketTransport(websocket, name))

        server = await serve(
            serve_websocket,
            sock=sock,
            ssl=context,
            origins=[None, *_page_origins(self._allowed_origin), *_own_origins(sock, secure=context is not None)],
            subprotocols=[Subprotocol("mqtt")],
            compression=None,
            process_request=self._check_request,
            process_response=_log_refusal,
            server_header=None,
            open_timeout=CONNECT_WITHIN_S,
            ping_interval=None,  # MQTT has its own keepalive
            close_timeout=CLOSE_WITHIN_S,
            max_size=MAX_PACKET_BYTES + 8,
            max_queue=MAX_FRAMES_WAITING,
            logger=self._quiet,
        )
        self._servers.append(server)

    def stop_listening(self) -> None:
        """Take no new connections; those that are there go on."""
        for server in self._servers:
            if isinstance(server, Server):
                server.close(close_connections=False)
            else:
                server.close()

    async def closed(self) -> None:
        """Wait until every connection is gone."""
        for server in self._servers:
            await server.wait_closed()

    def _check_request(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, f"MQTT is at {PATH}\n")
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or host_name(hosts[0]) not in self._allowed_hosts:
            return connection.respond(HTTPStatus.FORBIDDEN, "This host name is not served here\n")
        return None

    @property
    def _allowed_hosts(self) -> set[str]:
        public = urlsplit(self._allowed_origin).hostname or ""
        return {"localhost", "127.0.0.1", "::1", socket.gethostname().lower(), public}


def host_name(header: str) -> str:
    """Return the name in a ``Host`` header, without port and brackets."""
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


def _page_origins(public: str) -> list[Origin]:
    """Return the dashboard's origin; on this machine people type any of the machine's names for it."""
    parts = urlsplit(public)
    if not is_loopback(parts.hostname):
        return [Origin(public)]
    port = "" if parts.port is None else f":{parts.port}"
    return [Origin(f"{parts.scheme}://{name}{port}") for name in _LOOPBACK_NAMES]


def _own_origins(sock: socket.socket, *, secure: bool) -> list[Origin]:
    """Return what paho-mqtt sends as Origin. No page can have it, since nothing here serves pages."""
    port = sock.getsockname()[1]
    return [Origin(f"{'https' if secure else 'http'}://{name}:{port}") for name in _LOOPBACK_NAMES]


def _log_refusal(connection: ServerConnection, request: Request, response: Response) -> None:
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        log.warning(
            "listeners.handshake_refused",
            status=response.status_code,
            origin=request.headers.get("Origin", "")[:200],
            host=request.headers.get("Host", "")[:200],
            peer=str(connection.remote_address),
        )

"""
``/metrics`` and ``/readyz``, on loopback and in the containers' network: for Prometheus and whoever supervises us.

``/metrics`` wants the key from a file as bearer token; ``/readyz`` says only the names of checks. Both refuse a Host
other than the address they listen on, and any Origin, so that no web page can read them. Serves from a thread for each
address and for each of a few connections, which end after a while; the worker's loop is untouched.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from operator import eq
from pathlib import Path
from typing import Any

from pulse_runtime.environment import is_loopback
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

LOOPBACK = "127.0.0.1"
MOST_CONNECTIONS = 8  # at once, of each address; they have their threads before any key is asked for
MOST_S = 10.0  # for a whole request
Checks = Mapping[str, str]


class MetricsHttp:
    """The small server; ``checks`` gives each check's state, ``ok`` when it is well."""

    def __init__(
        self,
        port: int,
        key_file: Path,
        exposition: Callable[[], bytes],
        checks: Callable[[], Checks],
        *,
        inside: str = "",
    ) -> None:
        """
        Listen on *port* of 127.0.0.1, and of the address *inside* when there is one.

        The key is made in *key_file* by whoever comes first, unless it is there.

        Raises:
            ConfigError: The port is taken, or the key cannot be read.
        """
        key = _key(key_file)
        self._servers: list[ThreadingHTTPServer] = []
        self.port = port
        for address in [LOOPBACK, inside] if inside else [LOOPBACK]:
            is_own = is_loopback if address == LOOPBACK else partial(eq, address)
            try:
                self._servers.append(_Server((address, self.port), _handler(key, is_own, exposition, checks)))
            except OSError as error:
                self.close()
                raise ConfigError(
                    f"PULSE_METRICS_PORT {port} on {address} cannot be used: {error.strerror}."
                ) from error
            self.port = self._servers[0].server_address[1]
            threading.Thread(target=self._servers[-1].serve_forever, args=(0.1,), name="metrics", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 32  # what is dropped at once needs a place until then

    def __init__(self, place: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(place, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, or drop it when there are too many."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started; the place is free for when there is one again
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, for a bounded time."""
        ending = threading.Timer(MOST_S, _cut, (request,))
        ending.daemon = True
        try:
            ending.start()
            super().process_request_thread(request, client_address)
        except RuntimeError:  # there is no thread that would bound the time, so nothing is served
            self.shutdown_request(request)
        finally:
            ending.cancel()
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away, or was sent away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _key(file: Path) -> bytes:
    """Return the key; one that is there may be in a folder that only others write."""
    try:
        found = file.read_bytes() if file.exists() else create_private(file, secrets.token_urlsafe(32).encode() + b"\n")
    except OSError as error:
        raise ConfigError(
            f"PULSE_METRICS_KEY_FILE names {file}, which can neither be read nor made: {error.strerror}."
        ) from error
    if not found.strip():
        raise ConfigError(f"PULSE_METRICS_KEY_FILE names {file}, which is empty.")
    return found.strip()


def _handler(
    key: bytes, is_own: Callable[[str], bool], exposition: Callable[[], bytes], checks: Callable[[], Checks]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "pulse-ingest", ""
        timeout = 10

        def do_GET(self) -> None:
            if not is_own(_host(self.headers.get("Host", ""))) or self.headers.get("Origin"):
                self._answer(HTTPStatus.FORBIDDEN, b"", "text/plain")
            elif self.path == "/readyz":
                found = checks()
                well = all(state == "ok" for state in found.values())
                status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, json.dumps({"checks": dict(found)}).encode(), "application/json")
            elif self.path != "/metrics":
                self._answer(HTTPStatus.NOT_FOUND, b"", "text/plain")
            elif not hmac.compare_digest(self.headers.get("Authorization", "").encode(), b"Bearer " + key):
                self._answer(HTTPStatus.UNAUTHORIZED, b"", "text/plain")
            else:
                self._answer(HTTPStatus.OK, exposition(), "text/plain; version=0.0.4; charset=utf-8")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
            self.send_response(status)
            if status is HTTPStatus.UNAUTHORIZED:
                self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing; what is asked for here is of no interest."""

    return Handler


def _host(header: str) -> str:
    """Return the host of a ``Host`` header, without port and brackets."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]

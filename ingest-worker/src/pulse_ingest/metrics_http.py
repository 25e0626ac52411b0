"""
``/metrics`` and ``/readyz``, on loopback and in the containers' network: for Prometheus and whoever supervises us.

``/metrics`` wants the key from a file as bearer token; ``/readyz`` says only the names of checks. Both refuse a Host
other than the address they listen on, and any Origin, so that no web page can read them. Serves from a thread for each
address and for each of a few connections, which end after a while; the worker's loop is untouched.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from operator import eq
from pathlib import Path

from pulse_runtime.bounded_http import BoundedHttpServer, host_name
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
        self._servers: list[BoundedHttpServer] = []
        self.port = port
        for address in [LOOPBACK, inside] if inside else [LOOPBACK]:
            is_own = is_loopback if address == LOOPBACK else partial(eq, address)
            try:
                handler = _handler(key, is_own, exposition, checks)
                server = BoundedHttpServer(
                    (address, self.port), handler, most_connections=MOST_CONNECTIONS, most_s=MOST_S
                )
                self._servers.append(server)
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
            if not is_own(host_name(self.headers.get("Host", ""))) or self.headers.get("Origin"):
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

"""
``/metrics`` and ``/readyz`` on a loopback port: for Prometheus and whoever supervises the worker.

``/metrics`` wants the key from a 0600 file as bearer token; ``/readyz`` says only the names of checks. Both refuse a
foreign Host and any Origin, so that no web page can read them. Serves from one thread; the worker's loop is untouched.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pulse_runtime.environment import is_loopback
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

Checks = Mapping[str, str]


class LoopbackHttp:
    """The small server; ``checks`` gives each check's state, ``ok`` when it is well."""

    def __init__(
        self, port: int, key_file: Path, exposition: Callable[[], bytes], checks: Callable[[], Checks]
    ) -> None:
        """
        Listen on *port* of 127.0.0.1; the key is made in *key_file* by whoever comes first.

        Raises:
            ConfigError: The port is taken, or the key cannot be read.
        """
        try:
            key = create_private(key_file, secrets.token_urlsafe(32).encode() + b"\n").strip()
            self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(key, exposition, checks))
        except OSError as error:
            raise ConfigError(f"PULSE_METRICS_PORT {port} cannot be used: {error.strerror}.") from error
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(key: bytes, exposition: Callable[[], bytes], checks: Callable[[], Checks]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "pulse-ingest", ""
        timeout = 10

        def do_GET(self) -> None:
            if not is_loopback(_host(self.headers.get("Host", ""))) or self.headers.get("Origin"):
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

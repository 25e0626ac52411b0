"""
The HTTP port for values of programs on this machine: who may ask, how much, for how long; what is recorded is ``push``.

Loopback only. Asks for a key, refuses browsers (any Origin) and foreign names (Host), bounds the body, the number of
connections and the time of each. One request a connection.
"""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from pulse_runtime.bounded_http import BoundedHttpServer, host_name
from pulse_runtime.environment import is_loopback

HOST = "127.0.0.1"
PATH = "/readings"
MOST_BYTES = 64 * 1024
MOST_CONNECTIONS = 16
MOST_S = 10.0  # for a whole request
POLL_S = 0.05  # the longest that ``stop`` waits for the thread


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered; ``error`` is a sentence, empty when all is well."""

    status: HTTPStatus
    error: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


class PushServer(BoundedHttpServer):
    """Serves from ``__init__`` to ``stop``; *take* gets each body that may be taken, in a thread of the request."""

    def __init__(self, port: int, key: str, take: Callable[[bytes], Answer], most_s: float = MOST_S) -> None:
        """
        Bind the port and serve.

        Raises:
            OSError: The port is taken, or not for this user.
        """
        self.key, self.take = key.encode(), take
        super().__init__((HOST, port), _Handler, most_connections=MOST_CONNECTIONS, most_s=most_s)
        self._thread = threading.Thread(target=self.serve_forever, args=(POLL_S,), name="push", daemon=True)
        self._thread.start()

    @property
    def is_serving(self) -> bool:
        """Tell whether its thread is alive."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Take no more requests and free the port."""
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    server: PushServer
    server_version, sys_version = "PrecisionPulse", ""
    timeout = 5.0  # for each wait on the client

    def do_POST(self) -> None:
        """Take values."""
        refusal = self._refusal()
        self._answer(refusal if refusal is not None else self._taken())

    def do_GET(self) -> None:
        """Refuse: nothing can be read here."""
        refusal = self._refusal() or Answer(HTTPStatus.METHOD_NOT_ALLOWED, f"POST to {PATH}")
        self._answer(refusal)

    do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_GET  # noqa: N815 - the names that http.server looks for

    def _refusal(self) -> Answer | None:
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not is_loopback(host_name(hosts[0])):
            return Answer(HTTPStatus.FORBIDDEN, "this host name is not served here")
        if self.headers.get_all("Origin"):
            return Answer(HTTPStatus.FORBIDDEN, "not for browsers")
        given = self.headers.get_all("Authorization", [])
        if len(given) != 1 or not hmac.compare_digest(given[0].encode("latin-1"), b"Bearer " + self.server.key):
            return Answer(HTTPStatus.UNAUTHORIZED, "send Authorization: Bearer and the key of the key file")
        if self.path != PATH:
            return Answer(HTTPStatus.NOT_FOUND, f"POST to {PATH}")
        return None

    def _taken(self) -> Answer:
        if self.headers.get_content_type() != "application/json":
            return Answer(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json")
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not lengths[0].isascii() or not lengths[0].isdigit():
            return Answer(HTTPStatus.LENGTH_REQUIRED, "send Content-Length")
        if len(lengths[0]) > 9 or int(lengths[0]) > MOST_BYTES:
            return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {MOST_BYTES} bytes")
        body = self.rfile.read(int(lengths[0]))
        if len(body) < int(lengths[0]):
            return Answer(HTTPStatus.BAD_REQUEST, "the body is shorter than Content-Length says")
        return self.server.take(body)

    def _answer(self, answer: Answer) -> None:
        content = json.dumps({**answer.fields, **({"error": answer.error} if answer.error else {})}).encode()
        self.close_connection = True
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server has for it
        """Write nothing: a request line may hold anything."""

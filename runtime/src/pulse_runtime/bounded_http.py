"""
A small HTTP server in threads whose clients can take neither many of them nor one for long.

Each connection has its thread before anything of it was read, so their number and the time of each are bounded. What
is served and to whom is the handler's. Nothing here is for a program's main port.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class BoundedHttpServer(ThreadingHTTPServer):
    """Takes *most_connections* at once, drops those beyond, and ends each after *most_s* seconds."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = os.name != "nt"  # there it would let two programs share a port
    request_queue_size = 32  # what is dropped at once needs a place until then

    def __init__(
        self, place: tuple[str, int], handler: type[BaseHTTPRequestHandler], *, most_connections: int, most_s: float
    ) -> None:
        """
        Bind *place*, an address and a port; whoever made it calls ``serve_forever``.

        Raises:
            OSError: The port is taken, or not for this user.
        """
        self.address_family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
        self.most_s = most_s
        self._free = threading.BoundedSemaphore(most_connections)
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
        ending = threading.Timer(self.most_s, _cut, (request,))
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
        """Say nothing of a client that went away, or was sent away; a fault of ours is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def host_name(host: str) -> str:
    """Return the name in a ``Host`` header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)

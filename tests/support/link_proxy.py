"""A TCP link that a test cuts (connections reset), stalls (packets vanish) and mends."""

from __future__ import annotations

import contextlib
import select
import socket
import threading


class LinkProxy:
    """Forwards a loopback port to another until told otherwise."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.is_cut = self.is_stalled = self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Refuse new connections and drop those there are."""
        self.is_cut = True
        self._drop_all()

    def stall(self) -> None:
        """Let packets vanish both ways; connections stay open and say nothing."""
        self.is_stalled = True

    def mend(self) -> None:
        """Forward again; what was stalled is gone with its connections."""
        self.is_cut = self.is_stalled = False
        self._drop_all()

    def close(self) -> None:
        self._closing = True
        self._thread.join(5)
        self._drop_all()
        self._listener.close()

    def _drop_all(self) -> None:
        with self._lock:
            for pair in self._pairs:
                for one in pair:
                    with contextlib.suppress(OSError):
                        one.close()
            self._pairs = []

    def _run(self) -> None:
        while not self._closing:
            with self._lock:
                pairs = [] if self.is_stalled else list(self._pairs)
            others = {one: other for pair in pairs for one, other in (pair, pair[::-1])}
            try:
                ready, _, _ = select.select([self._listener, *others], [], [], 0.02)
            except (OSError, ValueError):
                continue  # closed from another thread meanwhile
            for one in ready:
                self._accept() if one is self._listener else self._forward(one, others[one])

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        if self.is_cut:
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._target), 2)
        except OSError:
            client.close()
            return
        with self._lock:
            if not self.is_cut:  # it may have been meanwhile
                self._pairs.append((client, server))
                return
        client.close()
        server.close()

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        try:
            data = one.recv(65_536)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        with self._lock:
            self._pairs = [pair for pair in self._pairs if one not in pair]
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.close()

"""One request and its answer: whatever the server does, it ends in time, and no more than its bound is read."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pulse_desktop.core.identity import api, exchange
from pulse_desktop.core.identity.exchange import AnswerTooLargeError, AnswerTooLateError, ApiUnreachableError

WITHIN_S, SOON_S = 0.6, 5.0
Peer = Callable[[socket.socket, threading.Event], None]


class Server:
    """A real server on a loopback port that treats each connection as *peer* does, until it is closed."""

    def __init__(self, peer: Peer) -> None:
        self.sent = 0
        self._peer, self._closing = peer, threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                try:
                    self._peer(connection, self._closing)
                except OSError:
                    continue  # the other side has had enough, which is what most tests are for

    def close(self) -> None:
        if not self._closing.is_set():
            self._closing.set()
            self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[[Peer], Server]]:
    made: list[Server] = []

    def start(peer: Peer) -> Server:
        made.append(Server(peer))
        return made[-1]

    yield start
    for one in made:
        one.close()


def trickles(head: bytes, each: bytes) -> Peer:
    """Answer with *head* at once, then with *each* ten times in *WITHIN_S*, without an end."""

    def peer(connection: socket.socket, closing: threading.Event) -> None:
        connection.sendall(head)
        while not closing.wait(WITHIN_S / 10):
            connection.sendall(each)

    return peer


def floods(head: bytes, each: bytes) -> Peer:
    def peer(connection: socket.socket, closing: threading.Event) -> None:
        connection.settimeout(SOON_S)
        connection.recv(65536)
        connection.sendall(head)
        while not closing.is_set():
            connection.sendall(each)

    return peer


def ask(server: Server, scheme: str = "http") -> exchange.Answer:
    context = ssl.create_default_context() if scheme == "https" else None
    return exchange.exchange(
        "GET", f"{scheme}://127.0.0.1:{server.port}/x", None, context, within_s=WITHIN_S, most_bytes=100_000
    )


@pytest.mark.parametrize(
    ("scheme", "peer"),
    [
        ("http", trickles(b"", b"")),
        ("http", trickles(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n")),
        ("http", trickles(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
        ("http", trickles(b"HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n", b"x")),
        ("http", trickles(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n")),
        ("https", trickles(b"", b"")),
        ("https", trickles(b"\x16\x03\x03\x40\x00", b"\x02")),
    ],
    ids=["silent", "headers", "hints", "body", "chunks", "silent under TLS", "a handshake byte by byte"],
)
def test_server_that_trickles_does_not_hold_the_device(serve: Callable[[Peer], Server], scheme: str, peer: Peer):
    server, began = serve(peer), time.monotonic()
    with pytest.raises(AnswerTooLateError, match=r"within 0\.6 s"):
        ask(server, scheme)
    assert time.monotonic() - began < SOON_S


@pytest.mark.parametrize(
    ("head", "each"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (b"HTTP/1.1 500 Oops\r\n\r\n", b"x" * 65536),
    ],
    ids=["announced", "chunked", "a refusal without an end"],
)
def test_server_that_sends_too_much_is_cut_off(serve: Callable[[Peer], Server], head: bytes, each: bytes):
    with pytest.raises(AnswerTooLargeError, match="more than 100000 bytes"):
        ask(serve(floods(head, each)))


def test_answer_that_is_packed_is_not_unpacked(serve: Callable[[Peer], Server]):
    asked: list[bytes] = []

    def peer(connection: socket.socket, _closing: threading.Event) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8b\x08\x00")

    assert ask(serve(peer)).content == b"\x1f\x8b\x08\x00", "a few bytes may become gigabytes"
    assert b"accept-encoding: identity" in asked[0].lower()


def test_exchange_sends_the_body_and_returns_status_headers_and_content(serve: Callable[[Peer], Server]):
    asked: list[bytes] = []

    def peer(connection: socket.socket, _closing: threading.Event) -> None:
        said = b""
        while not said.endswith(b"}"):  # head and body may come one after the other
            said += connection.recv(65536)
        asked.append(said)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nX-A: b\r\ncontent-length: 2\r\n\r\n{}")

    port = serve(peer).port
    answer = exchange.exchange("POST", f"http://localhost:{port}/a?b=%20c", {"a": "\u00e4"}, None, bearer="T")
    assert (answer.status, answer.reason, answer.headers["x-a"], answer.content) == (404, "Not Found", "b", b"{}")
    head, _, body = asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=%20c HTTP/1.1\r\n")
    assert f"host: localhost:{port}".encode() in head.lower()
    assert b"authorization: bearer t" in head.lower()
    assert json.loads(body) == {"a": "\u00e4"}


def test_server_that_is_not_there_or_talks_something_else_is_named(serve: Callable[[Peer], Server]):
    gone = serve(trickles(b"", b""))
    gone.close()
    with pytest.raises(ApiUnreachableError, match="refused"):
        ask(gone)

    def peer(connection: socket.socket, _closing: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"220 mail.example ESMTP\r\n")

    with pytest.raises(ApiUnreachableError, match=r"\w"):
        ask(serve(peer))


def test_address_that_swallows_packets_leaves_time_for_the_next(
    serve: Callable[[Peer], Server], monkeypatch: pytest.MonkeyPatch
):
    def peer(connection: socket.socket, _closing: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    good = serve(peer)
    with socket.create_server(("127.0.0.2", good.port), backlog=0) as full:
        waiting = [socket.socket() for _ in range(4)]  # more than it keeps: what comes now is not even refused
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, good.port)) for host in ("127.0.0.2", "127.0.0.1")]
        monkeypatch.setattr(exchange.socket, "getaddrinfo", lambda *_arguments, **_named: found)
        url = f"http://two.example:{good.port}/"
        assert exchange.exchange("GET", url, None, None, within_s=2 * WITHIN_S).status == 204
        monkeypatch.setattr(exchange.socket, "getaddrinfo", lambda *_arguments, **_named: found[:1])
        with pytest.raises(AnswerTooLateError):
            exchange.exchange("GET", url, None, None, within_s=WITHIN_S)
        for one in waiting:
            one.close()


def test_calls_of_the_device_are_bounded_so(serve: Callable[[Peer], Server], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exchange.exchange, "__kwdefaults__", {**exchange.exchange.__kwdefaults__, "within_s": WITHIN_S})
    server = serve(trickles(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"))
    url = f"http://127.0.0.1:{server.port}"
    for call in (lambda: api.fetch_ca(url), lambda: api.post(url, "/devices/enroll", {}, "")):
        with pytest.raises(AnswerTooLateError, match=r"within 0\.6 s"):
            call()

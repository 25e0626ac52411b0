"""
One HTTP request and its answer, bounded in size and in time as a whole. The only module that imports httpx.

The timeouts of an HTTP client count from one byte to the next, so a server that sends a byte now and then would hold
it for ever: here every wait for the network gets what is left of the whole. An answer is counted while it is read.
Only the look for the server's addresses takes as long as the system's resolver lets it.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

WITHIN_S = 15.0
MAX_ANSWER_BYTES = 1024 * 1024
_FAILURES = (
    httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol,
    httpx.HTTPError, httpx.InvalidURL, OSError,
)  # fmt: skip


class ApiUnreachableError(Exception):
    """No answer; ``str()`` is what the network said."""


class AnswerTooLateError(ApiUnreachableError):
    """The answer was not complete when its time was over."""


class AnswerTooLargeError(ApiUnreachableError):
    """The answer is larger than any of ours; the rest of it was not read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """HTTP ``status`` with its ``reason``, headers by their names in small letters, and all of the body."""

    status: int
    reason: str
    headers: httpx.Headers
    content: bytes


def exchange(
    method: str, url: str, body: dict[str, Any] | None, context: ssl.SSLContext | None, *, bearer: str = "",
    within_s: float = WITHIN_S, most_bytes: int = MAX_ANSWER_BYTES,
) -> Answer:  # fmt: skip
    """
    Send *body* as JSON and return what comes back, whatever its status; *context* is for https.

    Raises:
        AnswerTooLateError: It is not all here after *within_s* seconds.
        AnswerTooLargeError: Its body has more than *most_bytes*.
        ApiUnreachableError: No answer, or none that can be understood.
    """
    deadline = _Deadline(within_s)
    headers = {"accept-encoding": "identity"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    try:
        with (
            httpx.Client(transport=_Transport(context, deadline), trust_env=False, follow_redirects=False) as client,
            client.stream(method, url, json=body, headers=headers) as answer,
        ):
            content = _read(answer, url, most_bytes)
            return Answer(answer.status_code, answer.reason_phrase, answer.headers, content)
    except _FAILURES as error:
        if deadline.is_over:
            raise AnswerTooLateError(f"no complete answer within {within_s:g} s") from error
        raise ApiUnreachableError(str(error) or type(error).__name__) from error


def _read(answer: httpx.Response, url: str, most_bytes: int) -> bytes:
    content = bytearray()
    for part in answer.iter_raw():
        content += part
        if len(content) > most_bytes:
            raise AnswerTooLargeError(f"{url} answers with more than {most_bytes} bytes, which no answer of ours has")
    return bytes(content)


class _Deadline:
    """The end of an exchange; ``left`` raises what a socket raises whose time is over."""

    def __init__(self, within_s: float) -> None:
        self._at = time.monotonic() + within_s

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._at

    def left(self) -> float:
        left = self._at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("its time is over")
        return left


class _Stream(httpcore.NetworkStream):
    """A connection of which every operation gets the time that is left."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: _Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the whole has one
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - as above
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.NetworkStream:  # fmt: skip
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left())
        return _Stream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Network(httpcore.SyncBackend):
    """Connects within the time that is left, to whichever of a host's addresses takes it first."""

    def __init__(self, deadline: _Deadline) -> None:
        super().__init__()
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        failure: Exception | None = None  # of the first address: the system puts those last that it has no way to
        addresses = [found[4] for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        for number, address in enumerate(addresses):
            shares = len(addresses) - number  # one that swallows packets leaves time for the others
            try:
                within_s = self._deadline.left() / shares
                made = super().connect_tcp(str(address[0]), port, within_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = failure or error
            else:
                return _Stream(made, self._deadline)
        raise failure or httpcore.ConnectError(f"{host} has no address")


class _Transport(httpx.BaseTransport):
    """What httpx sends through: a connection of its own for each request."""

    def __init__(self, context: ssl.SSLContext | None, deadline: _Deadline) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=context, network_backend=_Network(deadline))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        asked = httpcore.Request(request.method, url, headers=request.headers.raw, content=request.read())
        answer = self._pool.handle_request(asked)
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()

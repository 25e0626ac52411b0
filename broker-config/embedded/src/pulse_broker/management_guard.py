"""What stands before the management interface: the key, Host and Origin; and its small HTTP server."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import json
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from pulse_runtime.environment import is_loopback, read_secret_file
from pulse_runtime.errors import ConfigError
from pulse_runtime.private_files import create_private

from .listeners import host_name

OPEN_PATHS = frozenset({"/status", "/readyz"})


def management_key(path: Path) -> str:
    """
    Return ``key:secret``, made on the first call of whichever program comes first.

    Raises:
        ConfigError: The file is malformed, or readable by others.
    """
    create_private(path, f"pulse:{secrets.token_urlsafe(32)}\n".encode())
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"PULSE_BROKER_API_KEY_FILE {path} may be read by others; make its mode 0600.")
    found = read_secret_file(path, "PULSE_BROKER_API_KEY_FILE")
    key, _, secret = found.partition(":")
    if not key or len(secret) < 16:
        raise ConfigError(f"PULSE_BROKER_API_KEY_FILE {path} does not hold key:secret with 16 characters or more.")
    return found


class ManagementGuard:
    """An ASGI application that lets through what knows the key, from no browser, under a name of this machine."""

    def __init__(self, inner: ASGIApp, key: str) -> None:
        self._inner, self._key = inner, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == ScopeType.HTTP:
            refusal = self._refusal(scope)
            if refusal is not None:
                await _answer(send, *refusal)
                return
        await self._inner(scope, receive, send)

    def _refusal(self, scope: Any) -> tuple[int, str, str] | None:
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not is_loopback(host_name(hosts[0])):
            return 403, "FORBIDDEN", "this host name is not served here"
        if any(name == b"origin" for name, _ in headers):
            return 403, "FORBIDDEN", "not for browsers"
        if scope["path"] in OPEN_PATHS:
            return None
        given = [value for name, value in headers if name == b"authorization"]
        if not given:
            return 401, "AUTHORIZATION_HEADER_ERROR", "Support authorization: basic"
        if len(given) != 1 or not hmac.compare_digest(_basic(given[0]), self._key):
            return 401, "BAD_API_KEY_OR_SECRET", "Check api_key/api_secret"
        return None


def _basic(header: bytes) -> bytes:
    scheme, _, rest = header.partition(b" ")
    try:
        return base64.b64decode(rest.strip(), validate=True) if scheme.lower() == b"basic" else b""
    except binascii.Error:
        return b""


async def _answer(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"code": code, "message": message}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="pulse-broker"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class _Server(uvicorn.Server):
    """Leaves signals to the program."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class ManagementServer:
    """The HTTP server of the interface; ``serve`` runs until ``stop``."""

    def __init__(self, app: ASGIApp, sock: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=2,
            limit_concurrency=100,
        )
        self._server, self._sock = _Server(config), sock

    async def serve(self) -> None:
        """Serve until ``stop`` was called."""
        await self._server.serve(sockets=[self._sock])

    def stop(self) -> None:
        """Let ``serve`` come to its end."""
        self._server.should_exit = True

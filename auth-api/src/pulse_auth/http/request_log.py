"""
The outermost layer: an id for every request, one log line and the counts when it is answered.

Logs the route, never the path: an export's path is a secret.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import structlog
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from .metrics import Metrics

HEADER = "x-request-id"
_log = structlog.get_logger()
_QUIET = {"/healthz", "/readyz", "/metrics"}


class RequestLog:
    """ASGI layer around the whole application."""

    def __init__(self, app: ASGIApp, metrics: Metrics, ticks: Callable[[], float] = time.perf_counter) -> None:
        self._app = app
        self._metrics = metrics
        self._ticks = ticks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; everything logged meanwhile carries its id."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        status = 500
        started = self._ticks()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableScopeHeaders.from_message(message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._record(scope, status, self._ticks() - started)

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = str(scope.get("path_template") or "unmatched")
        method = str(scope.get("method", ""))
        self._metrics.requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._metrics.durations.labels(route).observe(seconds)
        log = _log.debug if route in _QUIET else _log.info
        log("http.request_answered", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

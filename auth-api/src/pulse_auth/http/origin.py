"""Where a request comes from: the caller's address, and whether a page of our own sent it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from pulse_runtime.environment import is_loopback

from ..errors import ForeignOriginError


def caller_address(request: Request[Any, Any, Any]) -> str:
    """Return the network address of the caller; behind a TLS edge the server has put the browser's own there."""
    return request.client.host if request.client else ""


def same_origin(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
    """
    Guard for calls that set or use the refresh cookie: browsers say which page sends a request.

    Programs send no ``Origin``. On loopback the host that was asked for may be any name of this machine.

    Raises:
        ForeignOriginError: A page of another origin sends it.
    """
    origin = connection.headers.get("origin")
    if origin is None or origin == connection.app.state.settings.public_url:
        return
    netloc, host = _place(origin)
    if netloc != connection.headers.get("host") or not is_loopback(host):
        raise ForeignOriginError("A page of another origin sent this request.")


def _place(origin: str) -> tuple[str, str | None]:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return "", None
    return parts.netloc, parts.hostname

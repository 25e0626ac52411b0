"""
Middleware that puts the security headers on every answer, errors included.

Answers of the API may not be kept by anyone unless they say so themselves: they hold tokens and people's data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send


class SecurityHeaders:
    """ASGI middleware; made once by ``security_headers``."""

    def __init__(self, app: ASGIApp, fixed: Mapping[str, str], policy: Callable[[], str]) -> None:
        """Wrap *app*; *policy* returns the present Content-Security-Policy."""
        self._app = app
        self._fixed = fixed
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the headers of its answer."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                for name, value in self._fixed.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", self._policy())
                if str(scope["path"]).startswith("/api/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)

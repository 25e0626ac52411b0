"""
Guards for routes: who is signed in, and which permission they hold.

Every route needs a signed-in person unless it says ``opt={"public": True}``. While the first password must
be changed, only routes with ``opt={"before_password_change": True}`` are open. Read next: ``authentication``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from ...errors import PermissionMissingError

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person of a request, as the database has them now; ``session_id`` is the refresh family."""

    user_id: UUID
    username: str
    roles: tuple[str, ...]
    permissions: frozenset[str]
    must_change_password: bool
    session_id: UUID

    @property
    def principal(self) -> str:
        """The name in tokens and in the audit log, ``user:<name>``."""
        return f"user:{self.username}"


def requires(permission: str) -> Guard:
    """Return a guard that lets only holders of *permission* pass (``guards=[requires(Permission.VIEW_LOGS)]``)."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if not _asks_for_methods(connection):
            check_permission(connection.user, permission)

    return guard


def requires_any(*permissions: str) -> Guard:
    """Return a guard that lets holders of at least one of *permissions* pass."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        if _asks_for_methods(connection):
            return
        person: SignedIn = connection.user
        if person.permissions.isdisjoint(permissions):
            words = " or ".join(map(str, permissions))
            raise PermissionMissingError(f"This needs the permission {words}.", permission=str(permissions[0]))

    return guard


def _asks_for_methods(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    """Tell whether this is OPTIONS: the framework answers it with the methods, and asks nobody who they are."""
    return bool(connection.scope.get("method") == "OPTIONS")


def check_permission(person: SignedIn, permission: str) -> None:
    """
    Check that *person* holds *permission*, where a route's guard cannot know which one is needed.

    Raises:
        PermissionMissingError: They do not.
    """
    if permission not in person.permissions:
        raise PermissionMissingError(f"This needs the permission {permission}.", permission=str(permission))

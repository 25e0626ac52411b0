"""``/auth/operator-keys``: a desktop registers the signing key of the person who signs in on it."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, delete, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission

from ...clock import Clock
from ...db.session import Sessions
from ..access.guards import SignedIn, requires
from .operator_keys import end_operator_key, register_operator_key

PersonRequest = Request[SignedIn, Any, Any]


class OperatorKeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The public half as a JWK (RFC 8037, Ed25519)."""

    public_key: dict[str, Any]


class OperatorKeyItem(Struct, frozen=True):
    """A registered key."""

    client_id: str
    public_key: dict[str, Any]
    registered_at: str


class OperatorKeyController(Controller):
    """One's own signing keys on desktops."""

    path = "/auth/operator-keys"
    tags = ("Auth",)

    @put("/{client_id:str}", guards=[requires(Permission.DESKTOP_LOGIN)])
    async def register(
        self,
        request: PersonRequest,
        client_id: FromPath[str],
        data: JSONBody[OperatorKeyBody],
        sessions: NamedDependency[Sessions],
        clock: NamedDependency[Clock],
    ) -> OperatorKeyItem:
        """Register the signed-in person's signing key on that desktop; it replaces the one before."""
        async with sessions.begin() as session:
            key = await register_operator_key(session, request.user, client_id, offered=data.public_key, now=clock())
        return OperatorKeyItem(key.client_id, key.public_key, format_time(key.registered_at))

    @delete("/{client_id:str}")
    async def end(
        self,
        request: PersonRequest,
        client_id: FromPath[str],
        sessions: NamedDependency[Sessions],
        clock: NamedDependency[Clock],
    ) -> None:
        """End the signed-in person's key on that desktop; succeeds without one."""
        person = request.user
        async with sessions.begin() as session:
            await end_operator_key(
                session, user_id=person.user_id, actor=person.principal, client_id=client_id, now=clock()
            )

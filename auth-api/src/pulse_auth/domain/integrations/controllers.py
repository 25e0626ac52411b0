"""``/integrations``: tokens for other programs. Needs ``MANAGE_INTEGRATIONS``."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission

from ...clock import Clock
from ...db.models import Integration
from ...db.session import Sessions
from ...http.origin import caller_address
from ...settings import Settings
from ..access.changing import Caller, refusals_noted
from ..access.guards import SignedIn, requires
from ..broker_admin.enforcement import BanEnforcement
from .services import LONGEST_DAYS, MOST_ITEMS, Integrations, Wanted, state

PersonRequest = Request[SignedIn, Any, Any]
_TopicFilter = Annotated[str, Meta(min_length=1, max_length=512)]


class IntegrationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new integration: what it may subscribe to, and for how many days."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    topics: Annotated[list[_TopicFilter], Meta(min_length=1, max_length=64)]
    lifetime_days: Annotated[int, Meta(ge=1, le=LONGEST_DAYS)] = LONGEST_DAYS


class IntegrationItem(Struct, frozen=True):
    """An integration; ``state``: running, expired or ended, with who ended it and why."""

    id: UUID
    name: str
    topics: list[str]
    client_id: str
    state: str
    created_by: str
    created_at: str
    expires_at: str
    ended_at: str | None
    ended_by: str | None
    end_reason: str | None


class IntegrationToken(Struct, frozen=True):
    """A new integration with what its program connects with; the password is shown this once."""

    integration: IntegrationItem
    client_id: str
    username: str
    password: str
    mqtts_url: str
    wss_url: str
    ws_url: str


class IntegrationPage(Struct, frozen=True):
    """A page of integrations, newest first; ``next``: the cursor of the next page."""

    items: list[IntegrationItem]
    next: str | None


class IntegrationController(Controller):
    """Named integrator tokens."""

    path = "/integrations"
    tags = ("Admin",)
    guards = (requires(Permission.MANAGE_INTEGRATIONS),)

    @get("/")
    async def integrations(
        self,
        *,
        sessions: NamedDependency[Sessions],
        integration_service: NamedDependency[Integrations],
        clock: NamedDependency[Clock],
        cursor: FromQuery[UUID | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_ITEMS)] = MOST_ITEMS,
    ) -> IntegrationPage:
        """Return the integrations, newest first, ended ones included."""
        async with sessions() as session:
            rows, more = await integration_service.page(session, cursor, limit)
        return IntegrationPage([_item(row, clock) for row in rows], str(rows[-1].id) if more else None)

    @post("/")
    async def create(
        self,
        request: PersonRequest,
        data: JSONBody[IntegrationBody],
        *,
        sessions: NamedDependency[Sessions],
        integration_service: NamedDependency[Integrations],
        settings: NamedDependency[Settings],
        clock: NamedDependency[Clock],
    ) -> IntegrationToken:
        """Make a token that subscribes to *topics*, all of which the signed-in person may subscribe to."""
        wanted = Wanted(data.name, data.topics, data.lifetime_days)
        address = caller_address(request)
        async with refusals_noted(sessions, Caller(request.user, address)), sessions.begin() as session:
            made, token = await integration_service.create(session, wanted, request.user, address)
        return IntegrationToken(
            integration=_item(made, clock),
            client_id=token.client_id,
            username=token.username,
            password=token.password,
            mqtts_url=settings.mqtts_url,
            wss_url=settings.wss_url,
            ws_url=settings.ws_url,
        )

    @delete("/{integration_id:uuid}")
    async def revoke(
        self,
        request: PersonRequest,
        integration_id: FromPath[UUID],
        sessions: NamedDependency[Sessions],
        integration_service: NamedDependency[Integrations],
        bans: NamedDependency[BanEnforcement],
    ) -> None:
        """Revoke an integration: its connection ends, its token is refused."""
        async with sessions.begin() as session:
            cut = await integration_service.revoke(session, integration_id, request.user, caller_address(request))
        await bans.apply(banned=cut.bans, kick=cut.client_ids)


def _item(row: Integration, clock: Clock) -> IntegrationItem:
    return IntegrationItem(
        id=row.id,
        name=row.name,
        topics=row.topics,
        client_id=row.client_id,
        state=state(row, clock()),
        created_by=row.created_by,
        created_at=format_time(row.created_at),
        expires_at=format_time(row.expires_at),
        ended_at=format_time(row.ended_at) if row.ended_at else None,
        ended_by=row.ended_by,
        end_reason=row.end_reason,
    )

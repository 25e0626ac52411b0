"""The log calls: what a device, a person or a part did and what became of it. Needs ``VIEW_LOGS``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from litestar import Controller, get
from litestar.di import NamedDependency, Provide
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import Row

from pulse_acl.payloads import ContractError, format_time
from pulse_acl.rules import Permission

from ...db.models import SyncLog, audit_log, telemetry_rejects
from ...db.session import Sessions, reading
from ...errors import RefusalError
from ..access.guards import requires
from ..telemetry.values import moment
from .pages import CURSOR_PATTERN, DEFAULT_ITEMS, MOST_ITEMS, Asked, read_page
from .schemas import AuditItem, AuditPage, RejectItem, RejectPage, SyncItem, SyncPage, without_hashes

# What PostgreSQL cannot compare with is refused before it is asked.
_Text = Annotated[str | None, QueryParameter(pattern=r"^[^\x00]{0,256}\Z")]


def asked_page(
    from_: Annotated[str | None, QueryParameter(name="from")] = None,
    to: FromQuery[str | None] = None,
    cursor: Annotated[str | None, QueryParameter(pattern=CURSOR_PATTERN)] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=MOST_ITEMS)] = DEFAULT_ITEMS,
) -> Asked:
    """Return which part of a log the request asks for: from a time on, up to but without another."""
    try:
        return Asked(moment(from_, "from"), moment(to, "to"), cursor, limit)
    except (ValueError, ContractError) as error:
        raise RefusalError(f"{error}.") from error


class LogController(Controller):
    """The logs, newest first."""

    path = "/logs"
    tags = ("Admin",)
    guards = (requires(Permission.VIEW_LOGS),)
    dependencies = {"asked": Provide(asked_page, sync_to_thread=False)}  # noqa: RUF012 - read by the framework

    @get("/audit")
    async def audit(
        self,
        *,
        sessions: NamedDependency[Sessions],
        asked: NamedDependency[Asked],
        actor: _Text = None,
        action: _Text = None,
        entity_type: _Text = None,
        entity_id: _Text = None,
        command_id: _Text = None,
    ) -> AuditPage:
        """Return who did what, with the state before and after; *command_id*: who gave that command."""
        table = audit_log.c
        equal = {
            table.actor: actor,
            table.action: action,
            table.entity_type: entity_type,
            table.entity_id: entity_id,
            table.detail["command_id"].astext: command_id,
        }
        async with reading(sessions) as session:
            rows, following = await read_page(
                session, list(table), time=table.at, number=table.id, equal=equal, asked=asked
            )
        return AuditPage([_audit_item(row) for row in rows], following)

    @get("/sync")
    async def sync(
        self,
        *,
        sessions: NamedDependency[Sessions],
        asked: NamedDependency[Asked],
        entity_type: _Text = None,
        entity_id: _Text = None,
        source: _Text = None,
        by: _Text = None,
        status: FromQuery[Literal["APPLIED", "CONFLICT", "REFUSED", "FAILED"] | None] = None,
    ) -> SyncPage:
        """Return what became of each change of users, roles, permissions and settings; conflicts with both values."""
        table = SyncLog.__table__.c
        equal = {
            table.entity_type: entity_type,
            table.entity_id: entity_id,
            table.source: source,
            table.by: by,
            table.status: status,
        }
        async with reading(sessions) as session:
            rows, following = await read_page(
                session, list(table), time=table.timestamp, number=table.id, equal=equal, asked=asked
            )
        return SyncPage([_sync_item(row) for row in rows], following)

    @get("/rejects")
    async def rejects(
        self,
        *,
        sessions: NamedDependency[Sessions],
        asked: NamedDependency[Asked],
        client_id: _Text = None,
    ) -> RejectPage:
        """Return the payloads that broke the contract, each with its reason."""
        table = telemetry_rejects.c
        async with reading(sessions) as session:
            rows, following = await read_page(
                session,
                list(table),
                time=table.received_at,
                number=table.id,
                equal={table.client_id: client_id},
                asked=asked,
            )
        return RejectPage([_reject_item(row) for row in rows], following)


def _audit_item(row: Row[Any]) -> AuditItem:
    documents = (without_hashes(row.before), without_hashes(row.after), without_hashes(row.detail))
    who = (row.actor, row.action, row.entity_type, row.entity_id)
    return AuditItem(row.id, format_time(row.at), *who, *documents, row.address)


def _sync_item(row: Row[Any]) -> SyncItem:
    return SyncItem(
        id=row.id,
        at=format_time(row.timestamp),
        entity_type=row.entity_type,
        entity_id=row.entity_id,
        action=row.action,
        source=row.source,
        by=row.by,
        status=row.status,
        reason=row.error_message,
        old_value=without_hashes(row.old_value),
        new_value=without_hashes(row.new_value),
        change_id=str(row.change_id) if row.change_id else None,
    )


def _reject_item(row: Row[Any]) -> RejectItem:
    return RejectItem(
        id=row.id,
        received_at=format_time(row.received_at),
        client_id=row.client_id,
        stream=str(row.stream) if row.stream else None,
        sequence_no=row.sequence_no,
        topic=row.topic,
        reason=row.reason,
        excerpt=row.excerpt,
        superseded_at=_time(row.superseded_at),
    )


def _time(at: datetime | None) -> str | None:
    return format_time(at) if at else None

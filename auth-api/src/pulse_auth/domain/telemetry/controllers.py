"""
The calls about telemetry: latest values, history, exports. Ingestion is MQTT only.

Read next: ``history``, ``exports``, ``latest``.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from litestar import Controller, Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream

from pulse_acl.payloads import ContractError, format_time
from pulse_acl.rules import Permission
from pulse_acl.topics import DEVICE_ID_PATTERN

from ...clock import Clock
from ...db.session import Sessions, reading
from ...errors import ExportLinkRefusedError, RefusalError, UnknownDeviceError
from ..access.guards import SignedIn, requires
from ..audit.services import write_audit
from .export_format import MEDIA_TYPES
from .export_streams import ExportStreams
from .exports import LINK_LIFE, ExportRequest, claim_link, make_link
from .history import DEFAULT_POINTS, LEAST_POINTS, MOST_POINTS, read_history
from .latest import LatestValue, read_latest
from .ledger import device_is_known
from .schemas import History, LatestItem, LatestPage, LinkAnswer, LinkRequest, PointItem
from .values import moment

DEFAULT_SPAN = timedelta(hours=1)
EARLIEST = datetime.min.replace(tzinfo=UTC)
EXPORTS_PATH = "/exports"
_METRIC_KEY = re.compile(r"[A-Za-z0-9._/-]{1,100}")
_LATEST_CURSOR = r"^[A-Za-z0-9._-]{1,64}:[A-Za-z0-9._/-]{1,100}\Z"


class TelemetryController(Controller):
    """What the archive holds."""

    path = "/telemetry"
    tags = ("Telemetry",)
    guards = (requires(Permission.VIEW_DASHBOARD),)

    @get("/latest")
    async def latest(
        self,
        sessions: NamedDependency[Sessions],
        client_id: Annotated[str | None, QueryParameter(pattern=DEVICE_ID_PATTERN)] = None,
        cursor: Annotated[str | None, QueryParameter(pattern=_LATEST_CURSOR)] = None,
    ) -> LatestPage:
        """Return the newest value of each metric, of one device or of all."""
        device, _, metric = (cursor or "").partition(":")
        async with sessions() as session:
            found, more = await read_latest(session, client_id, (device, metric) if cursor else None)
        following = f"{found[-1].client_id}:{found[-1].metric}" if more else None
        return LatestPage([_latest_item(value) for value in found], following)

    @get("/{client_id:str}/{metric:path}")
    async def history(
        self,
        client_id: FromPath[str],
        metric: FromPath[str],
        *,
        sessions: NamedDependency[Sessions],
        clock: NamedDependency[Clock],
        from_: Annotated[str | None, QueryParameter(name="from")] = None,
        to: FromQuery[str | None] = None,
        max_points: Annotated[int, QueryParameter(ge=LEAST_POINTS, le=MOST_POINTS)] = DEFAULT_POINTS,
    ) -> History:
        """Return a metric's readings, by default of the last hour, thinned to *max_points* with extremes kept."""
        first, behind = _times(from_, to)
        behind = behind or clock()
        first = first or (behind - DEFAULT_SPAN if behind > EARLIEST + DEFAULT_SPAN else EARLIEST)
        _check_order(first, behind)
        key = _metric_key(metric.removeprefix("/"))
        await _check_known(sessions, client_id)
        async with reading(sessions) as session:
            points, thinned = await read_history(session, client_id, key, (first, behind), max_points)
        shown = [
            PointItem(format_time(point.at), point.value, str(point.stream), point.sequence_no) for point in points
        ]
        return History(client_id, key, format_time(first), format_time(behind), thinned, shown)

    @post("/{client_id:str}/export-links")
    async def make_export_link(
        self,
        request: Request[SignedIn, Any, Any],
        client_id: FromPath[str],
        data: JSONBody[LinkRequest],
        *,
        sessions: NamedDependency[Sessions],
        export_streams: NamedDependency[ExportStreams],
        clock: NamedDependency[Clock],
    ) -> LinkAnswer:
        """Return a one-use address, good for a minute, that streams the export; not while another of theirs runs."""
        export_streams.check_room(request.user.user_id)
        first, behind = _times(data.from_, data.to)
        if first is not None and behind is not None:
            _check_order(first, behind)
        await _check_known(sessions, client_id)
        asked, now = ExportRequest(client_id, data.format, first, behind), clock()
        async with sessions.begin() as session:
            secret = await make_link(session, asked, request.user.user_id, now, lambda: secrets.token_urlsafe(32))
            await write_audit(
                session,
                actor=request.user.principal,
                action="telemetry.export_link_made",
                entity_type="device",
                entity_id=client_id,
                detail={"format": data.format.value, "from": data.from_, "to": data.to},
            )
        return LinkAnswer(f"/api/v1{EXPORTS_PATH}/{secret}", format_time(now + LINK_LIFE))


class ExportController(Controller):
    """The addresses behind export links; the address itself is what allows the download."""

    path = EXPORTS_PATH
    tags = ("Telemetry",)

    @get("/{secret:str}", opt={"public": True})
    async def export(
        self,
        secret: FromPath[str],
        sessions: NamedDependency[Sessions],
        export_streams: NamedDependency[ExportStreams],
        clock: NamedDependency[Clock],
    ) -> Stream:
        """Use the address up and stream all readings, ordered by time, stream, number and metric."""
        async with sessions.begin() as session:
            claimed = await claim_link(session, secret, clock())
            if claimed is None:
                raise ExportLinkRefusedError("This address was used before or has run out; ask for a new one.")
            pieces = export_streams.start(claimed.asked, claimed.user_id)  # without room the address stays good
        asked = claimed.asked
        headers = {"content-disposition": f'attachment; filename="{asked.client_id}.{asked.format.value}"'}
        return Stream(pieces, media_type=MEDIA_TYPES[asked.format], headers=headers)


async def _check_known(sessions: Sessions, client_id: str) -> None:
    async with sessions() as session:
        if not await device_is_known(session, client_id):
            raise UnknownDeviceError(f"No device {client_id} was ever heard of.")


def _times(first: str | None, behind: str | None) -> tuple[datetime | None, datetime | None]:
    try:
        return moment(first, "from"), moment(behind, "to")
    except (ValueError, ContractError) as error:
        raise RefusalError(f"{error}.") from error


def _metric_key(asked: str) -> str:
    if not _METRIC_KEY.fullmatch(asked):
        raise RefusalError("A metric's key is 1 to 100 of A-Z a-z 0-9 . _ - /")
    return asked


def _check_order(first: datetime, behind: datetime) -> None:
    if first > behind:
        raise RefusalError("from is after to.")


def _latest_item(found: LatestValue) -> LatestItem:
    return LatestItem(
        found.client_id,
        found.metric,
        found.value,
        format_time(found.recorded_at),
        format_time(found.received_at),
        str(found.stream),
        found.sequence_no,
    )

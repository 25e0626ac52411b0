"""The bodies of the telemetry calls. Times are RFC 3339 in UTC with milliseconds; values keep their kind."""

from __future__ import annotations

import msgspec

from .export_format import ExportFormat
from .values import Value


class LatestItem(msgspec.Struct, frozen=True):
    """The newest reading of one metric of one device."""

    client_id: str
    metric: str
    value: Value
    recorded_at: str
    received_at: str
    stream: str
    sequence_no: int


class LatestPage(msgspec.Struct, frozen=True):
    """A page of newest values by device and metric; ``next``: the cursor of the next page."""

    items: list[LatestItem]
    next: str | None


class PointItem(msgspec.Struct, frozen=True):
    """One reading in a metric's history."""

    at: str
    value: Value
    stream: str
    sequence_no: int


class History(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """Readings of one metric, ascending by time; ``thinned``: some were left out, none of them an extreme."""

    client_id: str
    metric: str
    from_: str
    to: str
    thinned: bool
    points: list[PointItem]


class LinkRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Asks for the readings from ``from`` on, up to but without ``to``; either may be left out."""

    format: ExportFormat
    from_: str | None = None
    to: str | None = None


class LinkAnswer(msgspec.Struct, frozen=True):
    """A one-use address below this origin; it is a secret."""

    url: str
    expires_at: str

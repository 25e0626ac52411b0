"""The bodies of the calls about devices. Times are RFC 3339 in UTC with milliseconds."""

from __future__ import annotations

import msgspec

from pulse_acl.payloads import format_time

from .registry import DeviceView


class CodeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for an enrollment code; ``client_id`` binds it to one device, which then may be enrolled already."""

    client_id: str | None = None
    expires_in_s: int = 900


class CodeAnswer(msgspec.Struct, frozen=True):
    """A code, shown once."""

    code: str
    expires_at: str


class TokenRequest(msgspec.Struct, frozen=True):
    """An assertion (RFC 7523) by the device's registered key."""

    assertion: str


class DeviceItem(msgspec.Struct, frozen=True):
    """One device; ``heartbeat``: the last one that carried figures, as the device sent it."""

    client_id: str
    enrolled_at: str
    revoked_at: str | None
    status: str
    last_heartbeat_at: str | None
    heartbeat: msgspec.Raw | None


class DevicePage(msgspec.Struct, frozen=True):
    """A page of devices by id; ``next``: the cursor of the next page."""

    items: list[DeviceItem]
    next: str | None


class RevokedDevice(msgspec.Struct, frozen=True):
    """A revoked device, and the people whose password hashes it may hold."""

    client_id: str
    people: list[str]


def device_item(view: DeviceView) -> DeviceItem:
    """Return *view* as the API shows it."""
    return DeviceItem(
        client_id=view.client_id,
        enrolled_at=format_time(view.enrolled_at),
        revoked_at=format_time(view.revoked_at) if view.revoked_at else None,
        status=view.status,
        last_heartbeat_at=format_time(view.last_heartbeat_at) if view.last_heartbeat_at else None,
        heartbeat=view.heartbeat,
    )

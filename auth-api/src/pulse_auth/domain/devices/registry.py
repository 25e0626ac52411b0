"""
The devices as people see them: list, presence, and revoking.

Presence is judged here, by the age of the last heartbeat, and never taken from the table alone: a device
whose broker died with it cannot say OFFLINE. Read next: ``enrollment``, ``domain.broker_admin``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_acl.rules import Permission
from pulse_acl.topics import is_device_id

from ...clock import Clock
from ...db.models import Device
from ...errors import UnknownDeviceError
from ..access.people import holders_of
from ..accounts.operator_keys import end_operator_keys_on
from ..audit.services import write_audit
from ..broker_admin.client import BrokerBan
from ..broker_admin.enforcement import FOREVER, store_ban

DEFAULT_INTERVAL_S, LONGEST_INTERVAL_S = 5.0, 60.0
MISSED_INTERVALS = 3
MOST_ITEMS = 500
_SELECT = """
    SELECT devices.client_id, enrolled_at, revoked_at, presence.status, presence.heartbeat::text AS heartbeat,
           presence.heartbeat_at, presence.received_at
    FROM devices LEFT JOIN device_presence AS presence USING (client_id)
"""
_PAGE = text(f"{_SELECT} WHERE devices.client_id > :after ORDER BY devices.client_id LIMIT :most")
_ONE = text(f"{_SELECT} WHERE devices.client_id = :client_id")


@dataclass(frozen=True, slots=True)
class DeviceView:
    """A device and its judged ``status``; ``heartbeat``: JSON of the last one with figures, ``None`` before it."""

    client_id: str
    enrolled_at: datetime
    revoked_at: datetime | None
    status: str
    last_heartbeat_at: datetime | None
    heartbeat: msgspec.Raw | None


@dataclass(frozen=True, slots=True)
class Revoked:
    """The ban to tell the broker, and whose password hashes the device may hold: those who may sign in on desktops."""

    ban: BrokerBan
    people: list[str]


class _Interval(msgspec.Struct):
    heartbeat_interval_s: float | None = None


class DeviceRegistry:
    """Reads devices and revokes them; one for the application."""

    def __init__(self, clock: Clock) -> None:
        """Judge presence by *clock*."""
        self._clock = clock

    async def page(self, session: AsyncSession, after: str, most: int) -> tuple[list[DeviceView], str | None]:
        """Return up to *most* devices behind the id *after*, by id, and the cursor of the next page."""
        rows = (await session.execute(_PAGE, {"after": after, "most": most + 1})).all()
        shown = [self._view(row) for row in rows[:most]]
        return shown, shown[-1].client_id if len(rows) > most else None

    async def find(self, session: AsyncSession, client_id: str) -> DeviceView:
        """
        Return one device.

        Raises:
            UnknownDeviceError: It was never enrolled.
        """
        known = is_device_id(client_id)
        row = (await session.execute(_ONE, {"client_id": client_id})).one_or_none() if known else None
        if row is None:
            raise UnknownDeviceError(f"No device {client_id} is enrolled.")
        return self._view(row)

    async def revoke(self, session: AsyncSession, client_id: str, *, actor: str, address: str | None) -> Revoked:
        """
        Mark the device as revoked and ban its id until it is enrolled again; once more changes nothing.

        Everybody's operator key on it ends. The caller tells the broker of the returned ban after the commit.

        Raises:
            UnknownDeviceError: It was never enrolled.
        """
        device = await session.get(Device, client_id, with_for_update=True) if is_device_id(client_id) else None
        if device is None:
            raise UnknownDeviceError(f"No device {client_id} is enrolled.")
        ban = BrokerBan("clientid", client_id, "device revoked", actor, FOREVER)
        people = await holders_of(session, Permission.DESKTOP_LOGIN)
        if device.revoked_at is None:
            now = self._clock()
            device.revoked_at, device.revoked_by = now, actor
            await store_ban(session, ban)
            await end_operator_keys_on(session, client_id, now)
            await write_audit(
                session,
                actor=actor,
                action="device.revoked",
                entity_type="device",
                entity_id=client_id,
                before={"revoked_at": None},
                after={"revoked_at": format_time(now)},
                detail={"people_whose_hashes_it_held": people},
                address=address,
            )
        return Revoked(ban, people)

    def _view(self, row: Row[Any]) -> DeviceView:
        return DeviceView(
            client_id=row.client_id,
            enrolled_at=row.enrolled_at,
            revoked_at=row.revoked_at,
            status=judge_status(row.status, row.received_at, _interval_s(row.heartbeat), self._clock()),
            last_heartbeat_at=row.heartbeat_at or row.received_at,
            heartbeat=msgspec.Raw(row.heartbeat) if row.heartbeat and row.heartbeat != "{}" else None,
        )


def judge_status(said: str | None, received_at: datetime | None, interval_s: float, now: datetime) -> str:
    """Return the status a device is in: what it *said*, but OFFLINE after three intervals of silence."""
    if said is None or received_at is None:
        return "OFFLINE"
    silent = now - received_at > timedelta(seconds=MISSED_INTERVALS * interval_s)
    return "OFFLINE" if silent else said


def _interval_s(heartbeat: str | None) -> float:
    """Return the device's own interval, within the bounds that the setting has."""
    try:
        found = msgspec.json.decode(heartbeat or "{}", type=_Interval).heartbeat_interval_s
    except msgspec.MsgspecError:
        return DEFAULT_INTERVAL_S
    return min(found, LONGEST_INTERVAL_S) if found and found > 0 else DEFAULT_INTERVAL_S

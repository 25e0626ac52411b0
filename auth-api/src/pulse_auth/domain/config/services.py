"""
Reading and writing settings. A device's own setting goes before that of all devices.

Bounds of the keys that devices know are checked by the write path, from ``pulse_sync.settings``.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_acl.payloads import format_time
from pulse_acl.topics import is_device_id
from pulse_sync.records import Key

from ...db.models import Device, SystemConfig
from ...errors import UnknownDeviceError, UnknownRecordError
from ...http.preconditions import check_match
from ..access.changing import Caller, RecordChanges

MOST_ITEMS = 500
EVERY_DEVICE = "*"  # no device has this id


class SettingItem(Struct, frozen=True):
    """A setting; ``device`` is empty for the setting of all."""

    key: str
    device: str
    value: Any
    updated_at: str
    updated_by: str
    source: str


class Config:
    """The settings as administrators work with them; one for the application."""

    def __init__(self, changes: RecordChanges) -> None:
        self._changes = changes

    async def put(self, key: str, device: str, value: Any, seen: str | None, caller: Caller) -> SettingItem:
        """
        Set a setting of all devices, or of *device*.

        Args:
            key: A key that devices know, or any other for the users' own programs.
            device: A device's id, or empty.
            value: JSON; of a known key within its bounds.
            seen: ``If-Match`` of the request, if there is one.
            caller: Who asks.

        Raises:
            RefusalError: Unknown device, a value out of bounds (the sentence names them), or another tag than *seen*.
        """
        async with self._changes.open(caller) as change:
            await _check_device(change.session, device)
            if seen is not None:
                check_match(seen, await read_setting(change.session, key, device))
            await change.records.edit(Key.setting(key, device), {"config_value": value})
            return await read_setting(change.session, key, device)

    async def delete(self, key: str, device: str, seen: str | None, caller: Caller) -> None:
        """
        Take a setting back: the one of all devices counts again, or the default.

        Raises:
            RefusalError: There is no such setting, or another tag than *seen*.
        """
        async with self._changes.open(caller) as change:
            present = await read_setting(change.session, key, device)
            if seen is not None:
                check_match(seen, present)
            await change.records.delete(Key.setting(key, device))


async def read_setting(session: AsyncSession, key: str, device: str) -> SettingItem:
    """
    Return one setting.

    Raises:
        UnknownRecordError: It is not set.
    """
    row = await session.get(SystemConfig, (key, device))
    if row is None or row.deleted_at is not None:
        raise UnknownRecordError(f"{key} is not set{' for ' + device if device else ''}.")
    return _item(row)


async def newest_version(session: AsyncSession, device: str) -> int:
    """
    Return the version of the newest settings change that concerns *device* (empty: all devices), taken-back ones too.

    A device whose heartbeats say this ``config_version`` or a later one has applied everything. For ``EVERY_DEVICE``:
    of the newest change at all.
    """
    newest = select(func.max(SystemConfig.version))
    concerned = newest if device == EVERY_DEVICE else newest.where(SystemConfig.device.in_({"", device}))
    return await session.scalar(concerned) or 0


async def read_settings(
    session: AsyncSession, device: str, after: str | None, most: int
) -> tuple[list[SettingItem], str | None]:
    """
    Return up to *most* settings, and the next page's cursor.

    Args:
        session: Open session; nothing is written.
        device: Empty for the settings of all devices, an id for those of one, ``EVERY_DEVICE`` for what each device
            has of its own, by device.
        after: The cursor of the page before.
        most: At most this many.
    """
    if device == EVERY_DEVICE:
        return await _read_own_settings(session, after, most)
    table = SystemConfig
    live = select(table).where(table.device == device, table.deleted_at.is_(None))
    if after is not None:
        live = live.where(table.config_key > after)
    rows = (await session.scalars(live.order_by(table.config_key).limit(most + 1))).all()
    return [_item(row) for row in rows[:most]], rows[most - 1].config_key if len(rows) > most else None


async def _read_own_settings(
    session: AsyncSession, after: str | None, most: int
) -> tuple[list[SettingItem], str | None]:
    """Return what devices have of their own; the cursor is a device's id, a slash, which no id has, and the key."""
    table = SystemConfig
    live = select(table).where(table.device != "", table.deleted_at.is_(None))
    if after is not None:
        device, _, key = after.partition("/")
        live = live.where(tuple_(table.device, table.config_key) > (device, key))
    rows = (await session.scalars(live.order_by(table.device, table.config_key).limit(most + 1))).all()
    last = rows[most - 1] if len(rows) > most else None
    return [_item(row) for row in rows[:most]], f"{last.device}/{last.config_key}" if last else None


async def _check_device(session: AsyncSession, device: str) -> None:
    if device and (not is_device_id(device) or await session.get(Device, device) is None):
        raise UnknownDeviceError(f"No device {device} is enrolled.")


def _item(row: SystemConfig) -> SettingItem:
    return SettingItem(
        row.config_key, row.device, row.config_value, format_time(row.updated_at), row.updated_by, row.source
    )

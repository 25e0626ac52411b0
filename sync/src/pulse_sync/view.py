"""
What a device holds, its digest, and which events a change of the server's state is for devices.

All users (name, activity, memberships), all roles, all permissions, the settings that concern the device;
tombstones included. The password hash only of users whose roles give ``DESKTOP_LOGIN``. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

import msgspec

from .records import FIELDS, SECRET_FIELDS, Key, Kind, Record, Stamp
from .rights import Rights
from .values import check_key

View = Mapping[Key, Record]


class EventName(StrEnum):
    """The events of the sync, as they stand in messages."""

    USER_CREATE = "USER_CREATE"
    USER_UPDATE = "USER_UPDATE"
    USER_DELETE = "USER_DELETE"
    RBAC_UPDATE = "RBAC_UPDATE"
    CONFIG_UPDATE = "CONFIG_UPDATE"


def view(records: Mapping[Key, Record], device: str) -> dict[Key, Record]:
    """Return what *device* holds of the server's *records*."""
    rights = Rights(records)
    return {
        key: visible(record, may_sign_in=key.kind is Kind.USER and rights.may_sign_in(key.id))
        for key, record in records.items()
        if concerns(key, device)
    }


def audience(key: Key) -> str | None:
    """Return the one device that a record concerns, or ``None`` when it concerns all."""
    return (key.pair[1] or None) if key.kind is Kind.SETTING else None


def concerns(key: Key, device: str) -> bool:
    """Tell whether *device* holds the record."""
    return audience(key) in {None, device}


def visible(record: Record, *, may_sign_in: bool) -> Record:
    """Return *record* as devices hold it: without the server's own marks, and a hash only of who *may_sign_in*."""
    shown = {name for name in record.fields if may_sign_in or name not in SECRET_FIELDS}
    clock = {name: Stamp(one.at, one.by, one.source) for name, one in record.clock.items() if name in shown}
    return replace(record, fields={name: record.fields[name] for name in shown}, clock=clock, version=0)


def event_name(before: Record | None, after: Record) -> EventName:
    """Return the event that a change of a record is."""
    kind = after.key.kind
    if kind is Kind.SETTING:
        return EventName.CONFIG_UPDATE
    if kind not in {Kind.USER, Kind.USER_ROLE}:
        return EventName.RBAC_UPDATE
    if kind is Kind.USER and after.is_deleted and not (before is not None and before.is_deleted):
        return EventName.USER_DELETE
    return EventName.USER_CREATE if kind is Kind.USER and before is None else EventName.USER_UPDATE


def moved_users(before: Rights, after: Rights, users: Iterable[str]) -> list[str]:
    """Return those of *users* whose hash enters or leaves the devices' view, in order of their ids."""
    return sorted(user for user in set(users) if before.may_sign_in(user) != after.may_sign_in(user))


def digest(held: View) -> str:
    """Return the SHA-256 (hexadecimal) of a view; equal exactly when every field and stamp is."""
    found = hashlib.sha256()
    for key in sorted(held):
        found.update(_canonical(held[key]))
        found.update(b"\n")
    return found.hexdigest()


def to_wire(record: Record) -> dict[str, Any]:
    """Return a record of a view as it travels and as devices may store it: ``{type, id, fields, clock}``."""
    clock = {name: {"at": one.at, "by": one.by, "source": one.source} for name, one in record.clock.items()}
    return {"type": str(record.key.kind), "id": record.key.id, "fields": dict(record.fields), "clock": clock}


def from_wire(data: Mapping[str, Any]) -> Record:
    """
    Read what ``to_wire`` wrote.

    Raises:
        ValueError: It is something else.
    """
    try:
        key = Key(Kind(data["type"]), data["id"])
        check_key(key)
        clock = {name: Stamp(one["at"], one["by"], one["source"]) for name, one in data["clock"].items()}
        fields = {name: data["fields"][name] for name in FIELDS[key.kind] if name in data["fields"]}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("not a record") from error
    return Record(key, fields, {name: clock[name] for name in fields if name in clock})


def _canonical(record: Record) -> bytes:
    return msgspec.json.encode(to_wire(record), order="sorted")

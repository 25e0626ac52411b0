"""
The records that both sides hold, and their identity.

A record is ``{type, id, fields, clock}``. Deleting sets the field ``deleted_at``; the record stays as a
tombstone. Records are values: a change makes a new one. Read next: ``changes``, ``merge``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

WEB = "web"
DELETED_AT = "deleted_at"


class Kind(StrEnum):
    """The types of records."""

    USER = "user"
    ROLE = "role"
    PERMISSION = "permission"
    USER_ROLE = "user_role"
    ROLE_PERMISSION = "role_permission"
    SETTING = "setting"


FIELDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.USER: ("username", "password_hash", "is_active", DELETED_AT),
    Kind.ROLE: ("name", "description", DELETED_AT),
    Kind.PERMISSION: ("name", "description", "rules", DELETED_AT),
    Kind.USER_ROLE: ("present",),
    Kind.ROLE_PERMISSION: ("present",),
    Kind.SETTING: ("config_value", DELETED_AT),
}
MEMBERSHIPS = frozenset({Kind.USER_ROLE, Kind.ROLE_PERMISSION})
NAME_FIELDS: Mapping[Kind, str] = {Kind.USER: "username", Kind.ROLE: "name", Kind.PERMISSION: "name"}
SECRET_FIELDS = frozenset({"password_hash"})
_ENDINGS: Mapping[Kind, Mapping[str, object]] = {
    # The value that a field has while the record has not ended by it.
    Kind.USER: {DELETED_AT: None, "is_active": True},
    Kind.ROLE: {DELETED_AT: None},
    Kind.PERMISSION: {DELETED_AT: None},
    Kind.USER_ROLE: {"present": True},
    Kind.ROLE_PERMISSION: {"present": True},
    Kind.SETTING: {DELETED_AT: None},
}


class Key(NamedTuple):
    """
    What names a record.

    ``id``: a UUID; ``user/role`` or ``role/permission`` for a membership; ``key/device`` for a setting, with an empty
    device for the setting of all.
    """

    kind: Kind
    id: str

    @classmethod
    def user(cls, user_id: UUID | str) -> Key:
        """Name a user."""
        return cls(Kind.USER, str(user_id))

    @classmethod
    def role(cls, role_id: UUID | str) -> Key:
        """Name a role."""
        return cls(Kind.ROLE, str(role_id))

    @classmethod
    def permission(cls, permission_id: UUID | str) -> Key:
        """Name a permission."""
        return cls(Kind.PERMISSION, str(permission_id))

    @classmethod
    def user_role(cls, user_id: UUID | str, role_id: UUID | str) -> Key:
        """Name a user's membership in a role."""
        return cls(Kind.USER_ROLE, f"{user_id}/{role_id}")

    @classmethod
    def role_permission(cls, role_id: UUID | str, permission_id: UUID | str) -> Key:
        """Name a permission's membership in a role."""
        return cls(Kind.ROLE_PERMISSION, f"{role_id}/{permission_id}")

    @classmethod
    def setting(cls, config_key: str, device: str = "") -> Key:
        """Name a setting of one device, or of all."""
        return cls(Kind.SETTING, f"{config_key}/{device}")

    @property
    def pair(self) -> tuple[str, str]:
        """Return both halves of a membership's or a setting's id; device ids hold no slash, setting keys may."""
        first, _, second = self.id.rpartition("/")
        return first, second

    @property
    def ends(self) -> tuple[Key, Key]:
        """Return the two records that a membership joins."""
        first, second = self.pair
        if self.kind is Kind.USER_ROLE:
            return Key.user(first), Key.role(second)
        return Key.role(first), Key.permission(second)


@dataclass(frozen=True, slots=True)
class Stamp:
    """
    When (RFC 3339 text, UTC, milliseconds, on the server's time scale), by whom and where a value was written.

    ``version`` and ``change_id`` are the server's own: the version of that write, and the desktop's change, if any.
    """

    at: str
    by: str
    source: str
    version: int = 0
    change_id: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``fields`` and ``clock`` have the same keys; ``version``: of its last change on the server."""

    key: Key
    fields: Mapping[str, Any] = field(default_factory=dict)
    clock: Mapping[str, Stamp] = field(default_factory=dict)
    version: int = 0

    def get(self, name: str) -> Any:
        """Return a field's value, or ``None``."""
        return self.fields.get(name)

    @property
    def ended_by(self) -> tuple[str, ...]:
        """Return the fields by which the record has ended: deleted, deactivated, membership removed."""
        return tuple(
            name
            for name, alive in _ENDINGS[self.key.kind].items()
            if name in self.fields and self.fields[name] != alive
        )

    @property
    def is_ended(self) -> bool:
        """Tell whether it is deleted, deactivated or removed."""
        return bool(self.ended_by)

    @property
    def is_deleted(self) -> bool:
        """Tell whether it is a tombstone."""
        return self.fields.get(DELETED_AT) is not None

    def written(self, values: Mapping[str, Any], stamp: Stamp) -> Record:
        """Return the record with *values*, each stamped with *stamp*."""
        clock = {**self.clock, **dict.fromkeys(values, stamp)}
        return replace(self, fields={**self.fields, **values}, clock=clock, version=stamp.version)


def ends(kind: Kind, name: str, value: object) -> bool:
    """Tell whether writing *value* into the field *name* ends a record."""
    alive = _ENDINGS[kind]
    return name in alive and value != alive[name]


def shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return *fields* as logs may show them: password hashes as "changed"."""
    return {name: "changed" if name in SECRET_FIELDS and value else value for name, value in fields.items()}

"""
What can be done to users, roles and permissions: work for ``Operation.change``, all of it or nothing.

An edit carries what its author looked at. When that has changed meanwhile nothing is queued, since the change would
claim to have seen it. Read next: ``sync.author``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from pulse_sync.records import DELETED_AT, SECRET_FIELDS, Key, Kind, Record

from ..errors import ChangeError
from ..sync.author import Author
from ..sync.holdings import Holdings
from .directory import PermissionShown, PersonShown, RoleShown

Work = Callable[[Author, Holdings], None]


def make_person(name: str, hashed: str, roles: Collection[str]) -> Work:
    """Make an active user of a password's hash, with *roles* by their ids."""

    def work(by: Author, _shown: Holdings) -> None:
        user = by.create(Kind.USER, {"username": name, "password_hash": hashed, "is_active": True})
        for role in sorted(roles):
            by.edit(Key.user_role(user.id, role), "present", True)  # noqa: FBT003 - a value

    return work


def edit_person(seen: PersonShown, *, name: str, roles: Collection[str]) -> Work:
    """Give a user another name and other *roles*, by their ids."""

    def work(by: Author, shown: Holdings) -> None:
        now = _unchanged(shown, seen.record)
        before = {one.id for one in seen.roles}
        if _joined(shown, seen.record.key, Kind.USER_ROLE) != before:
            raise changed_meanwhile(seen.name)
        wanted = {key: role in roles for role in before ^ set(roles) for key in [Key.user_role(seen.id, role)]}
        _apply(by, now, {"username": name}, wanted)

    return work


def set_active(seen: PersonShown, *, is_active: bool) -> Work:
    """Activate or deactivate a user."""

    def work(by: Author, shown: Holdings) -> None:
        _apply(by, _unchanged(shown, seen.record), {"is_active": is_active}, {})

    return work


def make_role(name: str, description: str, permissions: Collection[str]) -> Work:
    """Make a role that gives *permissions*, by their ids."""

    def work(by: Author, _shown: Holdings) -> None:
        role = by.create(Kind.ROLE, {"name": name, "description": description})
        for one in sorted(permissions):
            by.edit(Key.role_permission(role.id, one), "present", True)  # noqa: FBT003 - a value

    return work


def edit_role(seen: RoleShown, *, name: str, description: str, permissions: Collection[str]) -> Work:
    """Give a role another name, description and *permissions*, by their ids."""

    def work(by: Author, shown: Holdings) -> None:
        now = _unchanged(shown, seen.record)
        before = {one.id for one in seen.permissions}
        if _joined(shown, seen.record.key, Kind.ROLE_PERMISSION) != before:
            raise changed_meanwhile(seen.name)
        wanted = {key: one in permissions for one in before ^ set(permissions)
                  for key in [Key.role_permission(seen.id, one)]}  # fmt: skip
        _apply(by, now, {"name": name, "description": description}, wanted)

    return work


def make_permission(name: str, description: str, rules: Sequence[tuple[str, str]]) -> Work:
    """Make a permission of topic *rules*: (action, topic filter)."""

    def work(by: Author, _shown: Holdings) -> None:
        by.create(Kind.PERMISSION, {"name": name, "description": description, "rules": _as_data(rules)})

    return work


def edit_permission(seen: PermissionShown, *, name: str, description: str, rules: Sequence[tuple[str, str]]) -> Work:
    """Give a permission another name, description and topic *rules*."""

    def work(by: Author, shown: Holdings) -> None:
        given = {"name": name, "description": description, "rules": _as_data(rules)}
        _apply(by, _unchanged(shown, seen.record), given, {})

    return work


def delete(seen: Record) -> Work:
    """Leave a tombstone."""

    def work(by: Author, shown: Holdings) -> None:
        by.delete(_unchanged(shown, seen).key)

    return work


def restore(seen: Record) -> Work:
    """Take a deletion back."""

    def work(by: Author, shown: Holdings) -> None:
        by.edit(_unchanged(shown, seen).key, DELETED_AT, None)

    return work


def changed_meanwhile(name: str) -> ChangeError:
    """Return the refusal of a change of what is not any more as its author looked at it."""
    return ChangeError(f"{name} was changed meanwhile: close this, look at it again and repeat what is still right")


def _apply(by: Author, now: Record, fields: Mapping[str, Any], memberships: Mapping[Key, bool]) -> None:
    """Queue what differs; ends come first, so that nobody has more in between than before or afterwards."""
    differing = {name: value for name, value in fields.items() if (now.get(name) or "") != (value or "")}
    if not differing and not memberships:
        raise ChangeError("nothing was changed")
    for key, is_present in sorted(memberships.items(), key=lambda one: (one[1], one[0])):
        by.edit(key, "present", is_present)
    for name, value in differing.items():
        by.edit(now.key, name, value)


def _unchanged(shown: Holdings, seen: Record) -> Record:
    now = shown.records.get(seen.key)
    if now is None or _open_fields(now) != _open_fields(seen):
        raise changed_meanwhile(str(seen.get("username") or seen.get("name")))
    return now


def _open_fields(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.fields.items() if name not in SECRET_FIELDS}


def _joined(shown: Holdings, key: Key, by: Kind) -> set[str]:
    """Return the ids of what is joined to *key* by memberships of the kind *by*, as it is shown now."""
    ends = (record.key.ends for record in shown.of(by) if record.get("present"))
    others = (other for one, other in ends if one == key)
    return {other.id for other in others if other in shown.records and not shown.records[other].is_deleted}


def _as_data(rules: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"action": action, "topic": topic} for action, topic in rules]

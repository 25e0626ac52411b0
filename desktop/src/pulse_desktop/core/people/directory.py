"""Users, roles and permissions as this device shows them, joined for people to read. Pure. Read next: ``changes``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pulse_acl.rules import Permission
from pulse_sync.names import name_key
from pulse_sync.records import NAME_FIELDS, Key, Kind, Record

from ..sync.holdings import Holdings

BUILT_IN = frozenset(str(one) for one in Permission)


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """A record by the name that people know it by."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class PersonShown:
    """
    A user.

    ``permissions``: the names of what the roles give; ``may_sign_in_here``: on desktops; ``waits``: a change of it has
    no answer yet.
    """

    record: Record
    name: str
    roles: tuple[Named, ...]
    permissions: tuple[str, ...]
    may_sign_in_here: bool
    waits: bool

    @property
    def id(self) -> str:
        """The user's id."""
        return self.record.key.id

    @property
    def is_active(self) -> bool:
        """Tell whether the account is neither deactivated nor deleted."""
        return not self.record.is_ended

    @property
    def is_deleted(self) -> bool:
        """Tell whether the account is a tombstone, which can be taken back."""
        return self.record.is_deleted


@dataclass(frozen=True, slots=True)
class RoleShown:
    """A role with what it gives and who has it; ``waits`` as for a person."""

    record: Record
    name: str
    description: str
    permissions: tuple[Named, ...]
    members: tuple[Named, ...]
    waits: bool

    @property
    def id(self) -> str:
        """The role's id."""
        return self.record.key.id


@dataclass(frozen=True, slots=True)
class PermissionShown:
    """A permission: ``rules``: (action, topic filter); ``is_built_in``: the programs themselves ask for it."""

    record: Record
    name: str
    description: str
    rules: tuple[tuple[str, str], ...]
    roles: tuple[Named, ...]
    is_built_in: bool
    waits: bool

    @property
    def id(self) -> str:
        """The permission's id."""
        return self.record.key.id


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody, deleted ones included; roles and permissions that live. Each in the order of the names."""

    people: tuple[PersonShown, ...] = ()
    roles: tuple[RoleShown, ...] = ()
    permissions: tuple[PermissionShown, ...] = ()


def directory(shown: Holdings, unanswered: Iterable[Key]) -> Directory:
    """Return what *shown* holds of people and their rights; *unanswered*: the records with changes that wait."""
    waiting = _with_ends(unanswered)
    names = {key: _named(record) for key, record in shown.records.items() if key.kind in NAME_FIELDS}
    members, holders = _turned(shown.rights.roles_of), _holders(shown)
    live = _Live(shown, names, waiting)
    return Directory(
        tuple(sorted((live.person(one) for one in shown.of(Kind.USER)), key=lambda one: name_key(one.name))),
        tuple(sorted((live.role(one, members, holders) for one in live.of(Kind.ROLE)), key=lambda o: name_key(o.name))),
        tuple(
            sorted((live.permission(one, holders) for one in live.of(Kind.PERMISSION)), key=lambda o: name_key(o.name))
        ),
    )


class _Live:
    """Joins the records of one look."""

    def __init__(self, shown: Holdings, names: Mapping[Key, Named], waiting: Collection[Key]) -> None:
        self._shown, self._names, self._waiting = shown, names, waiting

    def of(self, kind: Kind) -> list[Record]:
        return [record for record in self._shown.of(kind) if not record.is_deleted]

    def person(self, user: Record) -> PersonShown:
        rights = self._shown.rights
        roles = self._live(Key.role(one) for one in rights.roles_of.get(user.key.id, ()))
        given = tuple(sorted(rights.of_user(user.key.id).permissions))
        may = rights.may_sign_in(user.key.id)
        return PersonShown(user, self._names[user.key].name, roles, given, may, user.key in self._waiting)

    def role(
        self, role: Record, members: Mapping[str, Iterable[str]], holders: Mapping[str, Iterable[str]]
    ) -> RoleShown:
        held = (Key.permission(one) for one, roles in holders.items() if role.key.id in roles)
        people = self._live(Key.user(one) for one in members.get(role.key.id, ()))
        text = str(role.get("description") or "")
        return RoleShown(
            role, self._names[role.key].name, text, self._live(held), people, role.key in self._waiting
        )  # fmt: skip

    def permission(self, one: Record, holders: Mapping[str, Iterable[str]]) -> PermissionShown:
        rules = tuple((str(rule["action"]), str(rule["topic"])) for rule in one.get("rules") or ())
        roles = self._live(Key.role(role) for role in holders.get(one.key.id, ()))
        name, text = self._names[one.key].name, str(one.get("description") or "")
        return PermissionShown(one, name, text, rules, roles, name in BUILT_IN, one.key in self._waiting)

    def _live(self, keys: Iterable[Key]) -> tuple[Named, ...]:
        found = (key for key in keys if key in self._names and not self._shown.records[key].is_deleted)
        return tuple(sorted(self._names[key] for key in found))


def _named(record: Record) -> Named:
    return Named(str(record.get(NAME_FIELDS[record.key.kind]) or record.key.id), record.key.id)


def _with_ends(keys: Iterable[Key]) -> frozenset[Key]:
    """Return *keys* and what the memberships among them are about first: the user, the role."""
    found = set(keys)
    joined = {key.ends[0] for key in found if key.kind in {Kind.USER_ROLE, Kind.ROLE_PERMISSION}}
    return frozenset(found | joined)


def _turned(roles_of: Mapping[str, Iterable[str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for user, roles in roles_of.items():
        for one in roles:
            found[one].append(user)
    return found


def _holders(shown: Holdings) -> Mapping[str, set[str]]:
    """Return the ids of the roles that hold each permission."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in shown.of(Kind.ROLE_PERMISSION):
        if record.get("present"):
            role, permission = record.key.pair
            found[permission].add(role)
    return found

"""
Who holds what: permissions and topic rules through present memberships whose ends live.

Pure, over any collection of records that contains all roles, permissions and their memberships, and the users
that are asked about with theirs. Used by the server, and by a desktop on what it shows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pulse_acl.matching import covers
from pulse_acl.rules import Permission

from .records import Key, Kind, Record

TopicRule = tuple[str, str]  # action, topic filter
# What changing a record of each kind needs.
NEEDED: Mapping[Kind, Permission] = {
    Kind.USER: Permission.MANAGE_USERS,
    Kind.USER_ROLE: Permission.MANAGE_USERS,
    Kind.ROLE: Permission.MANAGE_ROLES,
    Kind.PERMISSION: Permission.MANAGE_ROLES,
    Kind.ROLE_PERMISSION: Permission.MANAGE_ROLES,
    Kind.SETTING: Permission.EDIT_CONFIG,
}
EVERYTHING = frozenset(str(permission) for permission in Permission)


@dataclass(frozen=True, slots=True)
class Holdings:
    """Names of permissions, and topic rules."""

    permissions: frozenset[str] = frozenset()
    rules: frozenset[TopicRule] = frozenset()

    @property
    def is_administrator(self) -> bool:
        """Tell whether every permission that the programs know is held."""
        return self.permissions >= EVERYTHING

    def covers(self, other: Holdings) -> bool:
        """Tell whether all of *other* is held; an administrator holds whatever there is."""
        if self.is_administrator:
            return True
        return self.permissions >= other.permissions and all(map(self._allows, other.rules))

    def _allows(self, wanted: TopicRule) -> bool:
        action, topic = wanted
        return any(one == action and covers(held, topic) for one, held in self.rules)

    def __sub__(self, other: Holdings) -> Holdings:
        """Return what is held beyond *other*."""
        return Holdings(self.permissions - other.permissions, self.rules - other.rules)


NOTHING = Holdings()


class Rights:
    """The rights that follow from *records*; built once for a state, and asked often."""

    def __init__(self, records: Mapping[Key, Record]) -> None:
        self._records = records

    def of_user(self, user_id: str) -> Holdings:
        """Return what a user holds; nothing when deleted or deactivated."""
        user = self._records.get(Key.user(user_id))
        if user is None or user.is_ended:
            return NOTHING
        return _joined(self.of_role(role) for role in self.roles_of.get(user_id, ()))

    def of_role(self, role_id: str) -> Holdings:
        """Return what a role gives; nothing when it is deleted."""
        return self._by_role.get(role_id, NOTHING)

    @property
    def roles(self) -> frozenset[str]:
        """Return the ids of the roles that give something."""
        return frozenset(self._by_role)

    def may_sign_in(self, user_id: str) -> bool:
        """Tell whether the user may sign in on desktops, and so whether desktops hold the password hash."""
        user = self._records.get(Key.user(user_id))
        if user is None or user.is_ended:
            return False
        return any(role in self.login_roles for role in self.roles_of.get(user_id, ()))

    @cached_property
    def login_roles(self) -> frozenset[str]:
        """The ids of the roles that give ``DESKTOP_LOGIN``."""
        found = self._by_role.items()
        return frozenset(role for role, given in found if Permission.DESKTOP_LOGIN in given.permissions)

    @cached_property
    def roles_of(self) -> Mapping[str, frozenset[str]]:
        """The ids of the roles of each user, by present memberships, whether or not the roles live."""
        return self._present(Kind.USER_ROLE)

    @cached_property
    def _by_role(self) -> Mapping[str, Holdings]:
        given: dict[str, Holdings] = {}
        for role_id, permissions in self._present(Kind.ROLE_PERMISSION).items():
            role = self._records.get(Key.role(role_id))
            if role is not None and not role.is_ended:
                given[role_id] = _joined(self._of_permission(permission) for permission in permissions)
        return given

    def _of_permission(self, permission_id: str) -> Holdings:
        permission = self._records.get(Key.permission(permission_id))
        if permission is None or permission.is_ended:
            return NOTHING
        rules = frozenset((rule["action"], rule["topic"]) for rule in permission.get("rules") or ())
        return Holdings(frozenset({permission.get("name")}), rules)

    def _present(self, kind: Kind) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for key, record in self._records.items():
            if key.kind is kind and record.get("present"):
                first, second = key.pair
                found[first].add(second)
        return {first: frozenset(seconds) for first, seconds in found.items()}


def _joined(parts: Iterable[Holdings]) -> Holdings:
    permissions: set[str] = set()
    rules: set[TopicRule] = set()
    for part in parts:
        permissions |= part.permissions
        rules |= part.rules
    return Holdings(frozenset(permissions), frozenset(rules))

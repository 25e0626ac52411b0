"""
Who may change what: the one place that decides it, for the HTTP API and for changes made on desktops.

Pure. Nobody grants what they do not hold, nobody takes over an account that may do more, and one administrator
always stays. An administrator, who holds every permission that the programs know, may also grant what nobody
holds yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pulse_sync.changes import Reason
from pulse_sync.records import DELETED_AT, MEMBERSHIPS, Key, Kind, Record
from pulse_sync.rights import NEEDED, Holdings, Rights

State = Mapping[Key, Record]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not make a change; ``message`` is a sentence for them."""

    reason: Reason
    message: str


def may_touch(author: str, key: Key, field: str, held: Holdings) -> Refusal | None:
    """
    Judge by the kind of record alone, before anything is read or merged.

    Args:
        author: The id of the person who changes.
        key: The record.
        field: The field, or ``*`` for a new record.
        held: What the author holds.
    """
    if key == Key.user(author) and field == "password_hash":
        return None
    needed = NEEDED[key.kind]
    if needed in held.permissions:
        return None
    return Refusal(Reason.NOT_ALLOWED, f"This needs the permission {needed}.")


def judge(author: str, before: Record | None, after: Record, state: State) -> Refusal | None:
    """
    Judge a change of one record.

    Args:
        author: The id of the person who changes.
        before: The record as it is.
        after: The record as the change would make it.
        state: The records before the change: all roles, permissions and their memberships; the author, the user
            that is changed and all administrators, with their memberships.
    """
    rights = Rights(state)
    held = rights.of_user(author)
    changed = [name for name in after.fields if before is None or before.get(name) != after.fields[name]]
    for name in changed:
        refusal = may_touch(author, after.key, name, held)
        if refusal is not None:
            return refusal
    if after.key.kind is Kind.SETTING:
        return None
    return _judge_rights(author, changed, after, state, rights)


def _judge_rights(author: str, changed: Iterable[str], after: Record, state: State, rights: Rights) -> Refusal | None:
    held = rights.of_user(author)
    later = {**state, after.key: after}
    then = Rights(later)
    gains = _gains(after.key, rights, then) + _gains(after.key, Rights(_revived(state)), Rights(_revived(later)))
    if not all(map(held.covers, gains)):
        return Refusal(Reason.CANNOT_GRANT, "Nobody grants what they do not hold.")
    if _takes_over(author, after.key, changed) and not held.covers(_rights_once_back(after, state)):
        return Refusal(Reason.CANNOT_GRANT, "Nobody sets the password of a person who may do more.")
    if _has_administrator(rights, state) and not _has_administrator(then, state):
        return Refusal(Reason.LAST_ADMIN, "The last administrator can be neither ended nor demoted.")
    return None


def _gains(key: Key, rights: Rights, then: Rights) -> list[Holdings]:
    """Return what roles, and the user that is changed, hold after the change and did not before."""
    gains = [then.of_role(role) - rights.of_role(role) for role in then.roles]
    if key.kind in {Kind.USER, Kind.USER_ROLE}:
        user = key.id if key.kind is Kind.USER else key.pair[0]
        gains.append(then.of_user(user) - rights.of_user(user))
    return gains


def _revived(state: State) -> State:
    """Return *state* as if nothing had ended: what is given to the ended is theirs once somebody takes them back."""
    return {key: record if key.kind in MEMBERSHIPS else _alive(record) for key, record in state.items()}


def _alive(record: Record) -> Record:
    ways_back = {DELETED_AT: None, "is_active": True} if record.key.kind is Kind.USER else {DELETED_AT: None}
    return replace(record, fields={**record.fields, **ways_back}) if record.is_ended else record


def _rights_once_back(user: Record, state: State) -> Holdings:
    return Rights({**state, user.key: _alive(user)}).of_user(user.key.id)


def _takes_over(author: str, key: Key, changed: Iterable[str]) -> bool:
    return key.kind is Kind.USER and key.id != author and "password_hash" in changed


def _has_administrator(rights: Rights, state: State) -> bool:
    users = (key.id for key in state if key.kind is Kind.USER)
    return any(rights.of_user(user).is_administrator for user in users)

"""What the people window shows: users, roles, permissions and outcomes turned into rows and details. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from pulse_acl.payloads import parse_time
from pulse_sync.records import DELETED_AT, Kind

from ...core.people.directory import Named, PermissionShown, PersonShown, RoleShown
from ...core.people.review import Outcome
from .. import words
from .rows import Row

PEOPLE_HEADINGS = ("Name", "State", "Roles")
ROLE_HEADINGS = ("Role", "People", "Gives")
PERMISSION_HEADINGS = ("Permission", "Topic rules", "In roles")
REVIEW_HEADINGS = ("Time", "Change", "Why it was not applied")
CONFLICT_HEADINGS = ("Time", "Change", "Stands")
KINDS = {
    Kind.USER: "user",
    Kind.ROLE: "role",
    Kind.PERMISSION: "permission",
    Kind.USER_ROLE: "role of a user",
    Kind.ROLE_PERMISSION: "permission of a role",
    Kind.SETTING: "setting",
}
_FIELDS = {
    "username": "name", "password_hash": "password", "is_active": "active", "rules": "topic rules", "present": "given",
    "config_value": "value", DELETED_AT: "deleted",
}  # fmt: skip
_REASONS = {"OVERTOOK": "it replaced a value that its author had not seen"}  # what the server sends no sentence for
_STATUSES = {"REFUSED": "refused", "CONFLICT": "conflict", "FAILED": "failed"}


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a detail: *lines* under a caption; ``is_code``: in letters of one width; ``tone``: a colour's role."""

    caption: str
    lines: tuple[str, ...]
    is_code: bool = False
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Detail:
    """All about what is selected; ``chips``: short marks, each with the role of its colour."""

    title: str
    chips: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    text: str = ""


def person_row(one: PersonShown) -> Row:
    """Return a user as a row."""
    name = f"{one.name}  \u00b7  waits" if one.waits else one.name
    tone = "faint" if not one.is_active else ""
    return Row(one.id, (name, _state(one), _names(one.roles) or "none"), tone)


def person_detail(one: PersonShown, own_id: str) -> Detail:
    """Return a user with roles and rights."""
    tone = "up" if one.is_active else "down" if one.is_deleted else "warn"
    chips = [(_state(one), tone)]
    chips += [("you", "accent")] if one.id == own_id else []
    chips += [("waits for the server", "warn")] if one.waits else []
    here = "May sign in on desktops, with the network down too." if one.may_sign_in_here else "No sign-in on desktops."
    sections = (
        Section("Roles", tuple(role.name for role in one.roles) or ("none: this person may do nothing",)),
        Section("Which give", one.permissions or ("nothing",)),
    )
    return Detail(one.name, tuple(chips), sections, here)


def role_row(one: RoleShown) -> Row:
    """Return a role as a row."""
    name = f"{one.name}  \u00b7  waits" if one.waits else one.name
    return Row(one.id, (name, str(len(one.members)), _names(one.permissions) or "nothing"))


def role_detail(one: RoleShown) -> Detail:
    """Return a role with what it gives and who has it."""
    chips = ((_count(len(one.members), "person", "people"), "muted"), *_waits(waits=one.waits))
    sections = (
        Section("Gives", tuple(given.name for given in one.permissions) or ("nothing so far",)),
        Section("Held by", tuple(member.name for member in one.members) or ("nobody",)),
    )
    return Detail(one.name, chips, sections, one.description)


def permission_row(one: PermissionShown) -> Row:
    """Return a permission as a row."""
    name = f"{one.name}  \u00b7  waits" if one.waits else one.name
    return Row(one.id, (name, str(len(one.rules)), _names(one.roles) or "none"))


def permission_detail(one: PermissionShown) -> Detail:
    """Return a permission with its topic rules and the roles that give it."""
    chips = (*((("built in", "accent"),) if one.is_built_in else ()), *_waits(waits=one.waits))
    rules = tuple(f"{action:<9} {topic}" for action, topic in one.rules)
    sections = (
        Section("Topic rules", rules or ("none: it opens nothing at the broker",), is_code=bool(rules)),
        Section("In roles", tuple(role.name for role in one.roles) or ("none",)),
    )
    return Detail(one.name, chips, sections, one.description)


def review_row(one: Outcome) -> Row:
    """Return a change that was not applied as a row."""
    return Row(str(one.id), (_day_time(one.at), said(one), reason(one)))


def review_detail(one: Outcome) -> Detail:
    """Return a change that was not applied, with its reason and what fell with it."""
    sections = [Section("Why", (reason(one),), tone="down"), Section("Asked for", _values(one.ours))]
    if one.status == "CONFLICT":
        sections.append(Section(f"Stands{_by(one.met_by)}", _values(one.theirs)))
    if one.with_it:
        sections.append(Section("Not applied with it", one.with_it))
    chips = ((_STATUSES.get(one.status, one.status.lower()), "down"), (KINDS[one.key.kind], "muted"))
    return Detail(said(one), chips, tuple(sections), f"By {_who(one.by)}, {_day_time(one.at)}")


def conflict_row(one: Outcome) -> Row:
    """Return a conflict as a row."""
    stands = one.ours if one.is_ours else one.theirs
    return Row(str(one.id), (_day_time(one.at), said(one), f"{_winner(one)} {', '.join(_values(stands))}"))


def conflict_detail(one: Outcome) -> Detail:
    """Return a conflict with both values, the one that stands first."""
    ours = Section(f"From this desktop, by {_who(one.by)}", _values(one.ours), tone="up" if one.is_ours else "faint")
    other = "Before, as this desktop showed it" if one.is_ours else f"Already at the server{_by(one.met_by)}"
    theirs = Section(other, _values(one.theirs), tone="faint" if one.is_ours else "up")
    both = (ours, theirs) if one.is_ours else (theirs, ours)
    chips = ((f"{_winner(one)} value stands", "up"), (KINDS[one.key.kind], "muted"))
    return Detail(said(one), chips, both, f"{reason(one)} {_day_time(one.at)}")


def said(one: Outcome) -> str:
    """Say in a few words what was to be done."""
    if one.action in {"create", "delete", "restore"}:
        return f"{one.action} {one.name}"
    if set(one.ours) == {"present"}:
        return f"{'give' if one.ours['present'] else 'take away'} {one.name}"
    return f"{', '.join(_FIELDS.get(name, name) for name in one.ours)} of {one.name}"


def reason(one: Outcome) -> str:
    """Say why a change was not applied, or what it met."""
    return words.sentence(one.sentence or _REASONS.get(one.reason, one.reason) or "the server gave no reason")


def value_text(name: str, value: Any) -> str:
    """Write the value of a field for people."""
    if value is None:
        return "no" if name == DELETED_AT else "none"
    if name == DELETED_AT:
        return "yes"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _values(fields: Mapping[str, Any]) -> tuple[str, ...]:
    told = (f"{_FIELDS.get(name, name)}: {value_text(name, value)}" for name, value in fields.items())
    return tuple(told) or ("nothing",)


def _winner(one: Outcome) -> str:
    return "this desktop's" if one.is_ours else "the server's"


def _state(one: PersonShown) -> str:
    return "deleted" if one.is_deleted else "active" if one.is_active else "inactive"


def _waits(*, waits: bool) -> tuple[tuple[str, str], ...]:
    return (("waits for the server", "warn"),) if waits else ()


def _names(of: Iterable[Named]) -> str:
    return ", ".join(one.name for one in of)


def _count(count: int, one: str, many: str) -> str:
    return f"{words.grouped(count)} {one if count == 1 else many}"


def _who(by: str) -> str:
    return by.removeprefix("user:") or "somebody"


def _by(writer: str) -> str:
    return f", by {_who(writer)}" if writer else ""


def _day_time(text: str) -> str:
    """Write a time with its day, so that texts are in the order of the times."""
    return f"{parse_time(text).astimezone():%Y-%m-%d %H:%M:%S}"

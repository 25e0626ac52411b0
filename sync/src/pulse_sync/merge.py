"""
The rules by which the server merges changes. Only the server merges; a desktop shows its queue on its own.

Pure: the record as it is, the change and a few facts go in, an outcome comes out. Whether the author may is
judged elsewhere. Read next: ``records``, ``changes``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pulse_acl.payloads import format_time, parse_time

from .changes import CREATE, Change, Reason, Status
from .records import (
    DELETED_AT,
    FIELDS,
    MEMBERSHIPS,
    NAME_FIELDS,
    WEB,
    Kind,
    Record,
    Stamp,
    ends,
    shown,
)
from .settings import is_storable
from .values import InvalidValueError, check_key, check_value, complete

MOST_AHEAD = timedelta(minutes=5)
_STEP = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the rules need to know beside the record; ``version`` is the server's present one.

    ``is_name_taken``: another live record has the name that the record would have after the change.
    ``ends_exist``: of a membership, both records that it joins are there, tombstones included.
    ``creation_refused``: the record, or one that it joins, was to be made by a change that was refused.
    """

    history: str
    version: int
    now: datetime
    is_name_taken: bool = False
    ends_exist: bool = True
    creation_refused: bool = False


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of ``sync_log``; values are ``{field: value}`` with password hashes as "changed"."""

    status: Status
    action: str
    old_value: Mapping[str, Any] | None
    new_value: Mapping[str, Any] | None
    reason: Reason | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What becomes of a change. ``record``: the new state where something was written, stamped with the next version.

    ``log`` has at least one row; an applied change that replaced a value its author had not seen has two.
    """

    status: Status
    log: tuple[LogRow, ...]
    reason: Reason | None = None
    message: str = ""
    record: Record | None = field(default=None)


def merge(present: Record | None, change: Change, facts: Facts) -> Outcome:
    """
    Decide one change by the rules.

    Args:
        present: The record, a tombstone included, or ``None`` when there never was one.
        change: Any change of the right types; its contents are not trusted.
        facts: See there.
    """
    try:
        at = parse_time(change.at)
        check_key(change.key)
        values = _values(present, change)
    except (InvalidValueError, ValueError) as error:
        return refused(change, getattr(error, "reason", Reason.INVALID_VALUE), str(error), present)
    if change.source != WEB and at > facts.now + MOST_AHEAD:
        return refused(change, Reason.CLOCK_SKEW, "It is stamped more than 5 minutes ahead of the server.", present)
    if present is None:
        return _make(change, values, facts)
    if change.field == CREATE:
        return refused(change, Reason.EXISTS, "There is such a record already.", present)
    return _change(present, change, values, facts)


def refused(change: Change, reason: Reason, message: str, present: Record | None = None) -> Outcome:
    """Return the outcome of a change that is not carried out."""
    row = LogRow(Status.REFUSED, action_of(change), _old(present, change), _new(change), reason, message)
    return Outcome(Status.REFUSED, (row,), reason, message)


def action_of(change: Change) -> str:
    """Return ``create``, ``delete``, ``restore`` or ``update``, for the log."""
    if change.field == CREATE:
        return "create"
    if change.field == DELETED_AT:
        return "restore" if change.value is None else "delete"
    return "update"


def _values(present: Record | None, change: Change) -> dict[str, Any]:
    """Return the fields that the change writes; a value for a deleted setting takes it back as well."""
    if change.field == CREATE:
        return complete(change.key, change.value)
    check_value(change.key, change.field, change.value)
    if change.field == DELETED_AT and change.value is not None:
        return {DELETED_AT: format_time(parse_time(change.at))}
    values = {change.field: change.value}
    if change.field == "config_value" and (present is None or present.is_deleted):
        values[DELETED_AT] = None
    return values


def _make(change: Change, values: dict[str, Any], facts: Facts) -> Outcome:
    makes_itself = change.type in MEMBERSHIPS or (change.type is Kind.SETTING and change.field == "config_value")
    if change.field != CREATE and not (makes_itself and facts.ends_exist):
        if facts.creation_refused:
            return refused(change, Reason.RECORD_REFUSED, "The record that it belongs to was refused.")
        return refused(change, Reason.UNKNOWN_RECORD, "There is no such record.")
    if facts.is_name_taken:
        return refused(change, Reason.NAME_TAKEN, "Another has that name.")
    stamp = _stamp(change, parse_time(change.at), facts)
    return _applied(None, change, Record(change.key).written(values, stamp), facts)


def _change(present: Record, change: Change, values: dict[str, Any], facts: Facts) -> Outcome:
    ending = ends(change.type, change.field, change.value)
    if ending and change.field in present.ended_by:
        row = LogRow(Status.APPLIED, action_of(change), _old(present, change), _new(change), None, "had ended already")
        return Outcome(Status.APPLIED, (row,))
    if present.is_ended and not ending and not _has_seen_end(present, change, facts):
        return _conflict(present, change, Reason.END_NOT_SEEN, "It had ended, which the author had not seen.")
    if not ending and not _is_later(present, change, values):
        return _conflict(present, change, Reason.LATER_VALUE, "A later value stands.")
    if facts.is_name_taken and _claims_name(change):
        return refused(change, Reason.NAME_TAKEN, "Another has that name.", present)
    at = max([parse_time(change.at), *(parse_time(one.at) + _STEP for one in _replaced(present, values))])
    return _applied(present, change, present.written(values, _stamp(change, at, facts)), facts)


def _claims_name(change: Change) -> bool:
    """Tell whether the change gives the record a name, or a tombstone its name back."""
    if change.field == DELETED_AT:
        return change.value is None
    return change.field == NAME_FIELDS.get(change.type)


def _has_seen_end(present: Record, change: Change, facts: Facts) -> bool:
    """Tell whether the author had seen, or the same desktop had made, every end that the record has now."""
    seen = _seen_version(change, facts)
    ended = [present.clock[name] for name in present.ended_by]
    return all(stamp.version <= seen or (stamp.source == change.source != WEB) for stamp in ended)


def _seen_version(change: Change, facts: Facts) -> int:
    is_ours = change.history == facts.history and change.base <= facts.version
    return change.base if is_ours else -1


def _is_later(present: Record, change: Change, values: dict[str, Any]) -> bool:
    return all(_beats(change, stamp) for stamp in _replaced(present, values))


def _beats(change: Change, stamp: Stamp) -> bool:
    ours, theirs = parse_time(change.at), parse_time(stamp.at)
    if ours != theirs:
        return ours > theirs
    if WEB in {change.source, stamp.source}:
        return change.source == WEB
    return change.change_id.lower() > (stamp.change_id or "").lower()


def _replaced(present: Record, values: dict[str, Any]) -> list[Stamp]:
    return [present.clock[name] for name in values if name in present.clock]


def _stamp(change: Change, at: datetime, facts: Facts) -> Stamp:
    change_id = None if change.source == WEB else change.change_id
    return Stamp(format_time(at), change.by, change.source, facts.version + 1, change_id)


def _applied(present: Record | None, change: Change, record: Record, facts: Facts) -> Outcome:
    rows = [LogRow(Status.APPLIED, action_of(change), _old(present, change), _new(change))]
    reason = None
    if present is not None and _overtakes(present, change, facts):
        reason = Reason.OVERTOOK
        message = "It replaced a value that its author had not seen."
        rows.append(LogRow(Status.CONFLICT, action_of(change), _old(present, change), _new(change), reason, message))
    return Outcome(Status.APPLIED, tuple(rows), reason, record=record)


def _overtakes(present: Record, change: Change, facts: Facts) -> bool:
    stamp = present.clock.get(change.field)
    if stamp is None or stamp.source == change.source or present.get(change.field) == change.value:
        return False
    return stamp.version > _seen_version(change, facts)


def _conflict(present: Record, change: Change, reason: Reason, message: str) -> Outcome:
    row = LogRow(Status.CONFLICT, action_of(change), _old(present, change), _new(change), reason, message)
    return Outcome(Status.CONFLICT, (row,), reason, message)


def _old(present: Record | None, change: Change) -> dict[str, Any] | None:
    if present is None or change.field == CREATE:
        return None
    return shown({change.field: present.get(change.field)})


def _new(change: Change) -> dict[str, Any]:
    """Return what the change would write, as far as a log may show it: nothing that is no field of ours, or huge."""
    given = change.value if change.field == CREATE else {change.field: change.value}
    known = {name: given[name] for name in FIELDS[change.type] if name in given} if isinstance(given, dict) else {}
    return {name: value if is_storable(value) else "…" for name, value in shown(known).items()}

"""
What became of changes made on this device, in words: those that were not applied, and the conflicts with both values.

A change that was not applied has fallen back by itself; it can be made again on what is shown now, or taken off the
list. Read next: ``sync.change_queue``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from pulse_sync.changes import Reason
from pulse_sync.records import DELETED_AT, MEMBERSHIPS, NAME_FIELDS, SECRET_FIELDS, Key, Kind, Record

from ..errors import ChangeError
from ..sync.author import Author
from ..sync.change_queue import Reviewed
from ..sync.holdings import Holdings

_decode = msgspec.json.decode


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What became of one change.

    ``sentence``: the server's reason; ``ours``, ``theirs``: fields with their values as logs may show them, in a
    conflict the value that was met; ``is_ours``: ours stands; ``met_by``: who wrote the value that stands against
    ours, empty when that is not known here; ``with_it``: what hung on it and fell with it.
    """

    id: int
    at: str
    status: str
    reason: str
    sentence: str
    action: str
    key: Key
    name: str
    by: str
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]
    is_ours: bool
    met_by: str = ""
    with_it: tuple[str, ...] = ()

    @property
    def can_be_repeated(self) -> bool:
        """Tell whether the log holds all that the change was made of: no password, and not a new record's fields."""
        return self.action != "create" and len(self.ours) == 1 and not SECRET_FIELDS & self.ours.keys()


def outcome(shown: Holdings, row: Mapping[str, Any], with_it: tuple[Mapping[str, Any], ...] = ()) -> Outcome:
    """Return a row of ``sync_log`` in words; *with_it*: the rows that hang on it."""
    key = Key(Kind(row["entity_type"]), row["entity_id"])
    ours, theirs = _fields(row["new_value"]), _fields(row["old_value"])
    made = ours if row["action"] == "create" else {}
    return Outcome(
        id=row["id"],
        at=row["timestamp"],
        status=row["status"],
        reason=row["reason"] or "",
        sentence=row["error_message"] or "",
        action=row["action"],
        key=key,
        name=name_of(shown, key, made),
        by=row["by"],
        ours=ours,
        theirs=theirs,
        is_ours=row["reason"] == Reason.OVERTOOK,
        met_by=_writer(shown.records.get(key), theirs),
        with_it=tuple(_hanging(shown, one, key, made) for one in with_it),
    )


def repeat(by: Author, entry: Outcome) -> None:
    """
    Make a change again, on what is shown now.

    Raises:
        ChangeError: It cannot be, or would be refused again for certain.
    """
    if not entry.can_be_repeated:
        raise ChangeError("this cannot be repeated from here, since the log holds no passwords: make it anew")
    ((field, value),) = entry.ours.items()
    if field == DELETED_AT and value is not None:
        by.delete(entry.key)
    else:
        by.edit(entry.key, field, value)


def found(entries: list[Reviewed], entry: int) -> Reviewed:
    """
    Return the entry of that id.

    Raises:
        ChangeError: There is none any more.
    """
    one = next((one for one in entries if one.row["id"] == entry), None)
    if one is None:
        raise ChangeError(f"there is no entry {entry} to review")
    return one


def name_of(shown: Holdings, key: Key, made: Mapping[str, Any] | None = None) -> str:
    """Return what people call a record: its name, those that a membership joins, or a setting's key and device."""
    if key.kind in MEMBERSHIPS:
        return " / ".join(name_of(shown, end) for end in key.ends)
    if key.kind is Kind.SETTING:
        return f"{key.pair[0]} ({key.pair[1] or 'all'})"
    record, field = shown.records.get(key), NAME_FIELDS[key.kind]
    name = record.get(field) if record is not None else (made or {}).get(field)
    return str(name or key.id)


def _hanging(shown: Holdings, row: Mapping[str, Any], head: Key, made: Mapping[str, Any]) -> str:
    """Name what hung on the creation of *head*, which is among no records any more."""
    key = Key(Kind(row["entity_type"]), row["entity_id"])
    if key.kind not in MEMBERSHIPS:
        return name_of(shown, key, made if key == head else None)
    return " / ".join(name_of(shown, end, made if end == head else None) for end in key.ends)


def _writer(record: Record | None, theirs: Mapping[str, Any]) -> str:
    """Say who wrote the values *theirs*, when they are those that stand."""
    for name, value in theirs.items():
        stamp = record.clock.get(name) if record is not None else None
        if stamp is not None and record is not None and record.get(name) == value:
            return stamp.by
    return ""


def _fields(text: str | None) -> dict[str, Any]:
    value = _decode(text) if text else {}
    return value if isinstance(value, dict) else {}

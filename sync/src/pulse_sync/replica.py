"""
What a desktop does with the server's messages, and what it shows: pure decisions, the storing is the caller's.

A desktop holds the server's state as last received, and its own queue of unanswered changes; what it shows and
enforces is the first with the second on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pulse_acl.payloads import format_time, parse_time

from .changes import CREATE, Change
from .messages import Event, Page, Snapshot
from .records import DELETED_AT, Key, Record, Stamp
from .values import with_defaults


class Verdict(StrEnum):
    """What to do with a message."""

    APPLY = "apply"
    IGNORE = "ignore"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a desktop is: ``history`` is ``None`` before the first snapshot; ``nonce``: of its open request."""

    history: str | None
    version: int
    nonce: str | None = None


def judge(position: Position, message: Event | Page | Snapshot) -> Verdict:
    """
    Decide on a validly signed message.

    A snapshot is judged as a whole: apply it once all of its parts are there. A message of another history makes
    the desktop ask; only the snapshot that answers its nonce takes it there.
    """
    answers = isinstance(message, Page | Snapshot) and message.nonce is not None and message.nonce == position.nonce
    if isinstance(message, Snapshot) and answers:
        return Verdict.APPLY
    if message.history != position.history:
        return Verdict.ASK
    if message.version <= position.version:
        return Verdict.IGNORE
    if isinstance(message, Snapshot) or message.previous <= position.version:
        return Verdict.APPLY
    return Verdict.ASK


def shown(held: Mapping[Key, Record], queue: Iterable[Change]) -> dict[Key, Record]:
    """Return what a desktop shows: the server's state *held*, and its unanswered changes in order on top."""
    found = dict(held)
    for change in queue:
        record = found.get(change.key) or Record(change.key)
        stamp = Stamp(change.at, change.by, change.source)
        if change.field == CREATE:
            values = with_defaults(change.key, change.value)
        elif change.field == DELETED_AT and change.value is not None:
            values = {DELETED_AT: change.at}
        else:
            values = {change.field: change.value}
            if change.field == "config_value":
                values[DELETED_AT] = None
        found[change.key] = record.written(values, stamp)
    return found


def stamp_of_change(record: Record | None, field: str, corrected_now: datetime) -> str:
    """
    Return the ``at`` of a new change: the corrected time, but later than every value that it replaces.

    Args:
        record: As shown (``shown``), or ``None`` where there is none yet.
        field: The field that is changed, or ``CREATE``.
        corrected_now: The desktop's time on the server's scale, never running backwards.
    """
    names = (field, DELETED_AT) if field == "config_value" else (field,)
    replaced = [record.clock[name].at for name in names if name in record.clock] if record is not None else []
    return format_time(max([corrected_now, *(parse_time(at) + timedelta(milliseconds=1) for at in replaced)]))

"""
The changes made on this device that the server has not answered, and what became of those that it has.

Written by whoever makes a change and read by the engine, through the same file. A change leaves the queue with its
answer, whatever that is; one that was not applied stays on the review list. Source: the identity document, "From a
desktop to the server". Read next: ``engine``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from pulse_sync.changes import CREATE, Change, Reason, Status
from pulse_sync.merge import action_of
from pulse_sync.messages import Answer
from pulse_sync.records import Record, shown

from .schema import writing

_decode = msgspec.json.Decoder(Change).decode


@dataclass(frozen=True, slots=True)
class Queued:
    """A change with its author's signature; ``applied_as``: the server's version of it, once it is answered."""

    change: Change
    signed: str
    applied_as: int | None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A change that was not applied: a row of ``sync_log`` with the rows that hang on it."""

    row: Mapping[str, Any]
    with_it: tuple[Mapping[str, Any], ...] = ()


class ChangeQueue:
    """The queue and the log of one device, by the connection *db*."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def append(self, change: Change, signed: str, present: Record | None) -> None:
        """Add a *change* that its author *signed*; *present* is the record as shown before it."""
        old = None
        if present is not None and change.field != CREATE:
            old = _text(shown({change.field: present.get(change.field)}))
        with writing(self._db):
            self._db.execute(
                "INSERT INTO change_queue (change_id, change, signed, old_value) VALUES (?, ?, ?, ?)",
                (change.change_id, _text(change), signed, old),
            )

    def all(self) -> list[Queued]:
        """Return what is shown on top of the server's state, in order; answered ones are not sent again."""
        rows = self._db.execute("SELECT change, signed, applied_as FROM change_queue ORDER BY position").fetchall()
        return [Queued(_decode(row["change"]), row["signed"], row["applied_as"]) for row in rows]

    def answered(self, answer: Answer, version: int) -> Queued | None:
        """
        Take the server's *answer* to a change; this device is at *version*.

        Returns:
            The change, or ``None`` when it was answered before.
        """
        with writing(self._db):
            row = self._db.execute(
                "SELECT * FROM change_queue WHERE change_id = ? AND applied_as IS NULL", (answer.change_id,)
            ).fetchone()
            if row is None:
                return None
            change = _decode(row["change"])
            self._log(change, row["old_value"], answer)
            is_shown = answer.status is Status.APPLIED and (answer.version or 0) > version
            if is_shown:
                self._db.execute(
                    "UPDATE change_queue SET applied_as = ? WHERE change_id = ?", (answer.version, answer.change_id)
                )
            else:
                self._let_go("change_id = ?", answer.change_id)
        return Queued(change, row["signed"], answer.version if is_shown else None)

    def arrived(self, version: int | None) -> None:
        """Let go of answered changes that are in the server's state at *version*; ``None``: of all of them."""
        with writing(self._db):
            self._let_go("applied_as <= ?", 2**62 if version is None else version)

    def reviews(self) -> list[Reviewed]:
        """Return what was not applied and nobody has reviewed; what hangs on a refused record is one entry with it."""
        rows = [
            dict(row)
            for row in self._db.execute(
                "SELECT * FROM sync_log WHERE status IN ('CONFLICT', 'REFUSED', 'FAILED') AND reviewed_at IS NULL"
                " AND reason IS NOT ? ORDER BY id",
                (Reason.OVERTOOK,),
            )
        ]
        creations = [row for row in rows if row["action"] == "create"]
        hanging = {row["id"] for row in rows if any(_hangs_on(row, head) for head in creations)}
        heads = [row for row in rows if row["id"] not in hanging]
        return [Reviewed(head, tuple(row for row in rows if _hangs_on(row, head))) for head in heads]

    def reviewed(self, log_id: int, at: str) -> bool:
        """Take the entry *log_id*, and what hangs on it, off the review list; False: there is none."""
        with writing(self._db):
            entry = next((one for one in self.reviews() if one.row["id"] == log_id), None)
            if entry is None:
                return False
            ids = [(at, row["id"]) for row in (entry.row, *entry.with_it)]
            self._db.executemany("UPDATE sync_log SET reviewed_at = ? WHERE id = ?", ids)
        return True

    def log(self, limit: int) -> list[Mapping[str, Any]]:
        """Return the newest *limit* rows of ``sync_log``, newest first."""
        return [dict(row) for row in self._db.execute("SELECT * FROM sync_log ORDER BY id DESC LIMIT ?", (limit,))]

    def conflicts(self, limit: int) -> list[Mapping[str, Any]]:
        """Return the newest *limit* rows of ``sync_log`` that name two values, newest first."""
        rows = self._db.execute("SELECT * FROM sync_log WHERE status = 'CONFLICT' ORDER BY id DESC LIMIT ?", (limit,))
        return [dict(row) for row in rows]

    def mark(self) -> tuple[Any, ...]:
        """Return what differs as soon as the queue or the log does; cheap."""
        row = self._db.execute(
            "SELECT (SELECT max(position) FROM change_queue), (SELECT count(*) FROM change_queue),"
            " (SELECT count(applied_as) FROM change_queue), (SELECT max(id) FROM sync_log),"
            " (SELECT count(reviewed_at) FROM sync_log)"
        ).fetchone()
        return tuple(row)

    def _let_go(self, which: str, value: object) -> None:
        """Delete what the condition *which* names; copies of password hashes in it wait to be erased."""
        secret = f"SELECT 1 FROM change_queue WHERE {which} AND instr(change, 'password_hash')"  # noqa: S608
        self._db.execute(f"UPDATE sync_state SET erasing = 1 WHERE EXISTS ({secret})", (value,))  # noqa: S608
        self._db.execute(f"DELETE FROM change_queue WHERE {which}", (value,))  # noqa: S608

    def _log(self, change: Change, old: str | None, answer: Answer) -> None:
        self._write(change, old, answer, answer.status)
        if answer.status is Status.APPLIED and answer.reason == Reason.OVERTOOK:
            self._write(change, old, answer, Status.CONFLICT)

    def _write(self, change: Change, old: str | None, answer: Answer, status: Status) -> None:
        stands = answer.kept if answer.status is Status.CONFLICT else None
        new = change.value if change.field == CREATE else {change.field: change.value}
        self._db.execute(
            "INSERT INTO sync_log (entity_type, entity_id, action, source, status, timestamp, error_message, reason,"
            " old_value, new_value, change_id, by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                change.type,
                change.id,
                action_of(change),
                change.source,
                status,
                answer.at,
                answer.message,
                answer.reason,
                old if stands is None else _text(stands),
                _text(shown(new)),
                change.change_id,
                change.by,
            ),
        )


def _hangs_on(row: Mapping[str, Any], head: Mapping[str, Any]) -> bool:
    """Tell whether *row* is about the record that *head* was to make, or joins it."""
    is_made = head["action"] == "create" and row["id"] != head["id"]
    return is_made and head["entity_id"] in row["entity_id"].split("/")


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()

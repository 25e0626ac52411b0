"""
Who is signed in on this device: one person at a time, kept in the file until signed out or ended.

It opens nothing by itself: changes need the password again, for the person's signing key. Read next: ``sign_in``,
``consequences`` (what ends it).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from pulse_acl.payloads import format_time

from ..errors import SignInError
from ..sync.schema import writing


@dataclass(frozen=True, slots=True)
class SignedIn:
    """
    A sign-in.

    ``at``: on the server's scale where it is known; ``hash_at``: the stamp of the password hash that the password was
    compared with, ``None`` when the server's answer ran ahead of what this device holds.
    """

    user_id: str
    username: str
    at: str
    is_from_cache: bool
    hash_at: str | None
    ended_at: str | None = None
    ended_why: str | None = None


def begin(db: sqlite3.Connection, one: SignedIn) -> None:
    """Make *one* the sign-in of this device."""
    with writing(db):
        db.execute(
            "INSERT OR REPLACE INTO sign_in VALUES (1, ?, ?, ?, ?, ?, NULL, NULL)",
            (one.user_id, one.username, one.at, one.is_from_cache, one.hash_at),
        )


def latest(db: sqlite3.Connection) -> SignedIn | None:
    """Return the last sign-in, ended or not."""
    row = db.execute("SELECT * FROM sign_in").fetchone()
    if row is None:
        return None
    return SignedIn(
        row["user_id"], row["username"], row["at"], bool(row["is_from_cache"]), row["hash_at"], row["ended_at"],
        row["ended_why"],
    )  # fmt: skip


def current(db: sqlite3.Connection) -> SignedIn:
    """
    Return who is signed in.

    Raises:
        SignInError: Nobody; the sentence says why the last sign-in ended.
    """
    found = latest(db)
    if found is None or (found.ended_at is not None and not found.ended_why):
        raise SignInError("nobody is signed in here; use `pulse-desktop login`")
    if found.ended_at is not None:
        raise SignInError(f"the sign-in of {found.username} has ended: {found.ended_why}")
    return found


def end(db: sqlite3.Connection, now: datetime, why: str = "") -> None:
    """End the sign-in; without *why* it is a sign-out."""
    with writing(db):
        db.execute(
            "UPDATE sign_in SET ended_at = ?, ended_why = ? WHERE ended_at IS NULL", (format_time(now), why or None)
        )


def note_hash(db: sqlite3.Connection, hash_at: str) -> None:
    """Tie the sign-in to the password hash that has arrived since."""
    with writing(db):
        db.execute("UPDATE sign_in SET hash_at = ? WHERE ended_at IS NULL", (hash_at,))

"""
Failed sign-ins lock the account that was tried, on this device only, and touch nothing else.

An attempt is counted before it is judged, so that several at once get no further than several in a row; success takes
the count back. Names are kept as hashes, known or not. Source: the identity document, "Signing in on the desktop".

A lock ends by the server's time as it is known here, which stands still after the clock was ahead for a moment; so it
also ends when its length has passed on the machine's own clock, which nobody can set and no new start of the program
begins anew. Where the machine was started since, that counts from the next attempt on: never more than has passed.
"""

from __future__ import annotations

import hashlib
import math
import sqlite3
from datetime import datetime, timedelta

from pulse_acl.payloads import format_time, parse_time
from pulse_sync.names import name_key

from ..errors import SignInError
from ..sync.schema import writing

FREE = 3
FIRST_S, MOST_S = 60, 3_600
FORGET = timedelta(days=1)


class LockedError(SignInError):
    """Too many failed attempts; ``wait_s`` whole seconds until the next one is judged."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many failed attempts; try again in {wait_s} s")
        self.wait_s = wait_s


def lock_s(failures: int) -> int:
    """Return how long an account is locked after that many failures in a row, in seconds. Pure."""
    past = failures - FREE
    return 0 if past <= 0 else int(min(MOST_S, FIRST_S * 2 ** min(past - 1, 20)))


class Lockout:
    """The failed attempts on one device."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def begin(self, username: str, now: datetime, passed_s: float) -> None:
        """
        Count an attempt at *username*, *now* on the server's scale, *passed_s* on the monotonic clock.

        Raises:
            LockedError: It may not be judged yet.
        """
        with writing(self._db):
            wait_s = self._begun(_subject(username), now, passed_s)
        if wait_s > 0:
            raise LockedError(math.ceil(wait_s))

    def _begun(self, subject: str, now: datetime, passed_s: float) -> float:
        """Count an attempt when it may be judged, else return how many seconds are left."""
        self._db.execute("DELETE FROM sign_in_failures WHERE locked_until < ?", (format_time(now - FORGET),))
        found = self._db.execute("SELECT * FROM sign_in_failures WHERE subject = ?", (subject,)).fetchone()
        failures = found["failures"] if found else 0
        if found:
            since_s = found["locked_at_s"]
            if since_s is None or since_s > passed_s:
                since_s = passed_s
                change = "UPDATE sign_in_failures SET locked_at_s = ? WHERE subject = ?"
                self._db.execute(change, (since_s, subject))
            by_server = (parse_time(found["locked_until"]) - now).total_seconds()
            wait_s: float = min(by_server, lock_s(failures) - (passed_s - since_s))
            if wait_s > 0:
                return wait_s
        until = format_time(now + timedelta(seconds=lock_s(failures + 1)))
        row = (subject, failures + 1, until, passed_s)
        self._db.execute("INSERT OR REPLACE INTO sign_in_failures VALUES (?, ?, ?, ?)", row)
        return 0.0

    def succeeded(self, username: str) -> None:
        """Take the count back."""
        with writing(self._db):
            self._db.execute("DELETE FROM sign_in_failures WHERE subject = ?", (_subject(username),))


def _subject(username: str) -> str:
    # People type passwords into the wrong field, and the file is not to show them.
    return hashlib.sha256(name_key(username).encode("utf-8", "surrogatepass")).hexdigest()

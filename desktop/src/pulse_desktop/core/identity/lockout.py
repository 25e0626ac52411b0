"""
Failed sign-ins lock the account that was tried, on this device only, and touch nothing else.

An attempt is counted before it is judged, so that several at once get no further than several in a row; success takes
the count back. Names are kept as hashes, known or not. Source: the identity document, "Signing in on the desktop".
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

    def begin(self, username: str, now: datetime) -> None:
        """
        Count an attempt at *username*, *now* on the server's scale.

        Raises:
            LockedError: It may not be judged yet.
        """
        with writing(self._db):
            self._db.execute("DELETE FROM sign_in_failures WHERE locked_until < ?", (format_time(now - FORGET),))
            found = self._db.execute(
                "SELECT * FROM sign_in_failures WHERE subject = ?", (_subject(username),)
            ).fetchone()
            failures = (found["failures"] if found else 0) + 1
            until = parse_time(found["locked_until"]) if found else now
            if until > now:
                raise LockedError(math.ceil((until - now).total_seconds()))
            self._db.execute(
                "INSERT OR REPLACE INTO sign_in_failures VALUES (?, ?, ?)",
                (_subject(username), failures, format_time(now + timedelta(seconds=lock_s(failures)))),
            )

    def succeeded(self, username: str) -> None:
        """Take the count back."""
        with writing(self._db):
            self._db.execute("DELETE FROM sign_in_failures WHERE subject = ?", (_subject(username),))


def _subject(username: str) -> str:
    # People type passwords into the wrong field, and the file is not to show them.
    return hashlib.sha256(name_key(username).encode("utf-8", "surrogatepass")).hexdigest()

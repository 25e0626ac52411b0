"""
The time on the server's scale, as far as this device knows it; between two contacts it never runs backwards.

A contact is an answer of the auth API to this device. The highest time seen is kept in the file, so that neither a
restart nor a clock set back makes time run again. Read next: ``store``.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from pulse_acl.payloads import format_time, parse_time

from ..clock import Clock
from ..errors import DesktopError
from .schema import writing


class NeverMetError(DesktopError):
    """The device has never had contact with its server, so it does not know the time of its records."""


class CorrectedTime:
    """The corrected time of one device, by the connection *db* to its file."""

    def __init__(self, db: sqlite3.Connection, clock: Clock) -> None:
        self._db, self._clock = db, clock

    def contact(self, offset_ms: int) -> datetime:
        """Note a contact now with a server that is *offset_ms* ahead of this machine's clock; return its time."""
        now = self._clock.now() + timedelta(milliseconds=offset_ms)
        text = format_time(now)
        with writing(self._db):
            self._db.execute(
                "UPDATE sync_state SET clock_offset_ms = ?, highest_at = ?, last_contact_at = ?",
                (offset_ms, text, text),
            )
        return now

    def now(self) -> datetime:
        """
        Return the corrected time and keep it as the highest seen.

        Raises:
            NeverMetError: There was no contact yet.
            StorageError: The file cannot be written to.
        """
        with writing(self._db):
            offset_ms, highest = self._db.execute("SELECT clock_offset_ms, highest_at FROM sync_state").fetchone()
            if offset_ms is None:
                raise NeverMetError("this desktop has never had contact with its server.")
            now = self._clock.now() + timedelta(milliseconds=offset_ms)
            if highest is not None and now <= (seen := parse_time(highest)):
                return seen
            self._db.execute("UPDATE sync_state SET highest_at = ?", (format_time(now),))
        return now

    def last_contact(self) -> datetime | None:
        """Return when the last contact was, on the server's scale."""
        (found,) = self._db.execute("SELECT last_contact_at FROM sync_state").fetchone()
        return parse_time(found) if found else None

"""
Confirmed readings: kept for a set time for the local chart and for an archive that was restored.

They lie in the order of confirmation, so the oldest go first without an index. Called by ``file`` only, inside
its transactions. Must not touch the buffer.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from pulse_acl.payloads import format_time, parse_time

CHUNK = 5_000
FREE_PAGES_KEPT = 1_000  # for what is recorded next
PAGES_AT_ONCE = 500
_TAKE_OVER = """INSERT INTO telemetry_data (stream, sequence_no, recorded_at, metrics, receipt_at)
SELECT stream, sequence_no, recorded_at, metrics, ? FROM telemetry_buffer
WHERE position BETWEEN ? AND ? AND stream = ? ORDER BY position"""


class Confirmed:
    """The table ``telemetry_data``; ``since``: the oldest receipt time in it."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.since: str | None = self._oldest()

    def take_over(self, where: tuple[int, int, str], at: str) -> int:
        """Copy the buffered rows of a range (first and last position, stream) in; return how many there were."""
        copied = self._db.execute(_TAKE_OVER, (at, *where)).rowcount
        if copied and self.since is None:
            self.since = at
        return copied

    def look_again(self) -> None:
        """Find the oldest receipt time anew: readings were taken out."""
        self.since = self._oldest()

    def prune(self, keep_h: float) -> bool:
        """Delete up to ``CHUNK`` rows *keep_h* hours older than the newest receipt; tell whether there may be more."""
        newest = self._db.execute("SELECT receipt_at FROM telemetry_data ORDER BY rowid DESC LIMIT 1").fetchone()
        if newest is None:
            return False
        try:
            limit = format_time(parse_time(newest[0]) - timedelta(hours=keep_h))
        except OverflowError:
            return False  # the receipt says the year 1: nothing is older
        gone = self._db.execute(
            "DELETE FROM telemetry_data WHERE rowid IN (SELECT rowid FROM telemetry_data ORDER BY rowid LIMIT ?) "
            "AND receipt_at <= ?",
            (CHUNK, limit if keep_h > 0 else newest[0]),
        ).rowcount
        if gone:
            self.since = self._oldest()
        return gone == CHUNK

    def shed(self) -> bool:
        """Delete up to ``CHUNK`` of the oldest rows, whatever their time; tell whether there were any."""
        oldest = "DELETE FROM telemetry_data WHERE rowid IN (SELECT rowid FROM telemetry_data ORDER BY rowid LIMIT ?)"
        gone = self._db.execute(oldest, (CHUNK,)).rowcount
        if gone:
            self.since = self._oldest()
        return gone > 0

    def shrink(self) -> bool:
        """Give some pages that are free inside the file back to the disk; tell whether there are more."""
        spare = self._db.execute("PRAGMA freelist_count").fetchone()[0] - FREE_PAGES_KEPT
        if spare <= 0:
            return False
        for _ in range(min(spare, PAGES_AT_ONCE)):
            self._db.execute("PRAGMA incremental_vacuum(1)")  # of a larger number, Python would do the first page only
        return bool(spare > PAGES_AT_ONCE)

    def _oldest(self) -> str | None:
        row: tuple[str | None] = self._db.execute(
            "SELECT min(receipt_at) FROM (SELECT receipt_at FROM telemetry_data ORDER BY rowid LIMIT 1000)"
        ).fetchone()
        return row[0]

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
GRACE = timedelta(hours=2)  # after a pause; for the archive that answers again to ask for what it no longer has
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

    def limit(self, keep_h: float) -> str | None:
        """
        Return the receipt time up to which things are past their time; ``None``: nothing is.

        *keep_h* hours count back from the newest receipt that is ``GRACE`` older than the newest of all. So the first
        receipts after an outage make nothing old at once: the archive may be one that was restored from a backup.
        """
        row = self._db.execute("SELECT receipt_at FROM telemetry_data ORDER BY rowid DESC LIMIT 1").fetchone()
        newest: str | None = None if row is None else row[0]
        if newest is None or keep_h <= 0:
            return newest
        try:
            counts_from = self._newest_until(format_time(parse_time(newest) - GRACE))
            return None if counts_from is None else format_time(parse_time(counts_from) - timedelta(hours=keep_h))
        except OverflowError:
            return None  # the receipt says the year 1: nothing is older

    def prune(self, limit: str) -> bool:
        """Delete up to ``CHUNK`` rows with a receipt of *limit* or before; tell whether there may be more."""
        gone = self._db.execute(
            "DELETE FROM telemetry_data WHERE rowid IN (SELECT rowid FROM telemetry_data ORDER BY rowid LIMIT ?) "
            "AND receipt_at <= ?",
            (CHUNK, limit),
        ).rowcount
        if gone:
            self.since = self._oldest()
        return gone == CHUNK

    def _newest_until(self, at: str) -> str | None:
        """Return the newest receipt time that is not after *at*, by halving: the rows lie in that order."""
        # One question each: SQLite answers both together by a scan.
        ends = "SELECT (SELECT min(rowid) FROM telemetry_data), (SELECT max(rowid) FROM telemetry_data)"
        first, last = self._db.execute(ends).fetchone()
        query = "SELECT rowid, receipt_at FROM telemetry_data WHERE rowid >= ? ORDER BY rowid LIMIT 1"
        found: str | None = None
        while first <= last:
            middle = (first + last) // 2
            row, receipt_at = self._db.execute(query, (middle,)).fetchone()
            if receipt_at <= at:
                found, first = receipt_at, row + 1
            else:
                last = middle - 1
        return found

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

"""
Puts back into the buffer what an archive that was restored from a backup asks for again.

Confirmed readings and settled losses whose receipt came at or after a time, and the quarantine. Called by ``file``
only, inside its transactions. Source: delivery, "The device", point 5.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from pulse_acl.ranges import Range, union

from .schema import NUMBERS

CHUNK, LEAST = 5_000, 50  # rows in a transaction: samples are recorded between two, and a full disk takes a small one

_NEXT = "SELECT rowid FROM telemetry_data WHERE rowid > ? AND rowid <= ? AND receipt_at >= ? ORDER BY rowid LIMIT ?"
_THESE = "telemetry_data.rowid BETWEEN ? AND ? AND receipt_at >= ?"
_LIST = f"""INSERT OR IGNORE INTO streams (stream, begun_at)
SELECT DISTINCT stream, '' FROM telemetry_data WHERE {_THESE}"""  # noqa: S608 - a salvaged file may not list them all
_TAKE_BACK = f"""INSERT OR IGNORE INTO telemetry_buffer (position, stream, sequence_no, recorded_at, metrics)
SELECT ordinal * {NUMBERS} + sequence_no, stream, sequence_no, recorded_at, metrics
FROM telemetry_data JOIN streams USING (stream) WHERE {_THESE} RETURNING stream, sequence_no"""  # noqa: S608 - ours
_DELETE = f"DELETE FROM telemetry_data WHERE {_THESE}"  # noqa: S608 - our own text
_FREE = """UPDATE telemetry_buffer SET state = 'pending', reason = NULL, receipt_at = NULL
WHERE state = 'quarantined' AND receipt_at >= ?"""


def free_quarantine(db: sqlite3.Connection, version: str | None) -> int:
    """
    Make what was rejected pending again; return how many readings.

    Only when *version* of the archive's worker is another than was heard last, or ``None``: somebody asked for it.
    """
    if version is None:
        return db.execute(_FREE, ("",)).rowcount
    (before,) = db.execute("SELECT ingest_version FROM sync_state").fetchone()
    db.execute("UPDATE sync_state SET ingest_version = ? WHERE id = 1", (version,))
    return 0 if before in {None, version} else db.execute(_FREE, ("",)).rowcount


@dataclass(frozen=True, slots=True)
class Recall:
    """
    A wish that is being served, chunk by chunk: what came after it is not taken back.

    ``since``: of the wish; ``resent``: from which receipt time on all will have been put back. Left are the rows of
    ``telemetry_data`` behind ``after``, up to ``until``, the newest with the receipt time ``newest``. ``most`` at a
    time; ``is_stalled``: there is no room even for ``LEAST``. ``count``: rows put back so far.
    """

    since: str
    resent: str
    until: int
    newest: str
    after: int = 0
    most: int = CHUNK
    is_stalled: bool = False
    count: int = 0

    def eased(self) -> Recall:
        """Return the same with less at a time: there was no room for this much."""
        return replace(self, most=max(LEAST, self.most // 2), is_stalled=self.most <= LEAST)

    def lacking(self, kept_since: str | None) -> Recall:
        """Return the same after some of the rows had to be deleted; *kept_since*: of what is left."""
        return replace(self, resent=max(self.resent, kept_since or self.newest))


def recall(db: sqlite3.Connection, since: str, kept_since: str | None) -> Recall:
    """Begin to serve a wish for everything since *since*; *kept_since*: the oldest receipt time that is here."""
    until, newest = db.execute(
        "SELECT rowid, receipt_at FROM telemetry_data ORDER BY rowid DESC LIMIT 1"
    ).fetchone() or (
        0,
        since,
    )
    return Recall(since, max(since, kept_since or since), until, newest, most=CHUNK)


def take_some(db: sqlite3.Connection, wish: Recall) -> tuple[Recall, dict[str, list[int]], bool]:
    """
    Put the next rows back.

    Returns:
        What is left, the numbers that are pending now by stream, and whether that was all.
    """
    rows = [row for (row,) in db.execute(_NEXT, (wish.after, wish.until, wish.since, wish.most))]
    if not rows:
        return wish, {}, True
    these = (rows[0], rows[-1], wish.since)
    db.execute(_LIST, these)
    numbers: dict[str, list[int]] = {}
    for stream, number in db.execute(_TAKE_BACK, these).fetchall():
        numbers.setdefault(stream, []).append(number)
    db.execute(_DELETE, these)
    count = wish.count + sum(map(len, numbers.values()))
    left = replace(wish, after=rows[-1], is_stalled=False, count=count)
    return left, numbers, len(rows) < wish.most


def reopen(db: sqlite3.Connection, since: str) -> tuple[int, dict[str, list[Range]]]:
    """Make what was rejected since *since* pending; return how many, and losses to be declared again, by stream."""
    count = db.execute(_FREE, (since,)).rowcount
    losses: dict[str, list[Range]] = {}
    query = "SELECT stream, first_no, last_no FROM telemetry_lost_settled WHERE receipt_at >= ?"
    for stream, first, last in db.execute(query, (since,)):
        losses.setdefault(stream, []).append((first, last))
    db.execute("DELETE FROM telemetry_lost_settled WHERE receipt_at >= ?", (since,))
    return count, {stream: union(ranges) for stream, ranges in losses.items()}

"""
Puts back into the buffer what an archive that was restored from a backup asks for again.

Confirmed readings and settled losses whose receipt came at or after a time, and the quarantine. Called by ``file``
only, inside its transactions. Source: delivery, "The device", point 5.
"""

from __future__ import annotations

import sqlite3

from pulse_acl.ranges import Range, union

from .schema import NUMBERS

_LIST = """INSERT OR IGNORE INTO streams (stream, begun_at)
SELECT DISTINCT stream, '' FROM telemetry_data WHERE receipt_at >= ?"""  # a salvaged file may not list them all
_TAKE_BACK = f"""INSERT OR IGNORE INTO telemetry_buffer (position, stream, sequence_no, recorded_at, metrics)
SELECT ordinal * {NUMBERS} + sequence_no, stream, sequence_no, recorded_at, metrics
FROM telemetry_data JOIN streams USING (stream) WHERE receipt_at >= ?"""  # noqa: S608 - our own number
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


def take_back(db: sqlite3.Connection, since: str) -> tuple[int, dict[str, list[Range]]]:
    """Put everything since *since* back; return how many rows, and the losses to be declared again, by stream."""
    db.execute(_LIST, (since,))
    count = db.execute(_TAKE_BACK, (since,)).rowcount
    db.execute("DELETE FROM telemetry_data WHERE receipt_at >= ?", (since,))
    db.execute(_FREE, (since,))
    losses: dict[str, list[Range]] = {}
    query = "SELECT stream, first_no, last_no FROM telemetry_lost_settled WHERE receipt_at >= ?"
    for stream, first, last in db.execute(query, (since,)):
        losses.setdefault(stream, []).append((first, last))
    db.execute("DELETE FROM telemetry_lost_settled WHERE receipt_at >= ?", (since,))
    return count, {stream: union(ranges) for stream, ranges in losses.items()}

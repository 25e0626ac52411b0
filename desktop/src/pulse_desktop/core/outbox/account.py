"""
What each stream holds, as read from the file: counted row by row, or as it was noted when the file was closed.

Counting reads the whole buffer, so a client that ends in order notes its account and the next start believes it;
the note is taken back with the first commit. Called by ``file`` only. Read next: ``state``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec
import structlog

from pulse_acl.ranges import Range, union

from .losses import Losses
from .schema import NUMBERS, positions
from .state import StreamState

log = structlog.get_logger()
_HELD = "FROM telemetry_buffer WHERE position BETWEEN ? AND ? AND state <> 'quarantined' ORDER BY position"
_FIRST_HELD = f"SELECT sequence_no, recorded_at {_HELD} LIMIT 1"
_LAST_HELD = f"SELECT sequence_no {_HELD} DESC LIMIT 1"
_NEXT = "SELECT position / ?1, stream FROM telemetry_buffer WHERE position >= ?1 * ?2 ORDER BY position LIMIT 1"
_COUNTED = """SELECT total(state = 'pending'), total(state = 'sent'), total(state = 'quarantined'),
min(sequence_no) FILTER (WHERE state <> 'quarantined'), max(sequence_no) FILTER (WHERE state <> 'quarantined'),
max(sequence_no) FROM telemetry_buffer WHERE position BETWEEN ? AND ?"""
_decode = msgspec.json.Decoder(list[StreamState]).decode


class Account:
    """Reads and notes the account of one open file."""

    def __init__(self, db: sqlite3.Connection, losses: Losses) -> None:
        self._db, self._losses = db, losses

    def noted(self) -> dict[str, StreamState] | None:
        """Return what was noted at the end; ``None``: nothing was, or it does not fit the rows."""
        (text,) = self._db.execute("SELECT closed_with FROM sync_state").fetchone()
        try:
            streams = _decode(text) if text is not None else None
        except (msgspec.MsgspecError, TypeError):
            streams = None
        if streams is None or not all(self._fits(stream) for stream in streams):
            return None
        if not {ordinal for ordinal, _ in self._with_rows()} <= {stream.ordinal for stream in streams}:
            log.warning("desktop.account_lacks_rows")  # noted by one that did not know what another wrote beside it
            return None
        return {stream.stream: stream for stream in streams}

    def note(self, streams: Collection[StreamState] | None) -> None:
        """Note that the file is closed with these *streams*; ``None``: it is in use, whoever comes must count."""
        text = None if streams is None else msgspec.json.encode([one for one in streams if not one.is_empty]).decode()
        self._db.execute("UPDATE sync_state SET closed_with = ? WHERE id = 1", (text,))

    def count(self, reopened: Mapping[str, Sequence[Range]] = MappingProxyType({})) -> dict[str, StreamState]:
        """Return the streams that hold anything, counted; *reopened*: ranges that are to be declared again."""
        known = {
            stream: StreamState(ordinal, stream, last)
            for ordinal, stream, last in self._db.execute("SELECT ordinal, stream, last_sequence_no FROM streams")
        }
        held: dict[str, StreamState] = {}
        for ordinal, stream in self._with_rows():
            if stream not in known:
                known[stream] = self._adopt(stream, ordinal)
            if known[stream].ordinal != ordinal:
                log.error("desktop.rows_out_of_place", stream=stream, ordinal=ordinal)  # put there by hand
                continue
            found = held[stream] = known[stream]
            *counts, first, last, highest = self._db.execute(_COUNTED, positions(ordinal, 0, NUMBERS)).fetchone()
            found.pending, found.sent, found.quarantined = map(int, counts)
            found.first_held, found.last_held = first or 0, last or 0
            found.last_no = max(found.last_no, highest)
        for found in held.values():
            self.find_ends(found)
        losses = self._losses.load()
        for stream, ranges in reopened.items():
            losses[stream] = union([*losses.get(stream, ()), *ranges])
        for stream, lost in losses.items():
            found = held.setdefault(stream, known[stream] if stream in known else self._adopt(stream))
            found.lost = tuple(lost)
            found.last_no = max(found.last_no, lost[-1][1])
        return held

    def empty(self, stream: str) -> StreamState:
        """Return the account of a listed stream that holds nothing."""
        query = "SELECT ordinal, stream, last_sequence_no FROM streams WHERE stream = ?"
        return StreamState(*self._db.execute(query, (stream,)).fetchone())

    def find_ends(self, stream: StreamState) -> None:
        """Set the first and the last held number of *stream* and the time of the first."""
        if not stream.held:
            stream.first_held, stream.last_held, stream.oldest_at = 0, 0, None
            return
        bounds = positions(stream.ordinal, stream.first_held, stream.last_held)
        first = self._db.execute(_FIRST_HELD, bounds).fetchone()
        last = self._db.execute(_LAST_HELD, bounds).fetchone()
        stream.first_held, stream.oldest_at = first
        stream.last_held = last[0]

    def _with_rows(self) -> Iterator[tuple[int, str]]:
        """Yield (ordinal, stream) of those that have rows, by one look each."""
        at = (0, "")
        while at := self._db.execute(_NEXT, (NUMBERS, at[0] + 1)).fetchone():
            yield at

    def _fits(self, stream: StreamState) -> bool:
        there = StreamState(
            stream.ordinal, stream.stream, stream.last_no, 1, stream.last_no, stream.pending, stream.sent
        )
        try:
            self.find_ends(there)
        except TypeError:  # no row where some should be
            return False
        return (there.first_held, there.last_held) == (stream.first_held, stream.last_held)

    def _adopt(self, stream: str, ordinal: int | None = None) -> StreamState:
        # Only a file that was mended by hand has rows of a stream that it does not list.
        row = self._db.execute("INSERT INTO streams (ordinal, stream, begun_at) VALUES (?, ?, '')", (ordinal, stream))
        assert row.lastrowid is not None
        return StreamState(row.lastrowid, stream)

"""
The SQL of the outbox's one writer: transactions over samples, acknowledgements and receipts.

Owns no thread and no queue (``writer`` does) and must be used from one thread only. Numbers are given here,
inside the transaction, so that a failed one takes none. A row leaves ``telemetry_buffer`` in ``settle`` and
nowhere else. Source: delivery invariants L1 and L2.
"""

from __future__ import annotations

import contextlib
import copy
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import structlog

from pulse_acl.payloads import format_time
from pulse_acl.ranges import Range, difference, intersection, union

from ..clock import Clock, DriftWatch
from ..readings import Sample, StoredReading
from ..settings import DeviceSettings
from .account import Account
from .intake import Intake
from .losses import Losses, oldest_rows
from .restore import Recall, free_quarantine, recall, reopen, take_some
from .retention import Confirmed
from .room import DiskRoom, Warnings
from .schema import NUMBERS, is_large, open_for_writing, positions
from .state import OutboxState, Settlement, StreamState

log = structlog.get_logger()
SHED_AT_ONCE = 2
_IN_RANGE = "WHERE position BETWEEN ? AND ? AND stream = ?"
_INSERT = f"""INSERT INTO telemetry_buffer (position, stream, sequence_no, recorded_at, metrics)
VALUES (?1 * {NUMBERS} + ?3, ?2, ?3, ?4, ?5)"""  # noqa: S608 - our own number
_COLUMNS = attrgetter("ordinal", "stream", "sequence_no", "recorded_at", "metrics")
_MARK_SENT = f"UPDATE telemetry_buffer SET state = 'sent' {_IN_RANGE} AND state = 'pending'"  # noqa: S608
_STATE = f"SELECT state FROM telemetry_buffer {_IN_RANGE}"  # noqa: S608
_QUARANTINE = f"UPDATE telemetry_buffer SET state = 'quarantined', reason = ?, receipt_at = ? {_IN_RANGE}"  # noqa: S608
_DELETE = f"DELETE FROM telemetry_buffer {_IN_RANGE} AND state = ?"  # noqa: S608


class OutboxFile:
    """
    The open file. Between ``begin`` and ``commit`` nothing is visible; ``state`` is what was committed last.

    ``is_unchecked``: it has not been looked through for damage so far, see ``checkup``.
    """

    def __init__(
        self, path: Path, clock: Clock, new_stream: Callable[[], str], settings: DeviceSettings, notice: str = ""
    ) -> None:
        """
        Open *path* and begin a stream; *notice*: what people should know of its opening.

        Raises:
            sqlite3.Error: It cannot be opened or written to, or is damaged.
        """
        self._clock = clock
        self._new_stream = new_stream
        self.settings = settings
        self._drift = DriftWatch(clock)
        self._disk, self._warnings = DiskRoom(path), Warnings()
        self._db = open_for_writing(path)
        self._confirmed = Confirmed(self._db)
        self._losses = Losses(self._db)
        self._account = Account(self._db, self._losses)
        noted = self._account.noted()
        self.is_unchecked = noted is not None and is_large(path)
        self._streams = self._account.count() if noted is None else noted
        self._draft: dict[str, StreamState] = {}
        self._intake = Intake()
        self._added: list[StoredReading] = []
        self._written = 0  # of those added, how many are in the table
        self._room = 0
        self._has_numbered = self._wants_stream = self._has_untold = False
        self._refused = self._evicted = self._reopened = 0
        self._opening_notice = notice
        self._last_sync_at: str | None = self._db.execute("SELECT last_sync_at FROM sync_state").fetchone()[0]
        wishes = self._db.execute("SELECT wanted_since, resent_since FROM sync_state").fetchone()
        self._resent: tuple[str | None, str | None] = wishes
        self._recall: Recall | None = None
        self.begin()
        self._account.note(None)
        self.watch_disk()
        self._current = self._begin_stream()
        self.state = self.commit()[0]

    def begin(self) -> None:
        """Begin a transaction."""
        self._draft, self._added, self._written, self._has_numbered = {}, [], 0, False
        self._before = (self._resent, self._recall, self._has_untold, self._reopened)
        self._room = self.settings.buffer_limit - sum(s.held + s.quarantined for s in self._streams.values())
        self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> tuple[OutboxState, list[StoredReading]]:
        """Put the transaction on disk; return the new picture and the readings that it added."""
        self._write_rows()
        self._make_room()
        for stream in self._draft.values():
            self._losses.write(stream, self._streams.get(stream.stream))
            self._db.execute(
                "UPDATE streams SET last_sequence_no = ? WHERE ordinal = ?", (stream.last_no, stream.ordinal)
            )
        self._db.execute("COMMIT")
        held_before = any(stream.held for stream in self._streams.values())
        self._streams |= self._draft
        if held_before and not any(stream.held for stream in self._streams.values()):
            self._last_sync_at = format_time(self._clock.now())
        self._forget_empty()
        self.state = self._picture()
        added, self._draft, self._added = self._added, {}, []
        return self.state, added

    def rollback(self) -> None:
        """Give the transaction up; the next sample begins a stream, so that no number can be met twice."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._wants_stream |= self._has_numbered or self._current not in self._streams
        self._current = self.state.current.stream
        self._draft, self._added = {}, []
        self._resent, self._recall, self._has_untold, self._reopened = self._before
        with contextlib.suppress(sqlite3.Error):  # then the next transaction says so
            self._confirmed.look_again()

    def watch_disk(self) -> None:
        """Look how much room there is; where it is short, confirmed readings go before anything is refused."""
        self._disk.look(self._db)
        for _ in range(SHED_AT_ONCE):
            if self._disk.is_low and (self._recall is None or self._recall.is_stalled) and self._confirmed.shed():
                self._disk.look(self._db)
                if self._recall is not None:
                    self._recall = self._recall.lacking(self._confirmed.since)

    def give_way(self) -> bool:
        """Give up the reserve, so that a receipt can be applied on a full disk; tell whether there was one."""
        if not self._disk.give_up():
            return False
        self._fold_in()  # else the log goes on growing, because what it holds has no room in the file
        return True

    def add(self, sample: Sample) -> None:
        """Record one *sample*; see ``add_all``."""
        self.add_all([sample])

    def add_all(self, samples: Iterable[Sample]) -> None:
        """
        Record *samples* under the next numbers.

        One with nothing that may be recorded takes none; where there is no room, its number is declared as lost.
        """
        if not self._added and (self._drift.jumped() or self._wants_stream):  # once in a transaction is enough
            self._current = self._begin_stream()
        stream = self._touch(self._current)
        made = self._intake.readings(samples, stream.ordinal, stream.stream, stream.last_no + 1)
        if not made:
            return
        self._has_numbered = True
        stream.last_no = made[-1].sequence_no
        if self.settings.buffer_full_policy == "refuse_new" and len(made) > self._room:
            made, refused = made[: max(0, self._room)], made[max(0, self._room) :]
            self._refused += len(refused)
            stream.lost = tuple(union([*stream.lost, (refused[0].sequence_no, refused[-1].sequence_no)]))
        if made:
            self._room -= len(made)
            self._added += made
            stream.last_held = made[-1].sequence_no
            stream.pending += len(made)
        if made and not stream.first_held:
            stream.first_held, stream.oldest_at = made[0].sequence_no, made[0].recorded_at

    def mark_sent(self, stream_id: str, ranges: Iterable[Range]) -> None:
        """Note that a broker acknowledged these rows; nothing else follows from it."""
        if not self._is_known(stream_id):
            return
        self._write_rows()
        stream = self._touch(stream_id)
        for first, last in ranges:
            changed = self._db.execute(_MARK_SENT, self._where(stream, first, last)).rowcount
            stream.pending -= changed
            stream.sent += changed

    def settle(self, settlement: Settlement) -> None:
        """Apply a receipt to the rows of its own stream; again the same one changes nothing."""
        if not self._is_known(settlement.stream):
            return
        self._write_rows()
        stream = self._touch(settlement.stream)
        # What is kept has no gap: where room is short nothing is kept only after everything older has gone.
        keep = self.settings.confirmed_keep_h > 0 and not (self._disk.is_low and self._confirmed.since is None)
        for first, last in settlement.archived:
            where = self._where(stream, first, last)
            expected = self._confirmed.take_over(where, settlement.at) if keep else stream.held + stream.quarantined
            for state in ("sent", "pending", "quarantined"):
                if expected > 0 and getattr(stream, state):
                    gone = self._db.execute(_DELETE, (*where, state)).rowcount
                    setattr(stream, state, getattr(stream, state) - gone)
                    expected -= gone
                    self._room += gone
        for number, reason in settlement.rejected:
            self._quarantine(stream, number, reason, settlement.at)
        self._account.find_ends(stream)
        if stream.lost:
            named = union(settlement.archived, settlement.lost, ((n, n) for n, _ in settlement.rejected))
            self._losses.keep_settled(stream.stream, intersection(stream.lost, named), settlement.at, keep=keep)
            stream.lost = tuple(difference(stream.lost, named))

    @property
    def is_putting_back(self) -> bool:
        """Tell whether ``put_back_some`` has more to do."""
        return self._recall is not None

    def put_back(self, since: str) -> None:
        """Begin to take everything whose receipt came at or after *since* back, for an archive that was restored."""
        self._write_rows()
        self._recall = recall(self._db, since, self._confirmed.since)
        self._note_resent((since, None))  # not before all of it is pending: after a crash it is asked for again

    def put_back_some(self) -> None:
        """Take some more of it back as pending; with the last of it, say that it was done."""
        assert self._recall is not None
        self._write_rows()
        is_first = self._recall.after == 0
        wish, numbers, is_done = take_some(self._db, self._recall)
        for name, taken in numbers.items():
            self._touch(name).take_back(taken)
            self._account.find_ends(self._touch(name))
            self._room -= len(taken)
        self._confirmed.look_again()
        self._recall = None if is_done else wish
        self._has_untold = bool(numbers) or self._has_untold
        if is_done:  # not before: a heartbeat in between would claim what was rejected and not what is about to come
            count, losses = reopen(self._db, wish.since)
            if count or losses:
                self._reload(losses)
                self._has_untold = False
            self._note_resent((wish.since, wish.resent))
            log.warning("desktop.readings_put_back", resent_since=wish.resent, count=wish.count)
        if is_first or is_done:
            self._tell_untold()

    def put_back_less(self) -> None:
        """After there was no room: take less at a time, and let what was put back be sent, which makes room."""
        if self._recall is not None:
            self._recall = self._recall.eased()
        self._tell_untold()
        self.state = replace(self.state, reopened=self._reopened)

    def _tell_untold(self) -> None:
        """Let the courier begin anew when rows were put back of which it has not heard."""
        self._reopened += self._has_untold
        self._has_untold = False

    def _note_resent(self, resent: tuple[str, str | None]) -> None:
        self._resent = resent
        self._db.execute("UPDATE sync_state SET wanted_since = ?, resent_since = ? WHERE id = 1", resent)

    def offer_quarantined(self, version: str | None) -> None:
        """Offer what was rejected again when *version* of the archive's worker is a new one; ``None``: in any case."""
        self._write_rows()
        if free_quarantine(self._db, version):
            self._reload({})

    def note(self, fields: Mapping[str, Any]) -> None:
        """Write how the client is into ``sync_state``; *fields* are its columns."""
        self._last_sync_at = fields.get("last_sync_at", self._last_sync_at)
        values = {**fields, "last_sync_at": self._last_sync_at, "updated_at": format_time(self._clock.now())}
        columns = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(f"UPDATE sync_state SET {columns} WHERE id = 1", tuple(values.values()))  # noqa: S608 - our own column names

    def save_newest(self) -> None:
        """Write the newest value of each metric into ``telemetry_live``."""
        self._db.executemany(
            "INSERT OR REPLACE INTO telemetry_live VALUES (?, ?, ?, ?, ?)",
            (
                (metric, text, reading.recorded_at, reading.stream, reading.sequence_no)
                for metric, text, reading in self._intake.take_newest()
            ),
        )

    def prune(self) -> bool:
        """Delete some confirmed readings past their time, shrink the file; tell whether there may be more to do."""
        # What is being put back was asked for in time.
        limit = None if self._recall is not None else self._confirmed.limit(self.settings.confirmed_keep_h)
        if limit is not None:
            self._losses.prune(limit)
        more = limit is not None and self._confirmed.prune(limit)
        return (not self._disk.is_low and self._confirmed.shrink()) or more

    def close(self, *, in_order: bool = True) -> None:
        """Close the file, its write-ahead log folded in; not *in_order*: the next start has to look through it."""
        with contextlib.suppress(sqlite3.Error):  # on a full disk; then the next start counts
            if in_order:
                self._account.note(self._streams.values())
        self._fold_in()
        self._db.close()

    def _fold_in(self) -> None:
        with contextlib.suppress(sqlite3.Error):  # on a full disk; the log stays, and nothing of it is lost
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _begin_stream(self) -> str:
        stream = self._new_stream()
        ordinal = self._db.execute(
            "INSERT INTO streams (stream, begun_at) VALUES (?, ?)", (stream, format_time(self._clock.now()))
        ).lastrowid
        assert ordinal is not None
        self._draft[stream] = StreamState(ordinal, stream)
        self._wants_stream = False
        log.info("desktop.stream_begun", stream=stream)
        return stream

    def _make_room(self) -> None:
        """Drop as many of the oldest rows as were added over the limit; a lowered limit alone drops nothing."""
        excess = min(-self._room, len(self._added))
        if excess <= 0:
            return
        for ordered in sorted((self._streams | self._draft).values(), key=lambda stream: stream.ordinal):
            if excess <= 0:
                return
            if not ordered.held and not ordered.quarantined:
                continue
            stream = self._touch(ordered.stream)
            rows = oldest_rows(self._db, stream, excess)
            for number, state in rows:
                setattr(stream, state, getattr(stream, state) - 1)
                if state != "quarantined":  # what was rejected has its fate
                    stream.lost = tuple(union([*stream.lost, (number, number)]))
            self._losses.evict(stream, rows)
            self._account.find_ends(stream)
            self._evicted += len(rows)
            excess -= len(rows)

    def _reload(self, losses: Mapping[str, Sequence[Range]]) -> None:
        self._reopened += 1
        loaded = self._account.count(losses)
        for name, draft in self._draft.items():
            found = loaded.setdefault(name, draft)
            found.lost = tuple(union([*found.lost, *draft.lost]))
            found.last_no = max(found.last_no, draft.last_no)
        self._draft = loaded

    def _is_known(self, stream: str) -> bool:
        return stream in self._draft or stream in self._streams

    def _touch(self, stream: str) -> StreamState:
        if stream not in self._draft:
            known = self._streams.get(stream)
            self._draft[stream] = self._account.empty(stream) if known is None else copy.copy(known)
        return self._draft[stream]

    def _write_rows(self) -> None:
        if self._written < len(self._added):
            self._db.executemany(_INSERT, map(_COLUMNS, self._added[self._written :]))
            self._written = len(self._added)

    def _quarantine(self, stream: StreamState, number: int, reason: str, at: str) -> None:
        where = self._where(stream, number, number)
        row = self._db.execute(_STATE, where).fetchone()
        if row is None:
            return
        self._db.execute(_QUARANTINE, (reason[:500], at, *where))
        setattr(stream, row[0], getattr(stream, row[0]) - 1)
        stream.quarantined += 1

    @staticmethod
    def _where(stream: StreamState, first: int, last: int) -> tuple[int, int, str]:
        return *positions(stream.ordinal, first, last), stream.stream

    def _forget_empty(self) -> None:
        for name in [n for n, s in self._streams.items() if s.is_empty and n != self._current]:
            del self._streams[name]

    def _picture(self) -> OutboxState:
        used = sum(stream.held + stream.quarantined for stream in self._streams.values())
        notice = self._warnings.notice(used, self.settings, self._disk)
        is_full = self._disk.is_short and self._confirmed.since is None
        streams = sorted(self._streams.values(), key=lambda stream: stream.ordinal)
        return OutboxState(
            current=self._streams[self._current],
            streams=tuple(streams),
            last_sync_at=self._last_sync_at,
            kept_since=self._confirmed.since,
            wanted_since=self._resent[0],
            resent_since=self._resent[1],
            limit=self.settings.buffer_limit,
            disk_used_pct=self._disk.used_pct,
            problem="nothing can be recorded: the disk is full" if is_full else "",
            notice="; ".join(part for part in (notice, self._opening_notice) if part),
            reopened=self._reopened,
            refused=self._refused,
            evicted=self._evicted,
            dropped_values=dict(self._intake.dropped),
        )

"""
Reads what can be read of a damaged outbox, row by row where it must be.

A range of numbers that cannot be read is halved until the rows on the bad pages stand alone; what is read must look
like something that the outbox has written. Writes into the new file only. Read next: ``salvage``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec

from pulse_acl.payloads import INT64_MAX, ContractError, parse_time
from pulse_acl.ranges import Range, from_numbers, union

from .schema import MOST_STREAMS, NUMBERS, needs_positions, positions

CHUNK = 5_000
MOST_NUMBERS = 1 << 33  # in one stream or table, 13 years of the fastest sampling; what is above is damage
MOST_FAILURES = 200_000  # then what is left of a bad range is given up whole
Row: TypeAlias = tuple[Any, ...]
_BUFFERED = "SELECT sequence_no, recorded_at, metrics, state, reason, receipt_at FROM telemetry_buffer WHERE stream = ?"
_IN_PLACE, _IN_OLD = " AND position BETWEEN ? AND ?", " AND sequence_no BETWEEN ? AND ?"
_HIGHEST = "SELECT max(position) % ? FROM telemetry_buffer WHERE position BETWEEN ? AND ?"
_HIGHEST_OLD = "SELECT max(sequence_no) FROM telemetry_buffer WHERE stream = ? AND sequence_no <= ?"
_NEXT = "SELECT position / ?1, stream FROM telemetry_buffer WHERE position >= ?1 * ?2 ORDER BY position LIMIT 1"
_CONFIRMED = """SELECT rowid, stream, sequence_no, recorded_at, metrics, receipt_at FROM telemetry_data
WHERE rowid BETWEEN ? AND ?"""
_STREAMS = "SELECT ordinal, stream, begun_at, last_sequence_no FROM streams WHERE ordinal BETWEEN ? AND ?"
_KEEP = f"""INSERT INTO telemetry_buffer
(position, stream, sequence_no, recorded_at, metrics, state, reason, receipt_at)
VALUES (?1 * {NUMBERS} + ?3, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"""  # noqa: S608 - our own number
_SMALL = {"system_config": 5, "telemetry_lost_settled": 4}
_STATES = frozenset({"pending", "sent", "quarantined"})
_metrics = msgspec.json.Decoder(dict[str, bool | int | float]).decode


@dataclass(frozen=True, slots=True)
class FoundStream:
    """
    A stream that a damaged file knows; ``last_no`` as far as it can be read.

    ``place``: the ordinal by which its rows lie in the damaged file, which before version 4 had none.
    """

    ordinal: int
    stream: str
    begun_at: str
    last_no: int
    place: int


def streams(db: sqlite3.Connection) -> list[FoundStream]:
    """Return every stream of which a trace is left, in the order they were begun."""
    most = max(_number(db, "SELECT max(ordinal) FROM streams"), _number(db, "SELECT max(seq) FROM sqlite_sequence"))
    rows: list[Row] = []
    _read_all(lambda first, last: _read(db, _STREAMS, (first, last)), min(most, MOST_STREAMS), rows.extend)
    found = {
        row[1]: FoundStream(row[0], row[1], row[2], row[3] if row[3] <= MOST_NUMBERS else 0, row[0])
        for row in rows
        if _is_text(row[1], row[2]) and isinstance(row[3], int) and row[0] < MOST_STREAMS
    }
    listed = {one.ordinal for one in found.values()}
    places = _places(db, min(most, MOST_STREAMS), listed)
    ordinal = max([0, *listed, *places.values()])
    for name in sorted({*_names(db, "streams"), *places} - found.keys()):
        ordinal += 1
        found[name] = FoundStream(ordinal, name, "", 0, places.get(name, 0))
    return sorted(found.values(), key=lambda one: one.ordinal)


def copy_buffered(
    old: sqlite3.Connection, new: sqlite3.Connection, found: FoundStream
) -> tuple[int, list[Range], list[Range]]:
    """Copy one stream's rows; return its last number, the numbers copied and those that could not be read."""
    is_old = _is_old(old)
    last = max(found.last_no, _highest(old, found, is_old=is_old))
    copied: list[Range] = []
    odd: list[Range] = []

    def take(rows: list[Row]) -> None:
        sound = {row[0]: row for row in rows if _is_sound(row)}
        new.executemany(_KEEP, [(found.ordinal, found.stream, *row) for row in sound.values()])
        copied.extend(from_numbers(sound))
        odd.extend((row[0], row[0]) for row in rows if row[0] not in sound)

    def read(first: int, to: int) -> list[Row] | None:
        if is_old:
            return _read(old, _BUFFERED + _IN_OLD, (found.stream, first, to))
        return _read(old, _BUFFERED + _IN_PLACE, (found.stream, *positions(found.place, first, to)))

    unread = _read_all(read, last, take)
    return last, union(copied), union([*unread, *odd])


def copy_confirmed(old: sqlite3.Connection, new: sqlite3.Connection) -> dict[str, list[Range]]:
    """Copy the confirmed readings in their order; return their numbers by stream."""
    most = _number(old, "SELECT max(rowid) FROM telemetry_data WHERE rowid <= ?", (MOST_NUMBERS,))
    copied: dict[str, list[Range]] = {}

    def take(rows: list[Row]) -> None:
        numbers: dict[str, list[int]] = {}
        for _, stream, number, recorded_at, metrics, at in rows:
            if _is_text(stream, at) and _is_sound((number, recorded_at, metrics, "sent", None, None)):
                row = (stream, number, recorded_at, metrics, at)
                new.execute("INSERT INTO telemetry_data VALUES (?, ?, ?, ?, ?)", row)
                numbers.setdefault(stream, []).append(number)
        for stream, found in numbers.items():
            copied.setdefault(stream, []).extend(from_numbers(found))

    _read_all(lambda first, last: _read(old, _CONFIRMED, (first, last)), most, take)
    return copied


def copy_small_tables(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """Copy the settings and the settled losses as far as they can be read at once."""
    for table, columns in _SMALL.items():
        marks = ", ".join("?" * columns)
        for row in _read(old, f"SELECT * FROM {table}", ()) or ():  # noqa: S608 - our own table names
            if len(row) == columns:
                new.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row)  # noqa: S608


def _read_all(
    read: Callable[[int, int], list[Row] | None], last: int, take: Callable[[list[Row]], None]
) -> list[Range]:
    """Read 1 to *last*, hand over what comes in ascending order, and return the ranges that could not be read."""
    unread: list[Range] = []
    failures = 0
    chunks = iter(range(1, last + 1, CHUNK))
    waiting: list[Range] = []
    while waiting or (first := next(chunks, 0)):
        low, high = waiting.pop() if waiting else (first, min(first + CHUNK - 1, last))
        found = read(low, high)
        if found is not None:
            take(sorted((row for row in found if isinstance(row[0], int) and low <= row[0] <= high), key=itemgetter(0)))
            continue
        failures += 1
        if low == high or failures > MOST_FAILURES:
            unread.append((low, high))
        else:
            middle = (low + high) // 2
            waiting += [(middle + 1, high), (low, middle)]
    return unread


def _read(db: sqlite3.Connection, query: str, values: Iterable[object]) -> list[Row] | None:
    try:
        return db.execute(query, tuple(values)).fetchall()
    except sqlite3.Error:
        return None


def _number(db: sqlite3.Connection, query: str, values: Iterable[object] = ()) -> int:
    found = _read(db, query, values)
    value = found[0][0] if found else 0
    return value if isinstance(value, int) and 0 < value < INT64_MAX else 0


def _highest(db: sqlite3.Connection, found: FoundStream, *, is_old: bool) -> int:
    if is_old:
        return _number(db, _HIGHEST_OLD, (found.stream, MOST_NUMBERS))
    return _number(db, _HIGHEST, (NUMBERS, *positions(found.place, 1, MOST_NUMBERS)))


def _is_old(db: sqlite3.Connection) -> bool:
    try:
        return needs_positions(db)
    except sqlite3.Error:
        return False


def _places(db: sqlite3.Connection, most: int, listed: set[int]) -> dict[str, int]:
    """Return the streams that have rows and are not *listed*, and the ordinal by which these lie."""
    if _is_old(db):
        return dict.fromkeys(_names(db, "telemetry_buffer"), 0)
    found: dict[str, int] = {}
    ordinal = 0
    while True:
        rows = _read(db, _NEXT, (NUMBERS, ordinal + 1))
        if rows is None and ordinal < most:
            ordinal += 1  # that page is bad; there may be others behind it
            continue
        if not rows:
            return found
        ordinal, stream = rows[0]
        if isinstance(stream, str) and ordinal not in listed:
            found.setdefault(stream, ordinal)


def _names(db: sqlite3.Connection, table: str) -> set[str]:
    found: set[str] = set()
    after: object = ""
    query = f"SELECT stream FROM {table} WHERE stream > ? ORDER BY stream LIMIT 1"  # noqa: S608 - our own table names
    while (rows := _read(db, query, (after,))) and isinstance(rows[0][0], str) and rows[0][0] not in found:
        after = rows[0][0]
        found.add(rows[0][0])
    return found


def _is_text(*values: object) -> bool:
    return all(isinstance(value, str) for value in values)


def _is_sound(row: Row) -> bool:
    number, at, metrics, state, reason, receipt_at = row
    if not isinstance(number, int) or not isinstance(at, str) or not isinstance(metrics, bytes):
        return False
    if (
        not isinstance(state, str)
        or state not in _STATES
        or not all(one is None or isinstance(one, str) for one in (reason, receipt_at))
    ):
        return False
    try:
        parse_time(at)
        return bool(_metrics(metrics))
    except (ContractError, msgspec.MsgspecError, UnicodeDecodeError):
        return False

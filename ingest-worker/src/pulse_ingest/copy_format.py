"""
Rows of telemetry_data in PostgreSQL's binary COPY format, which is what the worker writes most of.

A row is put together from pieces that are made once for a stream, a reading or a metric, because the driver's own
encoding of tuples costs more than PostgreSQL's work. Pure. Read next: ``rows``, which calls it.

Source: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

from .messages import Scalar

COLUMNS = (
    "client_id",
    "stream",
    "sequence_no",
    "metric_key",
    "metric_value",
    "metric_long",
    "metric_bool",
    "recorded_at",
    "received_at",
    "claimed_at",
)
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
_LENGTH = struct.Struct("!i")
_ROW = struct.Struct("!h")
_LONG_FIELD = struct.Struct("!iq")
_DOUBLE = struct.Struct("!idii").pack  # metric_value, and the other two null
_LONG = struct.Struct("!iiqi").pack
_TIMES = struct.Struct("!iqiq").pack
_NULL = _LENGTH.pack(-1)
_TRUE, _FALSE = (_NULL + _NULL + struct.pack("!i?", 1, flag) for flag in (True, False))


def stream_part(client_id: str, stream: UUID) -> bytes:
    """Return the beginning of every row of a stream."""
    return _ROW.pack(len(COLUMNS)) + _field(client_id.encode()) + _field(stream.bytes)


def number_part(sequence_no: int) -> bytes:
    """Return what follows the stream."""
    return _LONG_FIELD.pack(8, sequence_no)


@lru_cache(maxsize=4_096)
def metric_part(metric: str) -> bytes:
    """Return what follows the number; machines have few metrics and send them again and again."""
    return _field(metric.encode())


def value_part(value: Scalar) -> bytes:
    """Return the three columns of values, one of which is set by the type of *value*."""
    kind = type(value)
    if kind is float:
        return _DOUBLE(8, value, -1, -1)
    if kind is bool:
        return _TRUE if value else _FALSE
    return _LONG(-1, 8, value, -1)


def times_part(recorded_us: int, received_us: int, claimed_us: int | None) -> bytes:
    """Return the end of every row of a reading; times as ``microseconds`` gives them."""
    claimed = _NULL if claimed_us is None else _LONG_FIELD.pack(8, claimed_us)
    return _TIMES(8, recorded_us, 8, received_us) + claimed


def microseconds(at: datetime) -> int:
    """Return an aware time as PostgreSQL counts it, from the year 2000 on."""
    since = at - EPOCH
    return since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds


def _field(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data

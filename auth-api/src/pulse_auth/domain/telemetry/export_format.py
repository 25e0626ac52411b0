"""Writes archived readings as CSV or as one JSON object a line; integers digit for digit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

import msgspec

from pulse_acl.payloads import format_time

from .values import Value, kind, text


class ExportFormat(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    NDJSON = "ndjson"


class ExportRow(NamedTuple):
    """One value; the columns of the export in their order, ``type`` following from ``value``."""

    recorded_at: datetime
    received_at: datetime
    stream: UUID
    sequence_no: int
    metric: str
    value: Value


MEDIA_TYPES = {ExportFormat.CSV: "text/csv", ExportFormat.NDJSON: "application/x-ndjson"}
HEADERS = {
    ExportFormat.CSV: b"recorded_at,received_at,stream,sequence_no,metric,type,value\n",
    ExportFormat.NDJSON: b"",
}


def csv_lines(rows: Iterable[ExportRow]) -> bytes:
    """Write rows as CSV. No field can hold a comma, a quote or a line feed, so none is quoted."""
    return "".join(
        f"{format_time(row.recorded_at)},{format_time(row.received_at)},{row.stream},{row.sequence_no},"
        f"{row.metric},{kind(row.value)},{text(row.value)}\n"
        for row in rows
    ).encode()


def ndjson_lines(rows: Iterable[ExportRow]) -> bytes:
    """Write rows as JSON objects, one a line, with the keys of the CSV's columns."""
    return _ENCODER.encode_lines(
        [
            {
                "recorded_at": format_time(row.recorded_at),
                "received_at": format_time(row.received_at),
                "stream": row.stream,
                "sequence_no": row.sequence_no,
                "metric": row.metric,
                "type": kind(row.value),
                "value": row.value,
            }
            for row in rows
        ]
    )


WRITERS: dict[ExportFormat, Callable[[Iterable[ExportRow]], bytes]] = {
    ExportFormat.CSV: csv_lines,
    ExportFormat.NDJSON: ndjson_lines,
}
_ENCODER = msgspec.json.Encoder()

"""What the window's tables show: snapshots and records turned into rows of texts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from textwrap import wrap
from typing import Any

from ...core.readings import MetricValue
from ...core.recent import MOST_WAITING, WaitingRow
from .. import words
from ..snapshot import Buffer, LogLine
from .rows import Row

METRIC_HEADINGS = ("Metric", "Value", "Type", "Measured")
WAITING_HEADINGS = ("Number", "Value", "State", "Measured")
LOG_HEADINGS = ("Time", "Event", "Details")
TIP_CHARACTERS = 100  # a tooltip of plain text breaks no line by itself
_STATES = {"pending": "pending", "sent": "sent, unconfirmed", "quarantined": "rejected"}
_TONES = {"warning": "warn", "error": "down", "critical": "down"}


def metric_rows(latest: Mapping[str, MetricValue], recorded_at: Mapping[str, str], now: datetime) -> list[Row]:
    """Return every metric with its exact value, its type and when that was measured."""
    return [_metric(name, value, recorded_at.get(name), now) for name, value in latest.items()]


def waiting_rows(waiting: Iterable[WaitingRow], metric: str, now: datetime) -> list[Row]:
    """Return the rows of the buffer with the value of *metric*, or of their first metric, which is named then."""
    return [_waiting(row, metric, now) for row in waiting]


def left_out(listed: int, buffer: Buffer | None) -> str:
    """Say of how many rows of *buffer* the *listed* ones are the oldest; nothing where they are all of them."""
    if listed < MOST_WAITING:
        return ""
    if buffer is None:
        return f"The oldest {words.grouped(listed)}."
    held = buffer.held + buffer.quarantined
    return f"The oldest {words.grouped(listed)} of {words.grouped(held)}." if held > listed else ""


def log_rows(lines: Iterable[LogLine], now: datetime) -> list[Row]:
    """Return the program's log, newest first."""
    rows = [
        Row(
            f"{number}",
            (words.clock_time(line.at, now), line.event, line.fields),
            _TONES.get(line.level, ""),
            _whole_line(line),
        )
        for number, line in enumerate(lines)
    ]
    return rows[::-1]


def text_of(value: Any) -> str:
    """Write a JSON value of a record for a cell."""
    if value is None:
        return "\u2013"
    return value if isinstance(value, str) else words.exact_text(value) if isinstance(value, bool) else str(value)


@lru_cache(maxsize=1024)  # the same lines come at every look
def _whole_line(line: LogLine) -> str:
    """Return all of a log line, a field in each line, and none so long that it would leave the screen."""
    fields = [line.event, f"{line.at}  {line.level}", *filter(None, line.fields.split("  "))]
    return "\n".join("\n".join(wrap(field, TIP_CHARACTERS)) for field in fields)


def _metric(name: str, value: MetricValue, at: str | None, now: datetime) -> Row:
    measured = words.clock_time(at, now) if at else "\u2013"
    kind = words.type_name(value)
    tip = f"{name}  \u00b7  {kind}" + (f"  \u00b7  measured {words.whole_time(at)}" if at else "")
    return Row(name, (name, words.exact_text(value), kind, measured), tip=tip)


def _waiting(row: WaitingRow, metric: str, now: datetime) -> Row:
    name = metric if metric in row.metrics else next(iter(row.metrics), "")
    value = words.exact_text(row.metrics[name]) if name else ""
    beside = f"  ({name})" if name != metric else ""
    told = (
        name,
        f"measured {words.whole_time(row.recorded_at)}",
        f"number {row.sequence_no} of stream {row.stream}",
        row.reason,
    )
    tip = "  \u00b7  ".join(filter(None, told))
    cells = (str(row.sequence_no), f"{value}{beside}", _STATES[row.state], words.clock_time(row.recorded_at, now))
    return Row(f"{row.stream}/{row.sequence_no}", cells, "down" if row.state == "quarantined" else "", tip)

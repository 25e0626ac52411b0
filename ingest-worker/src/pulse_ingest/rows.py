"""
Decoded messages and settlements to rows: telemetry_data, newest values, minute rollups, rejects.

Pure. Each number is stored once: the first copy in the order of coming. Read next: ``copy_format``, ``writer``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pulse_acl.ranges import union

from .copy_format import metric_part, microseconds, number_part, stream_part, times_part, value_part
from .ledger import Claim, Settlement
from .messages import Decoded, Reject, Sample, Scalar

StreamKey = tuple[str, UUID]
Typed = tuple[float | None, int | None, bool | None]
Newest = tuple[datetime, UUID, int, datetime, Scalar]  # recorded at, stream, number, received at, value
_MOST = sys.float_info.max


@dataclass(slots=True)
class Minute:
    """What is to be added to one minute of one metric; booleans count as 0 and 1, the total stays finite."""

    samples: int
    least: float
    greatest: float
    total: float


@dataclass(frozen=True, slots=True)
class RejectRow:
    """One row of telemetry_rejects."""

    client_id: str | None
    stream: UUID | None
    sequence_no: int | None
    topic: str
    reason: str
    excerpt: str
    received_at: datetime


@dataclass(slots=True)
class Rows:
    """
    All that one transaction stores beside the ledger.

    ``data``: all rows of telemetry_data, each as ``copy_format`` writes it; ``newest``: by device and metric;
    ``minutes``: by device and minute, then by metric.
    """

    data: list[bytes] = field(default_factory=list)
    newest: dict[str, dict[str, Newest]] = field(default_factory=dict)
    minutes: dict[tuple[str, datetime], dict[str, Minute]] = field(default_factory=dict)
    rejects: list[RejectRow] = field(default_factory=list)


def typed(value: Scalar) -> Typed:
    """Return *value* in its one of the three columns (double, 64-bit integer, boolean)."""
    kind = type(value)
    if kind is float:
        return (value, None, None)
    if kind is bool:
        return (None, None, bool(value))
    return (None, int(value), None)


def claims_of(messages: Sequence[Decoded]) -> dict[StreamKey, Claim]:
    """Return what *messages* say of each stream."""
    grouped: dict[StreamKey, list[Decoded]] = {}
    for message in messages:
        if message.client_id is not None and message.stream is not None:
            grouped.setdefault((message.client_id, message.stream), []).append(message)
    made = {
        key: Claim(
            valid=[sample.sequence_no for message in group for sample in message.samples],
            faulty=[r.sequence_no for m in group for r in m.rejects if r.sequence_no is not None],
            lost=union(*(message.lost for message in group)),
        )
        for key, group in grouped.items()
    }
    return {key: claim for key, claim in made.items() if claim.highest > 0}


def rows_of(messages: Sequence[Decoded], settlements: Mapping[StreamKey, Settlement]) -> Rows:
    """
    Return the rows that *settlements* ask for.

    Args:
        messages: The batch.
        settlements: One for each stream of ``claims_of(messages)``.
    """
    rows = Rows()
    to_archive = {key: set(found.archive) for key, found in settlements.items()}
    to_reject = {key: set(found.reject) for key, found in settlements.items()}
    for message in messages:
        for fault in message.faults:
            rows.rejects.append(_reject_row(message, fault))
        if message.client_id is None or message.stream is None:
            continue
        key = (message.client_id, message.stream)
        wanted = to_archive.get(key, set())
        begin, received_us = stream_part(*key), microseconds(message.received_at)
        for sample in message.samples:
            if sample.sequence_no in wanted:
                wanted.discard(sample.sequence_no)
                _add_data(rows.data, begin, sample, received_us)
                _add_figures(rows, key, sample, message.received_at)
        unwanted = to_reject.get(key, set())
        for reject in message.rejects:
            if reject.sequence_no in unwanted:
                unwanted.discard(reject.sequence_no)
                rows.rejects.append(_reject_row(message, reject))
    return rows


# The two innermost loops of the worker, a step for each metric of each reading, so they are written to be fast.
def _add_data(data: list[bytes], begin: bytes, sample: Sample, received_us: int) -> None:
    begin += number_part(sample.sequence_no)
    claimed_us = None if sample.claimed_at is None else microseconds(sample.claimed_at)
    end = times_part(microseconds(sample.recorded_at), received_us, claimed_us)
    for metric, value in sample.metrics.items():
        data.append(begin + metric_part(metric) + value_part(value) + end)


def _add_figures(rows: Rows, key: StreamKey, sample: Sample, received_at: datetime) -> None:
    client_id, stream = key
    number, recorded_at = sample.sequence_no, sample.recorded_at
    newest = rows.newest.setdefault(client_id, {})
    minutes = rows.minutes.setdefault((client_id, recorded_at.replace(second=0, microsecond=0)), {})
    for metric, value in sample.metrics.items():
        known = newest.get(metric)
        if known is None or recorded_at > known[0] or (recorded_at, stream, number) > known[:3]:
            newest[metric] = (recorded_at, stream, number, received_at, value)
        minute = minutes.get(metric)
        if minute is None:
            minutes[metric] = Minute(1, float(value), float(value), float(value))
        else:
            _add_to_minute(minute, float(value))


def _add_to_minute(minute: Minute, value: float) -> None:
    minute.samples += 1
    if value < minute.least:  # min() and max() are calls
        minute.least = value
    elif value > minute.greatest:
        minute.greatest = value
    total = minute.total + value
    if total > _MOST:
        total = _MOST
    elif total < -_MOST:
        total = -_MOST
    minute.total = total


def _reject_row(message: Decoded, reject: Reject) -> RejectRow:
    return RejectRow(
        message.client_id,
        message.stream,
        reject.sequence_no,
        message.topic,
        reject.reason,
        reject.excerpt,
        message.received_at,
    )

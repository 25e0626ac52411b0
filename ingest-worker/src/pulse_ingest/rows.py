"""
Decoded messages and settlements to rows: telemetry_data, newest values, minute rollups, rejects.

Pure. Each number is stored once: the first copy in the order of coming. Read next: ``copy_format``, ``writer``.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pulse_acl.ranges import union

from .copy_format import EPOCH, metric_part, microseconds, number_part, stream_part, times_part, value_part
from .ledger import Claim, Settlement
from .messages import Decoded, Reject, Sample, Scalar

StreamKey = tuple[str, UUID]
Typed = tuple[float | None, int | None, bool | None]
Newest = tuple[datetime, UUID, int, datetime, Scalar]  # recorded at, stream, number, received at, value
TOO_MANY_GAPS = "too many gaps in the stream: numbers run 1, 2, 3 …; nothing more of it is settled"
TOO_MANY_AT_ONCE = "too many gaps in this device's streams at once; sent alone, this stream is settled"
_MOST = sys.float_info.max
_MINUTE_US = 60_000_000


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


_Values = dict[int, dict[str, list[Scalar]]]  # by minute since 2000 and metric
_Newest = tuple[tuple[Any, ...], Decoded, Sample]  # what decides which is newer, and where it stands


class _Gathered:
    """What all samples of a device add up to; it becomes figures once they have all been seen."""

    def __init__(self) -> None:
        self.values: dict[str, _Values] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
        self.newest: dict[str, dict[str, _Newest]] = defaultdict(dict)

    def finish(self, rows: Rows) -> None:
        """Put the figures into *rows*."""
        for client_id, by_minute in self.values.items():
            for minute, by_metric in by_minute.items():
                rows.minutes[client_id, EPOCH + timedelta(minutes=minute)] = {
                    metric: _minute_of(values) for metric, values in by_metric.items()
                }
        for client_id, by_metric_newest in self.newest.items():
            rows.newest[client_id] = {
                metric: (*mark, message.received_at, sample.metrics[metric])
                for metric, (mark, message, sample) in by_metric_newest.items()
            }


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
    gathered = _Gathered()
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
                _add_sample(rows.data, begin, received_us, sample, gathered.values[message.client_id])
                _raise_newest(gathered.newest[message.client_id], message, sample)
        unwanted = to_reject.get(key, set())
        for reject in message.rejects:
            if reject.sequence_no in unwanted:
                unwanted.discard(reject.sequence_no)
                rows.rejects.append(_reject_row(message, reject))
    gathered.finish(rows)
    return rows


def too_many_gaps(messages: Sequence[Decoded], streams: Mapping[StreamKey, str]) -> list[RejectRow]:
    """Return a row for each of *streams* with the reason why nothing of it in *messages* is settled."""
    first: dict[StreamKey, Decoded] = {}
    for message in messages if streams else ():
        if message.client_id is not None and message.stream is not None:
            first.setdefault((message.client_id, message.stream), message)
    return [_reject_row(first[key], Reject(None, reason, "")) for key, reason in sorted(streams.items())]


# The innermost loops of the worker, a step for each metric of each reading, so they are written to be fast.
def _add_sample(data: list[bytes], begin: bytes, received_us: int, sample: Sample, values: _Values) -> None:
    recorded_us = microseconds(sample.recorded_at)
    claimed_us = None if sample.claimed_at is None else microseconds(sample.claimed_at)
    begin += number_part(sample.sequence_no)
    end = times_part(recorded_us, received_us, claimed_us)
    minute = values[recorded_us // _MINUTE_US]
    for metric, value in sample.metrics.items():
        data.append(begin + metric_part(metric) + value_part(value) + end)
        minute[metric].append(value)


def _raise_newest(newest: dict[str, _Newest], message: Decoded, sample: Sample) -> None:
    mark = (sample.recorded_at, message.stream, sample.sequence_no)
    entry = (mark, message, sample)
    for metric in sample.metrics:
        known = newest.get(metric)
        if known is None or mark > known[0]:
            newest[metric] = entry


def _minute_of(values: Sequence[Scalar]) -> Minute:
    figures = [float(value) for value in values]
    return Minute(len(figures), min(figures), max(figures), max(-_MOST, min(_MOST, sum(figures))))


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

"""
The payloads that a device publishes, put together from rows and figures. Pure.

Metrics are stored as JSON and travel as they are, so that not one digit is touched on the way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec
from msgspec import UNSET

from pulse_acl.payloads import (
    MAX_HELD_STREAMS,
    BatchReading,
    Heartbeat,
    HeldOlder,
    HeldStream,
    Metrics,
    PendingSample,
    Reading,
    ReadingBatch,
    encode,
    format_time,
)
from pulse_acl.ranges import Range

from ... import __version__
from ..outbox import OutboxState
from ..outbox.reader import ENVELOPE_BYTES
from ..readings import MetricValue, StoredReading

BATCH_BYTES = 250 * 1024  # leaves room for the batch's own fields below the contract's 256 KiB
_decode_metrics = msgspec.json.Decoder(dict[str, bool | int | float]).decode


@dataclass(frozen=True, slots=True)
class Mirrored:
    """Where the device is in the server's records, and which change of the settings is in force."""

    history: str | None = None
    identity_version: int | None = None
    config_version: int | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What a heartbeat tells besides the outbox: intervals in seconds, newest sign of an ingest worker, samples."""

    sampling_interval_s: float
    heartbeat_interval_s: float
    ingest_seen: str | None = None
    latest: Mapping[str, MetricValue] | None = None
    sample: Sequence[StoredReading] = ()
    mirrored: Mirrored = Mirrored()


def live(client_id: str, row: StoredReading, clock_offset_ms: int | None) -> bytes:
    """Write one row as a Reading."""
    reading = Reading(
        client_id=client_id,
        stream=row.stream,
        sequence_no=row.sequence_no,
        timestamp=row.recorded_at,
        metrics=_raw(row),
        clock_offset_ms=UNSET if clock_offset_ms is None else clock_offset_ms,
    )
    return encode(reading)


def batch(client_id: str, rows: Sequence[StoredReading]) -> bytes:
    """Write rows of one stream, ascending, as a ReadingBatch."""
    readings = [BatchReading(sequence_no=row.sequence_no, timestamp=row.recorded_at, metrics=_raw(row)) for row in rows]
    return encode(ReadingBatch(client_id=client_id, stream=rows[0].stream, readings=readings))


def loss(client_id: str, stream: str, ranges: Sequence[Range]) -> bytes:
    """Write a ReadingBatch of nothing but declarations of loss."""
    return encode(ReadingBatch(client_id=client_id, stream=stream, readings=[], lost=list(ranges)))


def parts(rows: Sequence[StoredReading]) -> list[Sequence[StoredReading]]:
    """Cut rows of one stream so that each part fits into one message; at least one part when there are rows."""
    found: list[list[StoredReading]] = []
    size = BATCH_BYTES + 1
    for row in rows:
        size += len(row.metrics) + ENVELOPE_BYTES
        if size > BATCH_BYTES:
            found.append([])
            size = len(row.metrics) + ENVELOPE_BYTES
        found[-1].append(row)
    return list(found)


def metrics_of(row: StoredReading) -> dict[str, MetricValue]:
    """Return the values of a row."""
    return _decode_metrics(row.metrics)


def will(client_id: str) -> bytes:
    """Write the heartbeat that the broker publishes when the connection breaks."""
    return encode(Heartbeat(client_id=client_id, status="OFFLINE"))


def heartbeat(client_id: str, status: str, now: datetime, state: OutboxState, figures: Figures) -> bytes:
    """
    Write a heartbeat from one consistent picture.

    ``held`` and ``last_sequence_no`` come from the same commit: with what the archive has settled they cover
    every number. A stream's ``first`` and ``last`` span its declared losses too, which no receipt has named;
    its ``count`` is of readings. Source: delivery invariant L3.
    """
    held = sorted((stream for stream in state.streams if stream.is_open), key=lambda stream: stream.stream)
    older, newest = held[:-MAX_HELD_STREAMS], held[-MAX_HELD_STREAMS:]
    beat = Heartbeat(
        client_id=client_id,
        status=status,  # type: ignore[arg-type]  # from connection.STATUS
        timestamp=format_time(now),
        stream=state.current.stream,
        last_sequence_no=state.current.last_no,
        held=[HeldStream(stream=s.stream, first=s.open_span[0], last=s.open_span[1], count=s.held) for s in newest],
        held_older=HeldOlder(newest=older[-1].stream, streams=len(older), count=sum(s.held for s in older))
        if older
        else None,
        kept_since=state.kept_since,
        resent_since=state.resent_since,
        pending=state.held,
        unarchived=state.sent,
        quarantined=state.quarantined,
        pending_sample=[PendingSample(sequence_no=r.sequence_no, metrics=metrics_of(r)) for r in figures.sample]
        or None,
        last_sync_at=state.last_sync_at,
        oldest_pending_at=state.oldest_at,
        buffer_used_pct=state.used_pct,
        sampling_interval_s=figures.sampling_interval_s,
        heartbeat_interval_s=figures.heartbeat_interval_s,
        history=figures.mirrored.history,
        config_version=figures.mirrored.config_version,
        identity_version=figures.mirrored.identity_version,
        ingest_seen=figures.ingest_seen,
        app_version=__version__,
        latest=dict(figures.latest) if figures.latest else None,
    )
    return encode(beat)


def _raw(row: StoredReading) -> Metrics:
    return cast(Metrics, msgspec.Raw(row.metrics))

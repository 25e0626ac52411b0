"""
Every figure that ``/metrics`` shows; nothing else in the worker names a metric.

Read next: ``metrics_http``, which serves them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from .messages import Decoded
from .writer import Written

_LAG_BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 600.0, 3600.0, 86400.0)
_SIZE_BUCKETS = (1, 10, 50, 100, 250, 500, 1_000, 2_000)


class Measures:
    """The worker's metrics, in a registry of their own."""

    def __init__(self) -> None:
        """Make every metric at nought."""
        self.registry = CollectorRegistry()
        made = self.registry
        ProcessCollector(registry=made)
        messages = Counter("pulse_ingest_messages", "Messages taken from the broker", ["kind"], registry=made)
        self.telemetry, self.others = messages.labels("telemetry"), messages.labels("other")
        self.dropped = Counter("pulse_ingest_dropped", "Messages dropped because memory was full", registry=made)
        self.failed = Counter("pulse_ingest_failed", "Messages that a fault of the worker kept out", registry=made)
        self.archived = Counter("pulse_ingest_archived_readings", "Readings archived", registry=made)
        self.duplicates = Counter("pulse_ingest_duplicate_readings", "Readings that had a fate", registry=made)
        self.rejects = Counter("pulse_ingest_rejects", "Rows of telemetry_rejects offered", registry=made)
        self.unknown_fields = Counter("pulse_ingest_unknown_fields", "Fields nobody here knows", registry=made)
        self.left_unanswered = Counter("pulse_ingest_left_unanswered", "Readings that fail alone", registry=made)
        self.receipts = Counter("pulse_ingest_receipts", "Receipts published", registry=made)
        self.receipts_unsent = Counter("pulse_ingest_receipts_unsent", "Receipts without a broker", registry=made)
        self.refused = Counter(
            "pulse_ingest_publications_refused", "PUBACKs with a refusal (MQTT 5)", ["reason"], registry=made
        )
        self.unheard = Counter(
            "pulse_ingest_publications_unheard", "PUBACKs that say nobody is subscribed (MQTT 5)", registry=made
        )
        self.side_dropped = Counter(
            "pulse_ingest_side_dropped", "Heartbeats and audit rows that could not be stored", registry=made
        )
        self.expired_days = Counter("pulse_ingest_expired_days", "Partitions dropped for their age", registry=made)
        self.expired_rows = Counter(
            "pulse_ingest_expired_rows", "Old rows deleted from the DEFAULT partition", registry=made
        )
        self.expired_rejects = Counter(
            "pulse_ingest_expired_rejects", "Records of rejects deleted for their age", registry=made
        )
        self.reconnects = Counter("pulse_ingest_connections", "Connections to the broker made", registry=made)
        self.batch_readings = Histogram(
            "pulse_ingest_batch_readings", "Size of batches", buckets=_SIZE_BUCKETS, registry=made
        )
        self.commit_seconds = Histogram("pulse_ingest_commit_seconds", "Time a transaction takes", registry=made)
        self.recorded_lag = Histogram(
            "pulse_ingest_recorded_to_archived_seconds",
            "From measuring to COMMIT, newest reading of each batch",
            buckets=_LAG_BUCKETS_S,
            registry=made,
        )
        self.received_lag = Histogram(
            "pulse_ingest_received_to_archived_seconds",
            "From the broker to COMMIT, oldest message of each batch",
            buckets=_LAG_BUCKETS_S,
            registry=made,
        )
        self._held_bytes = Gauge("pulse_ingest_held_bytes", "Memory held by messages not yet decoded", registry=made)
        self._oldest = Gauge(
            "pulse_ingest_oldest_waiting_seconds", "Age of the oldest telemetry message not yet stored", registry=made
        )
        self._connected = Gauge("pulse_ingest_connected", "1 while connected to the broker", registry=made)

    def watch(
        self, *, held_bytes: Callable[[], float], oldest_s: Callable[[], float], connected: Callable[[], float]
    ) -> None:
        """Tell where the present values of the gauges come from."""
        self._held_bytes.set_function(held_bytes)
        self._oldest.set_function(oldest_s)
        self._connected.set_function(connected)

    def batch_committed(self, messages: Sequence[Decoded], written: Written, now: datetime, seconds: float) -> None:
        """Count a committed batch; *seconds* is what the transaction took, *now* is after its COMMIT."""
        self.archived.inc(written.archived)
        self.duplicates.inc(written.duplicates)
        self.rejects.inc(written.rejected)
        self.unknown_fields.inc(sum(message.unknown_fields for message in messages))
        self.batch_readings.observe(sum(len(message.samples) for message in messages))
        self.commit_seconds.observe(seconds)
        self.received_lag.observe(max(0.0, (now - min(message.received_at for message in messages)).total_seconds()))
        recorded = [message.samples[-1].recorded_at for message in messages if message.samples]
        if recorded:
            self.recorded_lag.observe(max(0.0, (now - max(recorded)).total_seconds()))

    def exposition(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)

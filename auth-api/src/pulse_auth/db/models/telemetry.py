"""
The archive's tables and the audit log, as plain tables: the worker writes them, the API reads them.

``telemetry_data`` is partitioned by day of ``recorded_at`` and has no key of its own: the ledger is what
keeps a reading from being stored twice.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, JSON, JSONB

from .base import Base

_TIME = DateTime(timezone=True)
_NO_NUMBERS = text("'{}'::int8multirange")

telemetry_data = Table(
    "telemetry_data",
    Base.metadata,
    Column("client_id", Text, nullable=False),
    Column("stream", Uuid, nullable=False),
    Column("sequence_no", BigInteger, nullable=False),
    Column("metric_key", Text, nullable=False),
    Column("metric_value", Double),
    Column("metric_long", BigInteger),
    Column("metric_bool", Boolean),
    Column("recorded_at", _TIME, nullable=False),
    Column("received_at", _TIME, nullable=False),
    Column("claimed_at", _TIME),
    CheckConstraint("num_nonnulls(metric_value, metric_long, metric_bool) = 1", name="one_value"),
    Index("telemetry_data_history", "client_id", "metric_key", "recorded_at"),
    postgresql_partition_by="RANGE (recorded_at)",
)

telemetry_ledger = Table(
    "telemetry_ledger",
    Base.metadata,
    Column("client_id", Text, primary_key=True),
    Column("stream", Uuid, primary_key=True),
    Column("settled", INT8MULTIRANGE, nullable=False, server_default=_NO_NUMBERS),
    Column("rejected", INT8MULTIRANGE, nullable=False, server_default=_NO_NUMBERS),
    Column("lost", INT8MULTIRANGE, nullable=False, server_default=_NO_NUMBERS),
    Column("produced", BigInteger, nullable=False, server_default=text("0")),
    Column("archived_count", BigInteger, nullable=False, server_default=text("0")),
    Column("duplicate_count", BigInteger, nullable=False, server_default=text("0")),
    Column("first_seen_at", _TIME, nullable=False),
    Column("last_seen_at", _TIME, nullable=False),
    Index("telemetry_ledger_lost", "client_id", postgresql_where=text("lost && '{(,)}'::int8multirange")),
)

telemetry_latest = Table(
    "telemetry_latest",
    Base.metadata,
    Column("client_id", Text, primary_key=True),
    Column("metric_key", Text, primary_key=True),
    Column("metric_value", Double),
    Column("metric_long", BigInteger),
    Column("metric_bool", Boolean),
    Column("stream", Uuid, nullable=False),
    Column("sequence_no", BigInteger, nullable=False),
    Column("recorded_at", _TIME, nullable=False),
    Column("received_at", _TIME, nullable=False),
)

telemetry_minute = Table(
    "telemetry_minute",
    Base.metadata,
    Column("client_id", Text, primary_key=True),
    Column("metric_key", Text, primary_key=True),
    Column("minute", _TIME, primary_key=True),
    Column("samples", BigInteger, nullable=False),
    Column("least", Double, nullable=False),
    Column("greatest", Double, nullable=False),
    Column("total", Double, nullable=False),
)

telemetry_rejects = Table(
    "telemetry_rejects",
    Base.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("client_id", Text),
    Column("stream", Uuid),
    Column("sequence_no", BigInteger),
    Column("topic", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("excerpt", Text, nullable=False, server_default=text("''")),
    Column("received_at", _TIME, nullable=False, server_default=func.now()),
    Column("superseded_at", _TIME),
    Index(
        "telemetry_rejects_reading",
        "client_id",
        "stream",
        "sequence_no",
        unique=True,
        postgresql_where=text("stream IS NOT NULL AND sequence_no IS NOT NULL"),
    ),
    Index("telemetry_rejects_recent", text("received_at DESC")),
)

device_presence = Table(
    "device_presence",
    Base.metadata,
    Column("client_id", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("heartbeat", JSON, nullable=False),
    Column("heartbeat_at", _TIME),
    Column("received_at", _TIME, nullable=False),
)

reconcile_requests = Table(
    "reconcile_requests",
    Base.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("wanted_since", _TIME, nullable=False),
    Column("requested_at", _TIME, nullable=False, server_default=func.now()),
)

reconcile_devices = Table(
    "reconcile_devices",
    Base.metadata,
    Column("request_id", BigInteger, ForeignKey("reconcile_requests.id"), primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("asked_at", _TIME, nullable=False),
    Column("resent_since", _TIME),
    Column("done_at", _TIME),
)

audit_log = Table(
    "audit_log",
    Base.metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", _TIME, nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("entity_type", Text, nullable=False, server_default=text("''")),
    Column("entity_id", Text, nullable=False, server_default=text("''")),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("detail", JSONB),
    Column("address", Text),
    Index("audit_log_recent", text("at DESC"), text("id DESC")),
)

"""
Figures of the whole system for ``/metrics``: what devices say and lost, the database's size, disk, the CA's end.

Asked of the database four times a minute and not at each scrape, so that nobody can load it by asking. What cannot
be asked keeps its last figure; ``pulse_database_up`` tells that it is old.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import shutil
from pathlib import Path
from typing import Literal

import structlog
from cryptography import x509
from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ...db.session import Sessions
from ...settings import Settings
from .backups import NEWEST_BACKUP

EVERY_S = 15.0
WITHIN_S = 10.0
_STATES = ("ONLINE", "SYNCING", "OFFLINE")
# Who has not been heard for 90 s (three heartbeats of the longest usual interval) counts as OFFLINE, whatever it said.
# Sums are doubles, since figures of many devices may pass 64 bits; what is no time is passed over.
_DEVICES = text("""
SELECT CASE WHEN received_at > now() - interval '90 s' THEN status ELSE 'OFFLINE' END AS state,
       count(*) AS devices,
       coalesce(sum((heartbeat ->> 'pending')::bigint), 0)::float8 AS pending,
       coalesce(sum((heartbeat ->> 'unarchived')::bigint), 0)::float8 AS unarchived,
       coalesce(sum((heartbeat ->> 'quarantined')::bigint), 0)::float8 AS quarantined,
       extract(epoch FROM max(now() - CASE
           WHEN pg_input_is_valid(heartbeat ->> 'oldest_pending_at', 'timestamptz')
           THEN (heartbeat ->> 'oldest_pending_at')::timestamptz END)
           FILTER (WHERE (heartbeat ->> 'unarchived')::bigint > 0))::float8 AS oldest_s
FROM device_presence GROUP BY state
""")
# Few rows have any. Written as the index telemetry_ledger_lost is, so that the others are not read: overlapping all
# numbers is having any, and unlike "not empty" it is a condition whose share of the rows PostgreSQL can tell.
_LOST = text("""
SELECT coalesce(sum(upper(span) - lower(span)), 0)::float8
FROM telemetry_ledger CROSS JOIN LATERAL unnest(lost) AS span WHERE lost && '{(,)}'::int8multirange
""")
_SIZE = text("SELECT pg_database_size(current_database())")
_log = structlog.get_logger()


class SystemFigures:
    """The gauges, and the loop that sets them."""

    def __init__(self, registry: CollectorRegistry, sessions: Sessions, settings: Settings) -> None:
        self._sessions, self._settings = sessions, settings

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(f"pulse_{name}", meaning, labels, registry=registry)

        self._devices = gauge("devices", "Devices by state; who is not heard is OFFLINE", "state")
        for state in _STATES:
            self._devices.labels(state)
        self._pending = gauge("devices_pending_readings", "Readings in the buffers of devices, as last heard")
        self._unarchived = gauge("devices_unanswered_readings", "Of these, published and not answered")
        self._quarantined = gauge("devices_quarantined_readings", "Rejected readings that devices keep")
        self._oldest = gauge("devices_oldest_unanswered_seconds", "Age of the oldest such reading of a heard device")
        self._lost = gauge("archive_lost_readings", "Readings that devices declared lost, ever; NaN: not yet asked")
        self._lost.set(math.nan)  # an alert on its rise must not take the first figure for one
        self._backup = gauge(
            "backup_timestamp_seconds", "When the newest backup was made; 0: none known; NaN: no job here"
        )
        if not settings.has_backup_job:
            self._backup.set(math.nan)
        self._up = gauge("database_up", "1 while the database answers the API")
        self._bytes = gauge("database_bytes", "Size of the database")
        free = gauge("home_free_bytes", "Free bytes on the disk of PULSE_HOME")
        size = gauge("home_size_bytes", "Size of that disk")
        free.set_function(lambda: _disk(settings.home, "free"))
        size.set_function(lambda: _disk(settings.home, "total"))
        self._ca_ends = gauge("ca_expiry_timestamp_seconds", "When the CA that devices trust runs out; 0: unknown")

    async def run(self) -> None:
        """Ask again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Ask once."""
        with contextlib.suppress(OSError, ValueError):
            certificate = x509.load_pem_x509_certificate(self._settings.ca_file.read_bytes())
            self._ca_ends.set(certificate.not_valid_after_utc.timestamp())
        try:
            async with asyncio.timeout(WITHIN_S), self._sessions() as session:
                self._bytes.set(float(await session.scalar(_SIZE) or 0))
                rows = {row.state: row for row in await session.execute(_DEVICES)}
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            self._up.set(float(_is_of_the_data(error)))
            _log.warning("health.figures_not_asked", error=type(error).__name__)
            return
        self._up.set(1)
        for state in _STATES:
            self._devices.labels(state).set(rows[state].devices if state in rows else 0)
        for gauge, column in (
            (self._pending, "pending"),
            (self._unarchived, "unarchived"),
            (self._quarantined, "quarantined"),
        ):
            gauge.set(sum(getattr(row, column) for row in rows.values()))
        heard = [row.oldest_s or 0.0 for state, row in rows.items() if state != "OFFLINE"]
        self._oldest.set(max(heard, default=0.0))
        await self._look_apart("lost", self._lost, _LOST)
        if self._settings.has_backup_job:
            await self._look_apart("backup", self._backup, text(NEWEST_BACKUP))

    async def _look_apart(self, name: str, gauge: Gauge, question: TextClause) -> None:
        """Ask apart from the others: it may be slow in a long table, and the database is up all the same."""
        try:
            async with asyncio.timeout(WITHIN_S), self._sessions() as session:
                gauge.set(float(await session.scalar(question) or 0))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            _log.warning(f"health.{name}_not_asked", error=type(error).__name__)


def _is_of_the_data(error: Exception) -> bool:
    """Tell whether a stored value was the fault (SQLSTATE class 22), so that the database is there all the same."""
    return isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")).startswith("22")


def _disk(home: Path, which: Literal["free", "total"]) -> float:
    """Return bytes of the disk; NaN when the folder is gone, so that all other figures are still told."""
    try:
        return float(getattr(shutil.disk_usage(home), which))
    except OSError:
        return math.nan

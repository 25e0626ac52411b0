"""
What this service says of itself: ONLINE, or DEGRADED when the database is away.

Asks the database within a bound and remembers the database's history as soon as it has once been read.
Read next: ``publisher`` (who sends it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from pulse_acl.payloads import ServiceStatus, encode, format_time
from pulse_acl.topics import Topic, build

from ...db.models import RecordVersion
from ...db.session import Sessions

SERVICE = "auth-api"
_ASK_WITHIN_S = 2.0
_log = structlog.get_logger(__name__)


@dataclass
class StatusSource:
    """Makes the status of one instance; ``history`` is ``None`` until the database has told it."""

    instance: str
    version: str
    started_at: datetime
    sessions: Sessions
    history: UUID | None = field(default=None)

    @property
    def topic(self) -> str:
        """Return the topic of this instance's status."""
        return build(Topic.SERVICE_STATUS, service=SERVICE, instance=self.instance)

    async def check(self) -> Mapping[str, str]:
        """Return the checks of this moment; the broker is ``ok`` for whoever can read it."""
        return {"database": "ok" if await self._ask_database() else "away", "broker": "ok"}

    def message(self, checks: Mapping[str, str], now: datetime) -> bytes:
        """Return the status with *checks* at *now*."""
        well = all(found == "ok" for found in checks.values())
        return self._encode("ONLINE" if well else "DEGRADED", checks, now)

    def farewell(self, now: datetime) -> bytes:
        """Return the status of a service that ends by itself."""
        return self._encode("OFFLINE", {}, now)

    def will(self) -> bytes:
        """Return what the broker says when we are gone without a word."""
        return encode(ServiceStatus(service=SERVICE, instance=self.instance, status="OFFLINE"))

    async def _ask_database(self) -> bool:
        try:
            async with asyncio.timeout(_ASK_WITHIN_S), self.sessions() as session:
                self.history = await session.scalar(select(RecordVersion.history))
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            _log.debug("presence.database_away", error=type(error).__name__)
            return False
        return True

    def _encode(self, status: str, checks: Mapping[str, str], now: datetime) -> bytes:
        return encode(
            ServiceStatus(
                service=SERVICE,
                instance=self.instance,
                status=status,  # type: ignore[arg-type]
                checks=dict(checks),
                history=str(self.history) if self.history else None,
                version=self.version,
                started_at=format_time(self.started_at),
                at=format_time(now),
            )
        )

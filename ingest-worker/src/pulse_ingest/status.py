"""
What the worker says of itself on ``system/ingest/{instance}/status``, and whether its own word comes back.

Pure but for the clock passed in. A worker that hears its own status is subscribed; silence means that it is not,
however healthy it looks (failure case 43). Read next: ``link``.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from pulse_acl.payloads import ServiceStatus, encode, format_time
from pulse_acl.topics import Topic, build

from . import __version__
from .storage_state import OK, StorageState

INTERVAL_S = 5.0
MISSED = 3
ALARM_FOR = timedelta(seconds=60)  # after the last publication that the broker refused
SERVICE = "ingest"


class StatusSource:
    """Makes the payloads of one process; ``started_at`` is the same in all of them."""

    def __init__(self, instance: str, started_at: datetime, state: StorageState) -> None:
        """Take the name of this *instance* and what its answers are about."""
        self.topic = build(Topic.SERVICE_STATUS, service=SERVICE, instance=instance)
        self._instance = instance
        self._started_at = started_at
        self._state = state
        self._refused: tuple[int, datetime] | None = None

    def publication_refused(self, reason: int, at: datetime) -> bool:
        """Note that the broker refused one of our publications; tell whether that changes the status."""
        news = self._publications(at) == OK
        self._refused = (reason, at)
        return news

    def present(self, at: datetime) -> bytes:
        """Return the present status: DEGRADED unless every check is ``ok``."""
        checks = {"database": self._state.database, "durability": self._state.durability}
        checks["publications"] = self._publications(at)
        healthy = all(found == OK for found in checks.values())
        return self._encoded("ONLINE" if healthy else "DEGRADED", at, checks)

    def _publications(self, at: datetime) -> str:
        if self._refused is None or at - self._refused[1] > ALARM_FOR:
            return OK
        return f"refused by the broker, reason code {self._refused[0]}"

    def offline(self, at: datetime) -> bytes:
        """Return the last word of a worker that ends as asked."""
        return self._encoded("OFFLINE", at, {})

    def will(self) -> bytes:
        """Return what the broker is to say when the worker vanishes: nothing but who, and OFFLINE."""
        return encode(ServiceStatus(service=SERVICE, instance=self._instance, status="OFFLINE"))

    def _encoded(self, status: str, at: datetime, checks: dict[str, str]) -> bytes:
        return encode(
            ServiceStatus(
                service=SERVICE,
                instance=self._instance,
                status=status,  # type: ignore[arg-type]  # one of the three, see the callers
                checks=checks,
                history=str(self._state.history) if self._state.history else None,
                version=__version__,
                started_at=format_time(self._started_at),
                at=format_time(at),
            )
        )


class SignOfLife:
    """Compares what was published with what came back, for one connection."""

    def __init__(self, now: float, *, interval_s: float = INTERVAL_S) -> None:
        """Begin at *now* (monotonic seconds), when the subscription stood; a status goes out every *interval_s*."""
        self._sent: deque[bytes] = deque(maxlen=8)
        self._heard_at = now
        self._patience_s = MISSED * interval_s

    def sent(self, payload: bytes) -> None:
        """Note a published status."""
        self._sent.append(payload)

    def heard(self, payload: bytes, now: float) -> None:
        """Note a status that came; only one of this connection's own counts."""
        if payload in self._sent:
            self._heard_at = now

    def excused(self, now: float) -> None:
        """Begin to wait anew: the silence is our own doing, messages are held back until the archive is there."""
        self._heard_at = now

    def is_silent(self, now: float) -> bool:
        """Tell whether nothing of our own came back for three intervals."""
        return now - self._heard_at > self._patience_s

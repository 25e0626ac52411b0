"""
What the archive's workers say about themselves, as far as delivery needs it.

Pure; time is passed in. Three missed signs of life mean OFFLINE. Source: delivery, "The device", points 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from pulse_acl.payloads import ServiceStatus

INTERVAL_S = 5.0
MISSED = 3


@dataclass(frozen=True, slots=True)
class _Seen:
    status: ServiceStatus
    seen_at: float


class IngestWatch:
    """The newest status of each ingest instance."""

    def __init__(self) -> None:
        self._instances: dict[str, _Seen] = {}
        self._started: set[tuple[str, str]] = set()
        self.newest_online_at: str | None = None
        self._versions: set[str] = set()

    def take(self, status: ServiceStatus, now: float) -> bool:
        """Take one status in; tell whether a worker has started since others were heard."""
        self._instances[status.instance] = _Seen(status, now)
        if status.status == "ONLINE" and status.at is not None:
            self.newest_online_at = max(self.newest_online_at or status.at, status.at)
        if status.status == "OFFLINE" or status.started_at is None:
            return False
        start = (status.instance, status.started_at)
        is_new = bool(self._started) and start not in self._started
        self._started = {known for known in self._started if known[0] != status.instance} | {start}
        return is_new

    def is_new_version(self, status: ServiceStatus) -> bool:
        """Tell whether an instance speaks of a version for the first time; two side by side take no turns at it."""
        if status.status != "ONLINE" or status.version is None or status.version in self._versions:
            return False
        self._versions.add(status.version)
        return True

    def is_away(self, now: float) -> bool:
        """Tell whether at least one instance is known and none can archive at the moment."""
        return bool(self._instances) and not any(self._archives(seen, now) for seen in self._instances.values())

    def said_at(self) -> float:
        """Return when an instance was heard last."""
        return max((seen.seen_at for seen in self._instances.values()), default=float("-inf"))

    @staticmethod
    def _archives(seen: _Seen, now: float) -> bool:
        if seen.status.status == "OFFLINE" or now - seen.seen_at > MISSED * INTERVAL_S:
            return False
        return seen.status.checks.get("database", "ok") == "ok"

"""
Whether the archive can be relied on now: what batches met, what the regular check met, what a COMMIT is worth.

Pure but for logging changes. Read next: ``status``, which tells the world.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import structlog

from .writer import Durability

log = structlog.get_logger()
OK = "ok"
AWAY = "away"


class StorageState:
    """Knows the state of the database; calls ``on_change`` when what it would answer has changed."""

    def __init__(self) -> None:
        """Begin as away: nothing was stored yet."""
        self.on_change: Callable[[], None] = lambda: None
        self._batch_fails = False
        self._check_fails = True
        self._durability = "unknown"
        self.history: UUID | None = None  # of the database, as last seen

    @property
    def database(self) -> str:
        """``ok`` when readings can be stored, else ``away``."""
        return AWAY if self._batch_fails or self._check_fails else OK

    @property
    def durability(self) -> str:
        """``ok`` when a COMMIT survives a power cut and the loss of a server, else the reason."""
        return self._durability

    def went_away(self, reason: str) -> None:
        """Note that a batch could not be stored because the database is away."""
        self._update(reason, batch_fails=True)

    def came_back(self) -> None:
        """Note that a batch was committed."""
        self._update("", batch_fails=False)

    def check_failed(self, reason: str) -> None:
        """Note that the regular check found nobody."""
        self._update(reason, check_fails=True)

    def check_passed(self, found: Durability) -> None:
        """Note what the regular check found."""
        durability = judge(found)
        if (durability, found.history) != (self._durability, self.history):
            if durability not in {OK, self._durability}:
                log.warning("storage.durability_doubted", reason=durability)
            self._durability, self.history = durability, found.history
            self.on_change()
        self._update("", check_fails=False)

    def _update(self, reason: str, *, batch_fails: bool | None = None, check_fails: bool | None = None) -> None:
        before = self.database
        if batch_fails is not None:
            self._batch_fails = batch_fails
        if check_fails is not None:
            self._check_fails = check_fails
        if reason and batch_fails:
            log.warning("storage.batch_waits", reason=reason)
        if self.database != before:
            if self.database == OK:
                log.info("storage.came_back")
            else:
                log.warning("storage.went_away", reason=reason)
            self.on_change()


def judge(found: Durability) -> str:
    """Return ``ok``, or why a COMMIT on such a server may be lost."""
    if not found.fsync:
        return "fsync is off"
    if found.standbys and not found.synchronous:
        return "a standby exists and none is synchronous"
    return OK

"""The clock that is passed in everywhere; tests pass their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present time, aware and in UTC."""
    return datetime.now(UTC)

"""
When to write: batches by size or age, and a bounded place for messages that wait.

Pure; the clock is passed in as seconds of any monotonic clock. Read next: ``pipeline``, which drives both.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime

from .messages import Decoded, Raw

BATCH_READINGS = 1_000
BATCH_AGE_S = 0.05
# Of the ``subscriber.RECEIVE_MAXIMUM`` that come before any is acknowledged; the others may be heartbeats.
BATCH_MESSAGES = 900
INTAKE_BYTES = 64 * 1024 * 1024


class Batcher:
    """Collects decoded messages until they weigh enough or the oldest has waited long enough."""

    def __init__(
        self, *, size: int = BATCH_READINGS, age_s: float = BATCH_AGE_S, messages: int = BATCH_MESSAGES
    ) -> None:
        """Take the bounds: *size* in readings, *age_s* in seconds, and how many *messages*."""
        self._size = size
        self._messages = messages
        self._age_s = age_s
        self._held: list[Decoded] = []
        self._weight = 0
        self._since = 0.0

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is held."""
        return not self._held

    @property
    def oldest_received_at(self) -> datetime | None:
        """When the first message held came; ``None``: nothing is held."""
        return self._held[0].received_at if self._held else None

    @property
    def is_full(self) -> bool:
        """Tell whether a bound is reached; nothing should be added then."""
        return self._weight >= self._size or len(self._held) >= self._messages

    def add(self, message: Decoded, now: float) -> None:
        """Hold *message*; the age of a batch counts from its first message."""
        if not self._held:
            self._since = now
        self._held.append(message)
        self._weight += max(1, message.weight)

    def wait_s(self, now: float) -> float | None:
        """Return how long to wait until the batch is due: 0 when it is, ``None`` when nothing is held."""
        if not self._held:
            return None
        return 0.0 if self.is_full else max(0.0, self._since + self._age_s - now)

    def take(self) -> list[Decoded]:
        """Return what is held, in the order of its coming, and hold nothing."""
        taken, self._held, self._weight = self._held, [], 0
        return taken


class Intake:
    """Messages that nobody has decoded yet, bounded in bytes; what exceeds the bound is refused and counted."""

    def __init__(self, *, most_bytes: int = INTAKE_BYTES) -> None:
        """Take the bound in bytes, the objects' own size included."""
        self._most_bytes = most_bytes
        self._waiting: deque[Raw] = deque()
        self.held_bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._waiting)

    @property
    def oldest_received_at(self) -> datetime | None:
        """When the first message held came; ``None``: nothing is held."""
        return self._waiting[0].received_at if self._waiting else None

    def offer(self, raw: Raw) -> bool:
        """Hold *raw* and return ``True``, or count it as dropped and return ``False``."""
        if self.held_bytes + raw.held_bytes > self._most_bytes:
            self.dropped += 1
            return False
        self._waiting.append(raw)
        self.held_bytes += raw.held_bytes
        return True

    def take(self) -> Raw | None:
        """Return the oldest message, or ``None``."""
        if not self._waiting:
            return None
        raw = self._waiting.popleft()
        self.held_bytes -= raw.held_bytes
        return raw

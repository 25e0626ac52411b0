"""A message inside the broker, after a publisher was allowed to send it."""

from __future__ import annotations

from dataclasses import dataclass

_OVERHEAD_BYTES = 200  # what Python needs for one message besides topic and payload, roughly


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``qos`` is the publisher's, ``retain`` says that it comes from the retained store."""

    topic: str
    payload: bytes
    qos: int
    retain: bool = False

    @property
    def size(self) -> int:
        """Bytes it takes in memory, roughly."""
        return len(self.topic) + len(self.payload) + _OVERHEAD_BYTES

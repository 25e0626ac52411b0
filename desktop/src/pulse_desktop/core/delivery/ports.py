"""What delivery needs of the connection and of the outbox's writer, so that tests can put their own in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from pulse_acl.ranges import Range

from ..outbox import Settlement


class Channel(Protocol):
    """The connection to the broker, QoS 1."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Hand one message over; the number comes back with the broker's acknowledgement."""
        ...


class OutboxWriter(Protocol):
    """What the courier writes into the outbox."""

    def mark_sent(self, stream: str, ranges: Sequence[Range]) -> None:
        """Note that a broker acknowledged these rows."""
        ...

    def settle(self, settlement: Settlement) -> None:
        """Apply a checked receipt."""
        ...

    def put_back(self, since: str) -> None:
        """Take everything that was settled at or after *since* back as pending."""
        ...

    def offer_quarantined(self, version: str | None) -> None:
        """Offer what was rejected again when *version* of the archive's worker is a new one; ``None``: in any case."""
        ...

    def note(self, **fields: Any) -> None:
        """Write how the client is."""
        ...

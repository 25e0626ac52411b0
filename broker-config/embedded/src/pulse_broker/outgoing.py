"""
What waits for one client: messages in order, those in flight until their PUBACK, and the packet identifiers.

Pure memory, bounded in number and bytes, by itself and (``Budget``) with all other sessions together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from .messages import Message
from .packets import publish

MAX_IN_FLIGHT = 1_000
MAX_QUEUED = 20_000
MAX_QUEUED_BYTES = 32 * 1024 * 1024
MAX_TOTAL_BYTES = 256 * 1024 * 1024

Entry = tuple[Message, int]  # the QoS it goes out with


class Budget:
    """Bytes that all queues may hold together."""

    def __init__(self, limit: int = MAX_TOTAL_BYTES) -> None:
        self.limit = limit
        self.used = 0


class OutgoingQueue:
    """The messages for one session."""

    def __init__(self, budget: Budget, max_queued: int = MAX_QUEUED, max_bytes: int = MAX_QUEUED_BYTES) -> None:
        self._budget, self._max_queued, self._max_bytes = budget, max_queued, max_bytes
        self._waiting: deque[Entry] = deque()
        self._in_flight: dict[int, Entry] = {}
        self._again: deque[int] = deque()
        self._last_id = 0
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of messages that wait, without those in flight."""
        return len(self._waiting)

    @property
    def in_flight(self) -> int:
        """Messages that were sent and not acknowledged."""
        return len(self._in_flight)

    @property
    def held_bytes(self) -> int:
        """What this queue takes of the budget."""
        return self._bytes

    def has_room(self, message: Message) -> bool:
        """Tell whether *message* is within this queue's own bounds, whatever all queues hold together."""
        return len(self._waiting) < self._max_queued and self._bytes + message.size <= self._max_bytes

    def put(self, message: Message, qos: int) -> bool:
        """Add a message at the end. False: no room, nothing changed."""
        size = message.size
        if not self.has_room(message) or self._budget.used + size > self._budget.limit:
            return False
        self._waiting.append((message, qos))
        self._account(size)
        return True

    def drop_oldest(self) -> bool:
        """Give up the message that has waited longest (none in flight). False: nothing waits."""
        if not self._waiting:
            return False
        self._account(-self._waiting.popleft()[0].size)
        return True

    def take(self, most_bytes: int) -> tuple[bytes, int]:
        """Return the next packets, about *most_bytes* long, and their number; empty: nothing may go now."""
        packets: list[bytes] = []
        length = 0
        while length < most_bytes:
            packet = self._next_packet()
            if packet is None:
                break
            packets.append(packet)
            length += len(packet)
        return b"".join(packets), len(packets)

    def _next_packet(self) -> bytes | None:
        while self._again:
            number = self._again.popleft()
            if number in self._in_flight:
                return _packet(self._in_flight[number], number, dup=True)
        if not self._waiting or (self._waiting[0][1] and len(self._in_flight) >= MAX_IN_FLIGHT):
            return None
        entry = self._waiting.popleft()
        if not entry[1]:
            self._account(-entry[0].size)
            return _packet(entry, 0)
        number = self._free_id()
        self._in_flight[number] = entry
        return _packet(entry, number)

    def acknowledge(self, packet_id: int) -> bool:
        """Take the client's PUBACK; False when nothing of that number is in flight."""
        entry = self._in_flight.pop(packet_id, None)
        if entry is None:
            return False
        self._account(-entry[0].size)
        return True

    def resume(self, allowed: Callable[[str], int | None]) -> int:
        """
        Prepare for a new connection: forget what is forbidden, send again what was in flight.

        Args:
            allowed: The QoS for a topic, or ``None`` when its messages must not be sent any more.

        Returns:
            The number of messages forgotten.
        """
        kept = deque(entry for entry in self._waiting if allowed(entry[0].topic) is not None)
        in_flight = {number: entry for number, entry in self._in_flight.items() if allowed(entry[0].topic) is not None}
        forgotten = len(self._waiting) + len(self._in_flight) - len(kept) - len(in_flight)
        self._waiting, self._in_flight, self._again = kept, in_flight, deque(in_flight)
        total = sum(entry[0].size for entry in (*kept, *in_flight.values()))
        self._account(total - self._bytes)
        return forgotten

    def clear(self) -> None:
        """Forget everything."""
        self.resume(lambda _topic: None)

    def _account(self, size: int) -> None:
        self._bytes += size
        self._budget.used += size

    def _free_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._in_flight:
                return self._last_id


def _packet(entry: Entry, packet_id: int, *, dup: bool = False) -> bytes:
    message, qos = entry
    return publish(message.topic, message.payload, qos=qos, retain=message.retain, dup=dup, packet_id=packet_id)

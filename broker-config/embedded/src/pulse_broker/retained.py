"""
Retained messages: the newest of each topic, in memory only, with a bound on number and bytes.

amqtt's own store is not used: it has no bound, and hands every connecting client what matches anybody's
subscription. Who may retain or receive is decided by the callers.
"""

from __future__ import annotations

from collections.abc import Iterator

from pulse_acl.matching import matches

from .messages import Message

MAX_MESSAGES = 10_000
MAX_BYTES = 32 * 1024 * 1024


class RetainedStore:
    """The retained messages of the whole broker."""

    def __init__(self, max_messages: int = MAX_MESSAGES, max_bytes: int = MAX_BYTES) -> None:
        self._max_messages, self._max_bytes = max_messages, max_bytes
        self._messages: dict[str, Message] = {}
        self._bytes = 0

    def keep(self, message: Message) -> bool:
        """Keep *message* in place of an older one; an empty payload removes it. False: no room, nothing changed."""
        old = self._messages.get(message.topic)
        freed = old.size if old else 0
        if not message.payload:
            self._messages.pop(message.topic, None)
            self._bytes -= freed
            return True
        if self._bytes - freed + message.size > self._max_bytes or (
            old is None and len(self._messages) >= self._max_messages
        ):
            return False
        self._messages[message.topic] = message
        self._bytes += message.size - freed
        return True

    def matching(self, topic_filter: str) -> Iterator[Message]:
        """Yield the messages that a new subscription to *topic_filter* gets."""
        if "+" not in topic_filter and "#" not in topic_filter:
            found = self._messages.get(topic_filter)
            yield from [found] if found else []
            return
        yield from [message for topic, message in self._messages.items() if matches(topic, topic_filter)]

    def __len__(self) -> int:
        """Return the number of messages."""
        return len(self._messages)

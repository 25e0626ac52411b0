"""
The way of a message that its sender was allowed to send: retained store, hub, audit.

Decides nothing. A command (``command/{id}/{name}``, not a result) is published once more for the audit, by the
broker itself, naming the principal whose token was verified.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from pulse_acl.payloads import MAX_PAYLOAD_BYTES, AuditRecord, encode, format_time
from pulse_acl.topics import Topic

from .hub import Hub
from .messages import Message
from .metrics import Metrics
from .retained import RetainedStore

log = structlog.get_logger()
# Escaped and encoded, so many characters and the rest still fit into what readers of the audit take.
MAX_AUDITED_CHARS = MAX_PAYLOAD_BYTES // 8


class Publishing:
    """Where all accepted messages go through."""

    def __init__(self, hub: Hub, retained: RetainedStore, metrics: Metrics, now: Callable[[], float]) -> None:
        """Take *now* as the clock, seconds since 1970."""
        self._hub, self._retained, self._metrics, self._now = hub, retained, metrics, now

    async def publish(self, message: Message, *, username: str, client_id: str) -> None:
        """Send *message*, accepted from that principal, to its subscribers; keep it when it is retained."""
        if message.retain and not self._retained.keep(message):
            self._metrics.publishes_refused.labels("retained_full").inc()
            log.warning(
                "publishing.retained_refused", topic=message.topic, client_id=client_id, reason="the store is full"
            )
        self._metrics.retained.set(len(self._retained))
        # subscribers that are there get it as an ordinary message (MQTT 3.1.1, 3.3.1.3)
        await self._hub.publish(Message(message.topic, message.payload, message.qos))
        if is_command(message.topic):
            await self._audit(message, username, client_id)

    async def _audit(self, message: Message, username: str, client_id: str) -> None:
        record = AuditRecord(
            username=username,
            client_id=client_id,
            topic=message.topic,
            payload=message.payload.decode(errors="replace")[:MAX_AUDITED_CHARS],
            at=format_time(datetime.fromtimestamp(self._now(), UTC)),
        )
        await self._hub.publish(Message(Topic.AUDIT_COMMAND.value, encode(record), 1))


def is_command(topic: str) -> bool:
    """Tell whether *topic* carries a command to a device."""
    levels = topic.split("/")
    return len(levels) == 3 and levels[0] == "command" and levels[2] != "result"

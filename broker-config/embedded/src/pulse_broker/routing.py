"""
amqtt's routing with an index: which subscriptions a message goes to, without looking through all of them.

amqtt 0.12.1 (pinned exactly) compares every message with every filter of every client and writes a log line
for each that does not match, which with a hundred devices costs more than everything else together. This
replaces that one method and the dictionary it reads; the rest of amqtt stays as it is. Read by ``hub`` alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig

from pulse_acl.matching import matches

MAX_WAITING = 500
MAX_REMEMBERED = 4_096


class Subscriptions(dict[str, list[Any]]):
    """amqtt's dictionary of subscribers by filter, which also knows the filters for a topic."""

    def __init__(self) -> None:
        super().__init__()
        self._wild: set[str] = set()
        self._found: dict[str, tuple[str, ...]] = {}

    def __setitem__(self, topic_filter: str, subscribers: list[Any]) -> None:
        super().__setitem__(topic_filter, subscribers)
        if "+" in topic_filter or "#" in topic_filter:
            self._wild.add(topic_filter)
        self._found.clear()

    def __delitem__(self, topic_filter: str) -> None:
        super().__delitem__(topic_filter)
        self._wild.discard(topic_filter)
        self._found.clear()

    def clear(self) -> None:
        """Forget everything."""
        super().clear()
        self._wild.clear()
        self._found.clear()

    def filters_for(self, topic: str) -> tuple[str, ...]:
        """Return the filters that match *topic*."""
        found = self._found.get(topic)
        if found is None:
            wild = (topic_filter for topic_filter in self._wild if matches(topic, topic_filter))
            found = (*((topic,) if topic in self else ()), *wild)
            if len(self._found) >= MAX_REMEMBERED:
                self._found.clear()
            self._found[topic] = found
        return found


class RoutingBroker(Broker):
    """amqtt with an index, and with a bound on the messages that are on their way."""

    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(config)
        self._subscriptions: Subscriptions = Subscriptions()
        # a full queue makes publishers wait; amqtt's own has no bound
        self._broadcast_queue = asyncio.Queue(MAX_WAITING)

    async def _run_broadcast(self, running_tasks: deque[asyncio.Task[Any]]) -> None:
        """Hand the next message to the links whose filters match; with QoS 0, for nothing is lost on a link."""
        broadcast = await self._broadcast_queue.get()
        topic: str = broadcast["topic"]
        for topic_filter in self._subscriptions.filters_for(topic):
            for session, _ in self._subscriptions[topic_filter]:
                handler = self._get_handler(session)
                if handler is not None and session.transitions.state == "connected":
                    delivery = handler.mqtt_publish(topic, broadcast["data"], 0, retain=False)
                    running_tasks.append(asyncio.ensure_future(delivery))

"""
The hub: amqtt, which carries every message from its publisher to the sessions that subscribed to it.

With ``link``, ``routing`` and ``hub_plugin`` the only user of amqtt. It listens on nothing: its one listener
is of type ``external``, and each of our sessions is a link to it through memory. amqtt sees no client, token,
will or retained message, and only QoS 0, so its handling of sessions, acknowledgements and queues never comes
into play (see the README).
Links are named by a counter and never reused, because amqtt's clean-up may hit a name's next owner.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import Callable
from typing import Any

import structlog
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from . import packets
from .link import Deliver, LinkReader, LinkWriter
from .messages import Message
from .packets import Kind
from .routing import RoutingBroker

log = structlog.get_logger()
LISTENER = "default"
ANSWER_WITHIN_S = 10.0


class HubError(Exception):
    """amqtt did not answer as it should; the session at hand cannot go on."""


class _Sealed(bytes):
    """A payload that does not show in amqtt's log lines, which also saves the time to write it out there."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


class Hub:
    """One running amqtt broker without sockets."""

    def __init__(self) -> None:
        self._secret = secrets.token_urlsafe(32)
        self._names = itertools.count(1)
        self._broker: Any = None

    async def start(self) -> None:
        """Start amqtt."""
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._broker = RoutingBroker(
            BrokerConfig(
                listeners={LISTENER: ListenerConfig(type=ListenerType.EXTERNAL, bind="memory")},
                plugins={"pulse_broker.hub_plugin.LinksOnly": {"secret": self._secret}},
            )
        )
        await self._broker.start()

    async def stop(self) -> None:
        """Stop amqtt; the links are closed by then."""
        await self._broker.shutdown()

    async def publish(self, message: Message) -> None:
        """
        Send *message* to all subscribed links; waits while too many are on their way.

        Raises:
            HubError: amqtt does not take it.
        """
        sealed = _Sealed(bytes((message.qos,)) + message.payload)
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._broker.internal_message_broadcast(message.topic, sealed, 0)
        except TimeoutError as error:
            raise HubError("amqtt takes no messages") from error

    async def open_link(self, deliver: Deliver, lost: Callable[[], None]) -> Link:
        """
        Return a link that hands every message of its subscriptions to *deliver*.

        Args:
            deliver: Called with each message; must not raise.
            lost: Called when amqtt ends the link by itself.

        Raises:
            HubError: amqtt did not take it.
        """
        link = Link(self._broker, f"link-{next(self._names)}", deliver, lost)
        await link.open(self._secret)
        return link


class Link:
    """One session inside amqtt, for as long as it is open."""

    def __init__(self, broker: Any, name: str, deliver: Deliver, lost: Callable[[], None]) -> None:
        self._broker, self._name, self._lost = broker, name, lost
        self._reader = LinkReader()
        self._writer = LinkWriter(deliver, self._answered)
        self._answers: dict[tuple[Kind, int], asyncio.Future[bytes]] = {}
        self._packet_ids = itertools.cycle(range(1, 65_536))
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def open(self, secret: str) -> None:
        """
        Connect to amqtt.

        Raises:
            HubError: Refused, or no answer.
        """
        self._task = asyncio.create_task(self._broker.external_connected(self._reader, self._writer, LISTENER))
        self._task.add_done_callback(self._ended)
        if (await self._ask(packets.connect(self._name, self._name, secret), Kind.CONNACK, 0))[-1:] != b"\x00":
            raise HubError("amqtt refused a link")

    async def subscribe(self, topic_filter: str) -> None:
        """
        Ask amqtt for what matches *topic_filter*.

        Raises:
            HubError: Refused, or no answer.
        """
        number = next(self._packet_ids)
        codes = await self._ask(packets.subscribe(number, topic_filter), Kind.SUBACK, number)
        if codes != b"\x00":
            raise HubError("amqtt refused a subscription")

    async def unsubscribe(self, topic_filter: str) -> None:
        """
        Take a subscription back.

        Raises:
            HubError: No answer.
        """
        number = next(self._packet_ids)
        await self._ask(packets.unsubscribe(number, topic_filter), Kind.UNSUBACK, number)
        # amqtt keeps the empty entry of a filter that nobody has any more, for ever
        if not self._broker.subscriptions.get(topic_filter, True):
            del self._broker.subscriptions[topic_filter]

    async def close(self) -> None:
        """End the link; amqtt is done with it when this returns."""
        self._closing = True
        self._reader.feed(bytes((Kind.DISCONNECT << 4, 0)))
        self._reader.feed_eof()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=ANSWER_WITHIN_S)
            self._task.cancel()

    async def _ask(self, packet: bytes, kind: Kind, number: int) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._answers[kind, number] = answer
        self._reader.feed(packet)
        try:
            return await asyncio.wait_for(answer, ANSWER_WITHIN_S)
        except TimeoutError as error:
            raise HubError("amqtt does not answer") from error
        finally:
            self._answers.pop((kind, number), None)

    def _answered(self, kind: Kind, number: int, rest: bytes) -> None:
        waiting = self._answers.get((kind, number))
        if waiting is not None and not waiting.done():
            waiting.set_result(rest)

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(HubError("amqtt ended the link"))
        if not self._closing:
            log.error("hub.link_lost", link=self._name, error=repr(error))
            self._lost()

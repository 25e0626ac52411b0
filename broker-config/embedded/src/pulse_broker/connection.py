"""
One client that was let in: reads its packets, decides each, and writes what waits for it.

Begins after the gate's CONNACK and ends when the transport does; ``gate`` then deals with will and session.
The client's acknowledgements end here, and amqtt never sees a publish or filter that was refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import structlog

from pulse_acl.decide import Denied

from . import packets
from .access import MAX_TOPIC_CHARS
from .hub import HubError
from .log_limit import LogLimit
from .messages import Message
from .metrics import Metrics
from .packets import Kind, Packet, PacketBuffer, PacketError, Publish
from .publishing import Publishing
from .retained import RetainedStore
from .sessions import MAX_SUBSCRIPTIONS, End, Session
from .tokens import Token
from .transports import Transport

log = structlog.get_logger()
WRITE_BYTES = 64 * 1024
MAX_AWAITING_RELEASE = 100
MAX_AT_A_TIME = 50  # packets of one client before the others have their turn
REFUSED_FILTER = 0x80


class Connection:
    """A connected client; see ``sessions.Consumer`` for what its session sees of it."""

    def __init__(
        self,
        transport: Transport,
        buffer: PacketBuffer,
        session: Session,
        token: Token,
        keepalive_s: int,
        *,
        publishing: Publishing,
        retained: RetainedStore,
        metrics: Metrics,
        now: Callable[[], float],
    ) -> None:
        self._transport, self._buffer, self._session = transport, buffer, session
        self._publishing, self._retained, self._metrics, self._now = publishing, retained, metrics, now
        self.peer, self.keepalive_s, self.expires_at = transport.peer, keepalive_s, token.expires_at
        self.connected_at = now()
        self.finished = asyncio.Event()
        self.why: End | None = None
        self._wake = asyncio.Event()
        self._log = log.bind(
            client_id=token.principal.client_id, username=token.principal.username, peer=transport.peer
        )
        self._log_limit = LogLimit(time.monotonic)
        self._handlers: dict[int, Callable[[Packet], Awaitable[None]]] = {
            Kind.PUBLISH: self._on_publish,
            Kind.PUBACK: self._on_puback,
            Kind.PUBREL: self._on_pubrel,
            Kind.SUBSCRIBE: self._on_subscribe,
            Kind.UNSUBSCRIBE: self._on_unsubscribe,
            Kind.PINGREQ: self._on_pingreq,
            Kind.DISCONNECT: self._on_disconnect,
        }

    def wake(self) -> None:
        """Something waits in the session's queue."""
        self._wake.set()

    def end(self, why: End) -> None:
        """Close the transport at once, for the first reason given."""
        if self.why is None:
            self.why = why
            self._transport.abort()

    async def run(self) -> End:
        """Serve the client until the end, and return why it came."""
        pump = asyncio.create_task(self._pump())
        pump.add_done_callback(self._pump_ended)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(max(0.0, self.expires_at - self._now()), self.end, End.EXPIRED)
        self.wake()
        try:
            await self._serve()
        finally:
            timer.cancel()
            pump.cancel()
            await asyncio.wait([pump])
            self._transport.abort()
        return self.why or End.PEER_GONE

    async def _serve(self) -> None:
        try:
            await self._read_packets()
        except PacketError as error:
            self._log.warning("connection.protocol_broken", error=str(error))
            self.end(End.PROTOCOL)
        except TimeoutError:
            self.end(End.KEEPALIVE)
        except HubError as error:
            self._log.error("connection.hub_failed", error=str(error))
            self.end(End.HUB)
        except OSError:
            self.end(End.PEER_GONE)

    async def _read_packets(self) -> None:
        seen_at, taken = asyncio.get_running_loop().time(), 0
        while self.why is None:
            taken += 1
            if taken % MAX_AT_A_TIME == 0:
                await self._transport.flush()
                await asyncio.sleep(0)
            packet = self._buffer.take()
            if packet is None:
                await self._transport.flush()
                async with asyncio.timeout_at(seen_at + 1.5 * self.keepalive_s if self.keepalive_s else None):
                    data = await self._transport.read()
                if not data:
                    return
                self._buffer.feed(data)
                continue
            seen_at = asyncio.get_running_loop().time()
            if self._now() >= self.expires_at:  # the timer stands still while the machine sleeps
                self.end(End.EXPIRED)
                return
            await self._handler(packet)(packet)

    def _handler(self, packet: Packet) -> Callable[[Packet], Awaitable[None]]:
        try:
            return self._handlers[packet.kind]
        except KeyError as error:
            raise PacketError(f"packet type {packet.kind} from a connected client") from error

    async def _pump(self) -> None:
        """Write what waits in the session's queue, as fast as the client takes it."""
        with contextlib.suppress(OSError):
            while True:
                await self._wake.wait()
                self._wake.clear()
                data, number = self._session.queue.take(WRITE_BYTES)
                while data and self.why is None:
                    if self._now() >= self.expires_at:
                        self.end(End.EXPIRED)
                        return
                    self._transport.write(data)
                    self._metrics.messages_out.inc(number)
                    await self._transport.flush()
                    data, number = self._session.queue.take(WRITE_BYTES)
        self.end(End.PEER_GONE)

    def _pump_ended(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled() and (error := pump.exception()) is not None:
            self._log.error("connection.writing_failed", error=repr(error))
            self.end(End.PEER_GONE)

    async def _on_publish(self, packet: Packet) -> None:
        publish = packets.read_publish(packet)
        self._metrics.messages_in.inc()
        if publish.qos == 2 and publish.packet_id in self._session.awaiting_release:
            self._transport.write(packets.acknowledgement(Kind.PUBREC, publish.packet_id))
            return
        decision = self._session.access.publishing(publish.topic, retain=publish.retain)
        if isinstance(decision, Denied):
            self._metrics.publishes_refused.labels("denied").inc()
            self._log_refusal(
                "publish", topic=publish.topic[:MAX_TOPIC_CHARS], retain=publish.retain, reason=decision.reason
            )
        else:
            await self._publish(Message(publish.topic, publish.payload, min(publish.qos, 1), publish.retain))
        self._acknowledge(publish)

    async def _publish(self, message: Message) -> None:
        principal = self._session.principal
        await self._publishing.publish(message, username=principal.username, client_id=principal.client_id)

    def _acknowledge(self, publish: Publish) -> None:
        """Answer a publish, refused or not: MQTT 3.1.1 has no answer that refuses."""
        if publish.qos == 1:
            self._transport.write(packets.acknowledgement(Kind.PUBACK, publish.packet_id))
        elif publish.qos == 2:
            if len(self._session.awaiting_release) >= MAX_AWAITING_RELEASE:
                raise PacketError(f"more than {MAX_AWAITING_RELEASE} QoS 2 messages without PUBREL")
            self._session.awaiting_release.add(publish.packet_id)
            self._transport.write(packets.acknowledgement(Kind.PUBREC, publish.packet_id))

    async def _on_pubrel(self, packet: Packet) -> None:
        packet_id = packets.read_packet_id(packet)
        self._session.awaiting_release.discard(packet_id)
        self._transport.write(packets.acknowledgement(Kind.PUBCOMP, packet_id))

    async def _on_puback(self, packet: Packet) -> None:
        if self._session.queue.acknowledge(packets.read_packet_id(packet)) and len(self._session.queue):
            self.wake()

    async def _on_subscribe(self, packet: Packet) -> None:
        packet_id, asked = packets.read_subscribe(packet)
        codes = [await self._subscribe(topic_filter, min(qos, 1)) for topic_filter, qos in asked]
        self._transport.write(packets.suback(packet_id, codes))
        granted = {topic_filter: code for (topic_filter, _), code in zip(asked, codes, strict=True)}
        for topic_filter, code in granted.items():
            if code != REFUSED_FILTER:
                self._deliver_retained(topic_filter)

    async def _subscribe(self, topic_filter: str, qos: int) -> int:
        session = self._session
        decision = session.access.subscribing(topic_filter)
        if isinstance(decision, Denied):
            return self._refuse_filter(topic_filter, "denied", decision.reason)
        known = topic_filter in session.granted
        if not known and len(session.granted) >= MAX_SUBSCRIPTIONS:
            return self._refuse_filter(topic_filter, "too_many", f"more than {MAX_SUBSCRIPTIONS} subscriptions")
        # before amqtt knows it, so that the first message behind it is not dropped
        session.granted[topic_filter] = qos
        session.access.granted_changed()
        if not known and session.link is not None:
            await session.link.subscribe(topic_filter)
        return qos

    def _refuse_filter(self, topic_filter: str, reason: str, detail: str) -> int:
        self._metrics.subscriptions_refused.labels(reason).inc()
        self._log_refusal("subscription", filter=topic_filter[:MAX_TOPIC_CHARS], reason=detail)
        return REFUSED_FILTER

    def _log_refusal(self, what: str, **fields: object) -> None:
        held_back = self._log_limit.passes()
        if held_back is not None:
            self._log.warning(f"connection.{what}_refused", **fields, lines_held_back=held_back)

    def _deliver_retained(self, topic_filter: str) -> None:
        for message in self._retained.matching(topic_filter):
            self._session.deliver(message)

    async def _on_unsubscribe(self, packet: Packet) -> None:
        packet_id, filters = packets.read_unsubscribe(packet)
        for topic_filter in filters:
            if self._session.granted.pop(topic_filter, None) is not None:
                self._session.access.granted_changed()
                if self._session.link is not None:
                    await self._session.link.unsubscribe(topic_filter)
        self._transport.write(packets.acknowledgement(Kind.UNSUBACK, packet_id))

    async def _on_pingreq(self, _: Packet) -> None:
        self._transport.write(packets.PINGRESP)

    async def _on_disconnect(self, _: Packet) -> None:
        self.end(End.DISCONNECT)

"""
One connection to the broker: connect, subscribe, hand messages on, publish, leave.

The only module that imports gmqtt. Makes no second connection: when this one ends, ``ended`` says so and whoever
holds it makes a new one (``link``). On MQTT 3.1.1 messages are acknowledged when they arrive; on MQTT 5 when what
came with them as ``done`` is resolved, which is after COMMIT; all of a batch in one write.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import struct
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gmqtt
from gmqtt.mqtt.constants import MQTTCommands, MQTTv50, MQTTv311
from gmqtt.mqtt.handler import MQTTConnectError
from gmqtt.storage import PersistentStorage

from .clock import Clock
from .errors import LinkLost, LinkRefused
from .messages import Raw

CONNECT_WITHIN_S = 10.0
KEEPALIVE_S = 15
_LAST_WORD_S = 0.1
# How many publications may be unacknowledged, unless the broker's CONNACK allows fewer.
WINDOW = 500
# Reason codes from here on are refusals; below are successes, that of a message without a subscriber among them.
REFUSED = 0x80
TAKEN_OVER = 142
# On MQTT 5 the broker holds back what is not acknowledged: so many messages, as EMQX is set. How many bytes of them are
# kept is ``batcher.INTAKE_BYTES``.
RECEIVE_MAXIMUM = 1_000

_PUBACK = struct.Struct("!BBH")

_untyped: Any = gmqtt
Taken = Callable[[Raw], None]
ReasonCame = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and who connects; *will* is (topic, payload) and retained."""

    host: str
    port: int
    tls: ssl.SSLContext
    client_id: str
    username: str
    password: str
    will: tuple[str, bytes]
    mqtt5: bool


class _OneConnection(gmqtt.Client):
    """gmqtt's client without its own reconnecting, which knows nothing of new tokens."""

    async def reconnect(self, delay: bool = False) -> None:  # noqa: FBT001, FBT002 -- gmqtt's signature
        """Do nothing."""


_client: Any = _OneConnection


class _Window(PersistentStorage):
    """Counts unacknowledged publications and wakes who waits for room."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.limit = WINDOW
        self.room = asyncio.Event()
        self.room.set()
        self.empty = asyncio.Event()
        self.empty.set()
        self._unacknowledged: set[int] = set()

    def __bool__(self) -> bool:
        """Be true when empty too: gmqtt takes a storage of its own in place of a false one."""
        return True

    def push_message(self, mid: int, raw_package: bytes) -> None:  # noqa: ARG002 -- gmqtt's signature
        """Count one; nothing is kept, because nothing is sent twice by us."""
        self._unacknowledged.add(mid)
        self.empty.clear()
        if len(self._unacknowledged) >= self.limit:
            self.room.clear()

    def remove_message_by_mid(self, mid: int) -> None:
        """Count one less."""
        self._unacknowledged.discard(mid)
        if not self._unacknowledged:
            self.empty.set()
        if len(self._unacknowledged) < self.limit:
            self.room.set()
        super().remove_message_by_mid(mid)  # type: ignore[no-untyped-call]


class _Held:
    """A message that the broker is not yet told to be dealt with; as much of a future as ``messages.resolve`` needs."""

    __slots__ = ("_settled", "mid")

    def __init__(self, mid: int, settled: Callable[[_Held], None]) -> None:
        """Take the broker's packet identifier, and who is to be told."""
        self.mid = mid
        self._settled: Callable[[_Held], None] | None = settled

    def done(self) -> bool:
        """Tell whether it is dealt with."""
        return self._settled is None

    def set_result(self, _result: None, /) -> None:
        """Say that it is dealt with."""
        if self._settled is not None:
            settled, self._settled = self._settled, None
            settled(self)


class Subscriber:
    """One connection; made by ``open_subscriber``."""

    def __init__(
        self, address: Address, taken: Taken, clock: Clock, reason_came: ReasonCame = lambda _reason: None
    ) -> None:
        """
        Prepare a client; nothing is sent yet.

        *reason_came* is told the reason code of a publication, unless it is 0.
        """
        self._address = address
        self._taken = taken
        self._reason_came = reason_came
        self._clock = clock
        self._window = _Window()
        self._unsettled: dict[_Held, float] = {}
        self._settled: list[int] = []
        self._granted: asyncio.Future[Sequence[int]] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()
        self.end_reason = 0  # of the broker's DISCONNECT on MQTT 5; 0: it gave none
        self._client = self._made_client()

    def _made_client(self) -> Any:
        address = self._address
        topic, payload = address.will
        properties = {"session_expiry_interval": 0, "receive_maximum": RECEIVE_MAXIMUM} if address.mqtt5 else {}
        client: Any = _client(
            address.client_id,
            clean_session=address.mqtt5,
            optimistic_acknowledgement=not address.mqtt5,
            will_message=_untyped.Message(topic, payload, qos=1, retain=True),
            persistent_storage=self._window,
            logger=logging.getLogger("gmqtt.client"),
            **properties,
        )
        client.set_auth_credentials(address.username, address.password)
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        if address.mqtt5:
            # gmqtt reads no reason codes of PUBACK, and makes a task of each message that is acknowledged later.
            handler = client._package_handler  # noqa: SLF001
            self._gmqtts_puback = handler._handle_puback_packet  # noqa: SLF001
            handler._handle_puback_packet = self._on_puback  # noqa: SLF001
            handler._handle_qos_1_publish_packet = self._on_message_acknowledged_later  # noqa: SLF001
        return client

    async def connect(self) -> None:
        """
        Connect.

        Raises:
            LinkLost: The broker is away, or did not answer in time.
            LinkRefused: The broker refused the token.
        """
        version = MQTTv50 if self._address.mqtt5 else MQTTv311
        connecting = self._client.connect(
            self._address.host, self._address.port, ssl=self._address.tls, keepalive=KEEPALIVE_S, version=version
        )
        try:
            await self._or_ended(connecting)
        except MQTTConnectError as error:
            raise LinkRefused(str(error)) from error
        except (OSError, TimeoutError) as error:
            raise LinkLost(f"{type(error).__name__}: {error}") from error
        self._keep_to_receive_maximum()

    def _keep_to_receive_maximum(self) -> None:
        """Publish no more at once than the broker takes; gmqtt raises OverflowError instead of waiting."""
        told = self._client._package_handler._connack_properties.get("receive_maximum")  # noqa: SLF001
        if told:
            self._window.limit = max(1, min(WINDOW, told[0] - 1))

    async def subscribe(self, filters: Sequence[str]) -> None:
        """
        Subscribe to *filters* with QoS 1.

        Raises:
            LinkLost: The connection ended, or no answer came.
            LinkRefused: The broker refused one of them.
        """
        self._client.subscribe([_untyped.Subscription(one, qos=1) for one in filters])
        try:
            codes = await self._or_ended(self._granted)
        except TimeoutError as error:
            raise LinkLost("no answer to SUBSCRIBE") from error
        refused = [one for one, code in zip(filters, codes, strict=True) if code >= REFUSED]
        if refused:
            raise LinkRefused(f"subscriptions refused: {', '.join(refused)}")

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """
        Send with QoS 1; waits while too much is unacknowledged.

        Raises:
            LinkLost: The connection ended, or nothing was acknowledged for 10 s.
        """
        while not self._window.room.is_set():  # again when another task was quicker
            try:
                await self._or_ended(self._window.room.wait())
            except TimeoutError as error:
                raise LinkLost("the broker acknowledges nothing") from error
        if self.ended.is_set() or not self._client.is_connected:
            raise LinkLost("not connected")
        self._client.publish(topic, payload, qos=1, retain=retain)

    async def acknowledged(self, within_s: float) -> bool:
        """Wait until the broker has taken everything sent; tell whether it did."""
        try:
            async with asyncio.timeout(within_s):
                await self._or_ended(self._window.empty.wait())
        except (TimeoutError, LinkLost):
            return False
        return True

    @property
    def held_back_since(self) -> float | None:
        """
        When the oldest message came that is not acknowledged (monotonic seconds); ``None``: there is none.

        While there is one the broker may have stopped sending, for it sends only so many at once (MQTT 5).
        """
        return next(iter(self._unsettled.values()), None)

    async def close(self) -> None:
        """Leave properly, so that the will is not sent; never raises."""
        try:
            async with asyncio.timeout(2):
                await self._client.disconnect()
        except Exception:
            logging.getLogger("gmqtt.client").debug("leaving failed", exc_info=True)
        self.ended.set()
        self._unsettled.clear()

    async def _or_ended(self, work: Awaitable[Any]) -> Any:
        """Wait for *work*, but not longer than the connection lasts, nor than 10 s."""
        task = asyncio.ensure_future(work)
        ended = asyncio.ensure_future(self.ended.wait())
        try:
            await asyncio.wait({task, ended}, timeout=CONNECT_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not task.done():
                # A refusal and the end of the connection come together; the refusal says more.
                await asyncio.wait({task}, timeout=_LAST_WORD_S)
            if task.done():
                return task.result()
            if ended.done():
                raise LinkLost("the connection ended")
            raise TimeoutError("no answer")
        finally:
            for one in (task, ended):
                one.cancel()

    def _on_disconnect(self, _client: Any, packet: Any, _error: Any = None) -> None:
        """Note the reason that an MQTT 5 broker gives; a plain end of the connection has none."""
        if self._address.mqtt5 and isinstance(packet, bytes) and packet:
            self.end_reason = packet[0]
        self.ended.set()

    def _on_puback(self, command: int, packet: bytes) -> None:
        """Read the reason, which gmqtt does not, and count the publication as done either way."""
        reason = packet[2] if len(packet) > 2 else 0
        if reason:
            self._reason_came(reason)
        self._gmqtts_puback(command, packet)

    def _on_settled(self, held: _Held) -> None:
        self._unsettled.pop(held, None)
        if not self._settled:
            asyncio.get_running_loop().call_soon(self._acknowledge_settled)
        self._settled.append(held.mid)

    def _acknowledge_settled(self) -> None:
        """Acknowledge, unless the connection that the messages came by has ended: the broker has given them up."""
        mids, self._settled = self._settled, []
        if not self.ended.is_set() and self._client.is_connected:
            pubacks = b"".join(_PUBACK.pack(MQTTCommands.PUBACK, 2, mid) for mid in mids)
            self._client._connection.send_package(pubacks)  # noqa: SLF001

    def _on_subscribe(self, _client: Any, _mid: int, codes: Sequence[int], _properties: Any) -> None:
        if not self._granted.done():
            self._granted.set_result(codes)

    def _on_message(
        self, _client: Any, topic: str | bytes, payload: bytes, _qos: int, properties: dict[str, Any]
    ) -> None:
        self._taken(Raw(_text(topic), payload, self._clock.now(), bool(properties["retain"])))

    def _on_message_acknowledged_later(
        self, mid: int, payload: bytes, topic: str | bytes, properties: dict[str, Any]
    ) -> None:
        held = _Held(mid, self._on_settled)
        self._unsettled[held] = self._clock.monotonic()
        self._taken(Raw(_text(topic), payload, self._clock.now(), bool(properties["retain"]), held))


def _text(topic: str | bytes) -> str:
    """Return the topic as text; gmqtt gives bytes when it is no UTF-8."""
    return topic if isinstance(topic, str) else topic.decode("utf-8", errors="replace")

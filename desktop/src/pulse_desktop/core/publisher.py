"""
The connection to the broker: MQTT 3.1.1 over TLS. The only module that imports paho.

One object is one connection; after it breaks it is thrown away, and what it had under way is sent again from
the outbox, never by paho. It knows nothing of readings. Callbacks come in paho's thread and must not block.
Read next: ``link`` (when to connect), ``delivery.courier`` (what to publish).
"""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from .errors import CutOffError, Link, LinkError, network_cause

log = structlog.get_logger()
KEEPALIVE_S = 5  # a link on which packets just vanish is noticed within twice this
TIMEOUT_S = 8.0
_BAD_CREDENTIALS = frozenset(
    ReasonCode(PacketTypes.CONNACK, name).value
    for name in ("Bad user name or password", "Not authorized", "Client identifier not valid", "Banned")
)
_SILENCE = ReasonCode(PacketTypes.DISCONNECT, "Keep alive timeout")
_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker is; ``tls`` is ``None`` only for ``mqtt://`` on this machine."""

    host: str
    port: int
    tls: ssl.SSLContext | None


@dataclass(frozen=True, slots=True)
class Login:
    """What the CONNECT carries; ``will`` is published, retained, on ``will_topic`` when the connection breaks."""

    client_id: str
    username: str
    password: str
    will_topic: str
    will: bytes


@dataclass(frozen=True, slots=True)
class Callbacks:
    """
    What is told: a message (topic, payload, whether retained), an acknowledged publish (its number), the loss.

    The loss comes with its reason and whether the other side ended the connection; else it fell silent.
    """

    on_message: Callable[[str, bytes, bool], None]
    on_acknowledged: Callable[[int], None]
    on_lost: Callable[[str, bool], None]


def endpoint(url: str, ca_pem: str) -> Endpoint:
    """Return where *url* (checked: ``mqtts://``, or ``mqtt://`` on this machine) points; TLS trusts *ca_pem* alone."""
    parts = urlsplit(url)
    secure = parts.scheme == "mqtts"
    tls = ssl.create_default_context(cadata=ca_pem) if secure else None
    return Endpoint(parts.hostname or "", parts.port or (8883 if secure else 1883), tls)


def link_error(error: Exception, what: str) -> LinkError:
    """Say which link is missing when *what* (the broker, the API) cannot be asked because of *error*."""
    cause = network_cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return LinkError(Link.REFUSED_HERE, f"the certificate of {what} is not trusted: {cause.verify_message}")
    why = (cause.strerror if cause is not None else None) or error
    if isinstance(cause, socket.gaierror) or (cause is not None and cause.errno in _NO_NETWORK):
        return LinkError(Link.NO_NETWORK, f"{what} cannot be reached: {why}")
    return LinkError(Link.NO_BROKER, f"{what} does not answer: {why}")


class Connection:
    """One connection with a persistent session."""

    def __init__(self, login: Login, topics: Sequence[str], callbacks: Callbacks) -> None:
        self._topics, self._callbacks = topics, callbacks
        self._settled = threading.Event()
        self._refusal: LinkError | None = None
        self._accepted = self._ready = self._closing = False
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=login.client_id,
            clean_session=False,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        client.username_pw_set(login.username, login.password)
        client.will_set(login.will_topic, login.will, qos=1, retain=True)
        client.max_inflight_messages_set(0)  # the outbox paces; paho must not hold anything back
        client.on_connect, client.on_subscribe = self._on_connect, self._on_subscribe
        client.on_disconnect, client.on_publish = self._on_disconnect, self._on_publish
        client.on_message = self._on_message
        self._client = client

    def open(self, where: Endpoint, timeout_s: float = TIMEOUT_S) -> None:
        """
        Connect and subscribe; returns when the broker has taken both.

        Raises:
            LinkError: Which link is missing, and why; ``CutOffError`` when the broker took us first.
        """
        if where.tls is not None:
            self._client.tls_set_context(where.tls)
        what = f"the broker at {where.host}:{where.port}"
        try:
            self._client.connect(where.host, where.port, keepalive=KEEPALIVE_S)
        except OSError as error:
            raise link_error(error, what) from error
        self._client.loop_start()
        if not self._settled.wait(timeout_s):
            self._refusal = LinkError(Link.NO_BROKER, f"{what} does not speak MQTT, or is overloaded")
        if self._refusal is not None:
            self.close()
            raise self._refusal

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Hand one message (QoS 1) over; its number comes back through ``on_acknowledged``."""
        return self._client.publish(topic, payload, qos=1, retain=retain).mid

    def close(self) -> None:
        """Disconnect without the will; no callback comes after this."""
        self._closing = True
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            link = Link.REFUSED if reason.value in _BAD_CREDENTIALS else Link.NO_BROKER
            self._refuse(LinkError(link, f"the broker says: {reason}"))
        else:
            self._accepted = True
            self._client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, _c: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        refused = [topic for topic, reason in zip(self._topics, reasons, strict=False) if reason.is_failure]
        if refused:
            self._refuse(LinkError(Link.REFUSED, f"the broker does not let this device read {', '.join(refused)}"))
        else:
            self._ready = True
            self._settled.set()

    def _on_disconnect(self, _c: Any, _data: Any, _flags: Any, reason: ReasonCode | MQTTErrorCode, _p: Any) -> None:
        if self._ready and not self._closing:
            self._callbacks.on_lost(str(reason), reason != _SILENCE)
        elif not self._settled.is_set():
            kind = CutOffError if self._accepted else LinkError
            self._refuse(kind(Link.NO_BROKER, f"the broker closed the connection: {reason}"))

    def _on_publish(self, _c: Any, _data: Any, mid: int, _reason: Any, _properties: Any) -> None:
        if not self._closing:
            self._tell(self._callbacks.on_acknowledged, mid)

    def _on_message(self, _c: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._tell(self._callbacks.on_message, message.topic, bytes(message.payload), message.retain)

    def _tell(self, callback: Callable[..., None], *what: Any) -> None:
        """Call *callback*; an error in it ends the connection, for else paho's thread would end and nobody notice."""
        try:
            callback(*what)
        except Exception as error:
            log.exception("desktop.callback_failed")
            self._callbacks.on_lost(f"an unexpected error: {error}", False)  # noqa: FBT003 - see ``Callbacks``

    def _refuse(self, error: LinkError) -> None:
        if self._refusal is None:
            self._refusal = error
        self._settled.set()

"""
One connection to the broker (MQTT 3.1.1 over TLS); the only importer of gmqtt in this part.

A link lives once: when it is lost, a new one is opened with whatever token is good by then. gmqtt's own
reconnecting is switched off, for it would go on with the old one. Read next: ``publisher``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gmqtt.storage
from gmqtt.mqtt.constants import MQTTv311
from gmqtt.mqtt.handler import MQTTConnectError

_KEEPALIVE_S = 10
_OPEN_TIMEOUT_S = 10.0
_CLOSE_TIMEOUT_S = 2.0
_NO_RECONNECT = -2  # gmqtt: -1 is "for ever", 0 still tries once
# gmqtt has no annotations.
_Client: Any = gmqtt.Client
_Message: Any = gmqtt.Message
_Subscription: Any = gmqtt.Subscription
_Storage: Any = gmqtt.storage.PersistentStorage
_quiet = logging.getLogger("pulse_auth.gmqtt")
_quiet.setLevel(logging.CRITICAL)
logging.getLogger("gmqtt").setLevel(logging.CRITICAL)


class LinkError(Exception):
    """The broker cannot be reached now; trying again later can help."""


class LinkRefusedError(LinkError):
    """The broker is there and refused this client; a new token can help."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who connects: a client id, and the token that is good for it."""

    client_id: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Retained:
    """A message that the broker is to keep, or to send as the last will."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is subscribed to, and who takes each message (topic, payload); it must not block."""

    filters: tuple[str, ...]
    take: Callable[[str, bytes], None]


class Link:
    """An open connection; ``lost`` is set when it ends, for whatever reason."""

    def __init__(self, client: Any, storage: Any, lost: asyncio.Event) -> None:
        """Use ``open_link`` instead."""
        self._client = client
        self._storage = storage
        self.lost = lost

    @property
    def oldest_unanswered(self) -> int | None:
        """The packet that the broker has not acknowledged for longest; ``None`` when there is none."""
        waiting = self._storage.get_all()
        return int(waiting[0][0]) if waiting else None

    def publish(self, message: Retained) -> None:
        """Hand *message* over with QoS 1, retained; returns at once."""
        if not self.lost.is_set():
            self._client.publish(message.topic, message.payload, qos=1, retain=True)

    def send(self, topic: str, payload: bytes) -> None:
        """Hand a message over with QoS 1, not retained; returns at once."""
        if not self.lost.is_set():
            self._client.publish(topic, payload, qos=1)

    async def settled(self, within_s: float) -> bool:
        """Wait until the broker has acknowledged all; ``False`` when the link is lost or *within_s* are over."""
        empty, losing = (asyncio.ensure_future(one) for one in (self._storage.wait_empty(), self.lost.wait()))
        try:
            await asyncio.wait({empty, losing}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
            return empty.done() and not self.lost.is_set()
        finally:
            for task in (empty, losing):
                task.cancel()
            await asyncio.gather(empty, losing, return_exceptions=True)

    async def close(self, last: Retained | None = None) -> None:
        """Publish *last*, wait a moment for the broker's answer, and disconnect without the will being sent."""
        if last is not None:
            self.publish(last)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._storage.wait_empty(), _CLOSE_TIMEOUT_S)
        with contextlib.suppress(Exception):  # a transport that is gone already ends as it likes
            await asyncio.wait_for(self._client.disconnect(), _CLOSE_TIMEOUT_S)
        self.lost.set()


async def open_link(url: str, ca_file: Path, who: Credentials, will: Retained, hearing: Hearing | None = None) -> Link:
    """
    Connect to *url* (``mqtts://host:port``), trusting only the CA in *ca_file*, and subscribe to what is heard.

    Raises:
        LinkRefusedError: The broker refused the client.
        LinkError: No connection: the broker, its certificate or the CA file.
    """
    storage, lost = _Storage(), asyncio.Event()
    client = _Client(
        who.client_id,
        clean_session=True,
        will_message=_Message(will.topic, will.payload, qos=1, retain=True),
        persistent_storage=storage,
        logger=_quiet,
    )
    client.set_config({"reconnect_retries": _NO_RECONNECT})
    client.set_auth_credentials(who.username, who.password)
    client.on_disconnect = lambda *_: lost.set()
    if hearing is not None:
        client.on_message = lambda _client, topic, payload, *_: hearing.take(topic, bytes(payload))
    link = Link(client, storage, lost)
    try:
        await _connect(client, url, ca_file, lost)
        if hearing is not None:
            client.subscribe([_Subscription(one, qos=1) for one in hearing.filters])
    except BaseException:
        await link.close()
        raise
    return link


async def _connect(client: Any, url: str, ca_file: Path, lost: asyncio.Event) -> None:
    parts = urlsplit(url)
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
        connecting = asyncio.ensure_future(
            client.connect(parts.hostname, parts.port or 8883, ssl=context, keepalive=_KEEPALIVE_S, version=MQTTv311)
        )
        losing = asyncio.ensure_future(lost.wait())
        try:
            # gmqtt waits for a CONNACK for ever, also when the broker has hung up instead.
            await asyncio.wait({connecting, losing}, timeout=_OPEN_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise LinkError("the broker did not answer CONNECT")
            connecting.result()
        finally:
            for task in (connecting, losing):
                task.cancel()
            await asyncio.gather(connecting, losing, return_exceptions=True)
    except MQTTConnectError as error:
        raise LinkRefusedError(str(error)) from error
    except (OSError, ssl.SSLError) as error:
        raise LinkError(f"{type(error).__name__}: {error}") from error

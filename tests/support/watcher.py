"""An ordinary MQTT client (paho) that collects what a token lets it see; tests ask it for conditions."""

from __future__ import annotations

import ssl
import threading
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
import paho.mqtt.client as mqtt

from support.stack import Stack
from support.waiting import until


class Watcher:
    """Subscribes and keeps (topic, payload, retain) of every message, in order of arrival."""

    def __init__(self, stack: Stack, filters: list[str], token: dict[str, Any] | None = None) -> None:
        """Connect over TLS with *token*, or with a fresh one of the administrator."""
        token = token or stack.admin.post("/broker/token", json={}).json()
        self._messages: list[tuple[str, bytes, bool]] = []
        self._lock = threading.Lock()
        self.granted: list[int] | None = None
        self.connected = threading.Event()
        self._filters = filters
        address = urlsplit(token["mqtts_url"])
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, token["client_id"], clean_session=True)
        self._client.username_pw_set(token["username"], token["password"])
        self._client.tls_set_context(ssl.create_default_context(cafile=str(stack.home / "ca.pem")))
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message
        self._client.on_subscribe = self._on_subscribe
        assert address.hostname is not None
        self._client.connect(address.hostname, address.port or 8883, keepalive=10)
        self._client.loop_start()

    def __enter__(self) -> Self:
        until(lambda: self.granted is not None, within_s=10, what="the subscription is answered")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def messages(self, prefix: str = "") -> list[tuple[str, Any, bool]]:
        """Return (topic, decoded payload, retain) of what has come on topics that begin with *prefix*."""
        with self._lock:
            found = list(self._messages)
        return [(topic, msgspec.json.decode(data), kept) for topic, data, kept in found if topic.startswith(prefix)]

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        self.connected.set()
        client.subscribe([(one, 1) for one in self._filters])

    def _on_subscribe(self, _client: object, _data: object, _mid: int, codes: list[Any], _props: object) -> None:
        self.granted = [code.value for code in codes]

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._lock:
            self._messages.append((message.topic, message.payload, message.retain))

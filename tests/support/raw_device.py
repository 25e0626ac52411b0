"""
A device made by hand from the contract alone: it enrolls over HTTP and publishes whatever a test wants.

Uses none of the project's own code, so that it also shows that the contract is enough.
"""

from __future__ import annotations

import json
import ssl
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

import httpx
import paho.mqtt.client as mqtt

from support.device_keys import DeviceKeys
from support.stack import Stack
from support.waiting import until


class RawDevice:
    """Keys, a token and an MQTT connection of one enrolled device id."""

    def __init__(self, stack: Stack, client_id: str) -> None:
        self.stack, self.client_id = stack, client_id
        self.keys = DeviceKeys(client_id)
        self.stream = str(uuid.uuid4())
        self.receipts: list[dict[str, Any]] = []
        self.heard: list[tuple[str, bytes]] = []
        self._client: mqtt.Client | None = None

    def enroll(self) -> dict[str, Any]:
        """Enroll with a fresh one-time code and return the API's answer."""
        made = self.stack.admin.post("/devices/enrollment-codes", json={"client_id": self.client_id})
        assert made.is_success, made.text
        answer = httpx.post(
            f"{self.stack.address}/api/v1/devices/enroll", json=self.keys.enrollment(made.json()["code"])
        )
        assert answer.is_success, answer.text
        return answer.json()

    def token(self) -> dict[str, Any]:
        """Ask for a broker token."""
        assertion = self.keys.assertion(int(time.time()))
        answer = httpx.post(f"{self.stack.address}/api/v1/devices/token", json={"assertion": assertion})
        assert answer.is_success, answer.text
        return answer.json()

    def connect(self, *topics: str) -> RawDevice:
        """Connect over TLS and subscribe to the receipts, and to *topics*, whose messages are kept as ``heard``."""
        token = self.token()
        address = urlsplit(token["mqtts_url"])
        subscribed: list[int] = []
        # It does nothing by itself: a device that was cut off stays away until a test connects it again.
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, token["client_id"], clean_session=True, reconnect_on_failure=False
        )
        client.username_pw_set(token["username"], token["password"])
        client.tls_set_context(ssl.create_default_context(cafile=str(self.stack.home / "ca.pem")))
        filters = [(topic, 1) for topic in (self._receipt_topic, *topics)]
        client.on_connect = lambda *_: client.subscribe(filters)
        client.on_subscribe = lambda *_: subscribed.append(1)
        client.on_message = lambda _client, _data, message: self._take(message.topic, message.payload)
        assert address.hostname is not None
        client.connect(address.hostname, address.port or 8883)
        client.loop_start()
        until(lambda: subscribed, within_s=10, what="the raw device is subscribed")
        self._client = client
        return self

    @property
    def _receipt_topic(self) -> str:
        return f"archive/{self.client_id}/receipt"

    def _take(self, topic: str, payload: bytes) -> None:
        if topic == self._receipt_topic:
            self.receipts.append(json.loads(payload))
        else:
            self.heard.append((topic, payload))

    def close(self) -> None:
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish and wait for the broker's acknowledgement."""
        assert self._client is not None
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def send(self, topic: str, payload: bytes) -> None:
        """Publish without waiting, for floods."""
        assert self._client is not None
        self._client.publish(topic, payload, qos=1)

    def reading(self, sequence_no: int, metrics: str = '{"a": 1}', **changes: str) -> bytes:
        """Return a reading as JSON text; *metrics* and *changes* are JSON text themselves."""
        fields = {
            "client_id": json.dumps(self.client_id),
            "stream": json.dumps(self.stream),
            "sequence_no": str(sequence_no),
            "timestamp": json.dumps(time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())),
            "metrics": metrics,
            "source": '"test"',
            **changes,
        }
        return ("{" + ", ".join(f'"{name}": {value}' for name, value in fields.items() if value) + "}").encode()

    def live(self, payload: bytes) -> None:
        self.publish(f"telemetry/{self.client_id}/live", payload)

    def beat(self, status: str = "ONLINE", **figures: object) -> None:
        """Publish a heartbeat with *figures*; three of its intervals are longer than any test."""
        said = {
            "client_id": self.client_id,
            "status": status,
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
            "heartbeat_interval_s": 60,
            "sampling_interval_s": 0.25,
            "pending": 0,
            **figures,
        }
        self.publish(f"heartbeat/{self.client_id}", json.dumps(said).encode(), retain=True)

    def archived(self) -> list[int]:
        """Return every number that some receipt called archived."""
        ranges = [one for receipt in list(self.receipts) for one in receipt["archived"]]
        return sorted({number for first, last in ranges for number in range(first, last + 1)})

    def rejected(self) -> dict[int, str]:
        return {one["sequence_no"]: one["reason"] for receipt in list(self.receipts) for one in receipt["rejected"]}

"""What the embedded broker carries, and how much of it one worker archives: figures to know, without a bar."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import paho.mqtt.client as mqtt

from bench.children import child
from bench.figures import Note
from bench.load import Load
from bench.subscribers import throw_away
from support.raw_device import RawDevice
from support.stack import Stack, running_stack
from support.waiting import until

MESSAGES, WITHIN_S = 10_000, 60.0
_IN_FLIGHT = 500


class _Publisher:
    """One device that publishes live readings and counts what its receipts call archived."""

    def __init__(self, stack: Stack, client_id: str) -> None:
        device = RawDevice(stack, client_id)
        device.enroll()
        token = device.token()
        self.archived, self.archived_at = 0, 0.0
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id)
        self.client.username_pw_set(token["username"], token["password"])
        self.client.tls_set_context(ssl.create_default_context(cafile=str(stack.home / "ca.pem")))
        self.client.max_inflight_messages_set(_IN_FLIGHT)
        self.client.on_message = self._on_message
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect("127.0.0.1", stack.ports["PULSE_MQTTS_PORT"])
        self.client.loop_start()
        self.client.subscribe(f"archive/{client_id}/receipt", 1)
        assert subscribed.wait(10), "the publisher is not subscribed"

    def publish(self, load: Load) -> float:
        """Hand all of *load* to the client; return when that began."""
        messages = list(load.messages())
        started = time.monotonic()
        for topic, payload in messages:
            self.client.publish(topic, payload, qos=1)
        return started

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self.archived += sum(last - first + 1 for first, last in msgspec.json.decode(message.payload)["archived"])
        self.archived_at = time.monotonic()


def measure() -> list[Note]:
    """Return messages per second through the broker, and live readings per second to their receipts."""
    with running_stack("postgres", "broker", "auth-api", "ingest") as stack:
        stack["ingest"].stop()
        token = stack.admin.post("/broker/token", json={}).json()
        names = (token["client_id"], token["username"], token["password"])
        arguments = (stack.ports["PULSE_MQTTS_PORT"], str(stack.home / "ca.pem"), MESSAGES, names)
        with _publisher(stack, "carried-0") as publisher, child(throw_away, *arguments) as listener:
            started = publisher.publish(Load("carried", MESSAGES, devices=1))
            carried = MESSAGES / (listener.hear(WITHIN_S) - started)
        stack["ingest"].start()
        stack.wait_ready()
        with _publisher(stack, "archived-0") as publisher:
            started = publisher.publish(Load("archived", MESSAGES, devices=1))
            until(lambda: publisher.archived >= MESSAGES, within_s=WITHIN_S, what="all of it is receipted")
            ingested = MESSAGES / (publisher.archived_at - started)
    return [
        Note(f"embedded broker, one publisher to one subscriber, TLS: {carried:,.0f} messages/s"),
        Note(f"embedded broker, live to receipt: {ingested:,.0f} readings/s"),
    ]


@contextmanager
def _publisher(stack: Stack, client_id: str) -> Iterator[_Publisher]:
    made = _Publisher(stack, client_id)
    yield made
    made.client.disconnect()
    made.client.loop_stop()

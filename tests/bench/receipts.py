"""Listens at the broker's loopback port: when devices came, and how many readings receipts called archived."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import msgspec
import paho.mqtt.client as mqtt

from support.waiting import until


class Receipts:
    """Counts the numbers that receipts name as archived; each is named once when nothing is sent twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._archived: dict[str, int] = {}
        self._last_at = 0.0
        self._beats: dict[str, float] = {}

    def archived(self, run: str) -> int:
        """Return how many readings of devices whose id begins with *run* are archived."""
        with self._lock:
            return sum(count for name, count in self._archived.items() if name.startswith(run))

    def wait(self, run: str, count: int, *, within_s: float) -> float:
        """Wait until *count* readings of *run* are archived; return when the last receipt came."""
        until(lambda: self.archived(run) >= count, within_s=within_s, what=f"{count} of {run} are receipted")
        with self._lock:
            return self._last_at

    def wait_beat(self, client_id: str, *, within_s: float) -> float:
        """Return when the first heartbeat of *client_id* came, which is sent when it is connected."""
        return until(lambda: self._beats.get(client_id), within_s=within_s, what=f"{client_id} is connected") or 0.0

    def take(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        """Read one receipt or heartbeat."""
        if message.topic.startswith("heartbeat/"):
            self._beats.setdefault(message.topic.removeprefix("heartbeat/"), time.monotonic())
            return
        receipt = msgspec.json.decode(message.payload)
        count = sum(last - first + 1 for first, last in receipt["archived"])
        with self._lock:
            self._archived[receipt["client_id"]] = self._archived.get(receipt["client_id"], 0) + count
            self._last_at = time.monotonic()


@contextlib.contextmanager
def receipts_at(port: int) -> Iterator[Receipts]:
    """Yield a listener that is subscribed."""
    made, subscribed = Receipts(), threading.Event()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "bench-receipts")
    client.on_message = made.take
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.subscribe([("archive/+/receipt", 1), ("heartbeat/+", 1)])
    client.loop_start()
    try:
        assert subscribed.wait(10), "the listener is not subscribed"
        yield made
    finally:
        client.disconnect()
        client.loop_stop()

"""A device that stops waits for the broker to have its last heartbeat, for a little, and for nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from pulse_desktop.core import device as devices
from pulse_desktop.core.device import Device, Parts
from pulse_desktop.core.errors import Link, LinkError
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.link import Token
from pulse_desktop.core.publisher import Connection
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.sources.plan import single
from support.device_fakes import FakeChannel
from support.waiting import until


class NoTokens:
    """A server that is away; the test gives the link itself."""

    def fetch(self) -> Token:
        raise LinkError(Link.NO_NETWORK, "nobody is there")


class Broker(FakeChannel):
    """Calls *acknowledge* before ``publish`` gives the number; with another one for a message that it does not take."""

    def __init__(self, acknowledge: Callable[[int], None], takes: Callable[[dict[str, Any]], bool]) -> None:
        super().__init__()
        self._acknowledge, self._takes = acknowledge, takes

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        number = super().publish(topic, payload, retain=retain)
        said = number if self._takes(self.sent[-1][1]) else number + 1
        answer = threading.Thread(target=self._acknowledge, args=(said,))  # the MQTT library has one of its own, too
        answer.start()
        answer.join()
        return number


def is_farewell(payload: dict[str, Any]) -> bool:
    return payload.get("status") == "OFFLINE"


def stopped(folder: Path, takes: Callable[[dict[str, Any]], bool]) -> tuple[float, Broker]:
    """Run a device whose broker *takes* what it says, and stop it; return how long that took, in seconds."""
    device = Device(Parts(DeviceFolder("D1", folder), DeviceSettings(), NoTokens(), single("simulator", seed=1)))
    broker = Broker(device._on_acknowledged, takes)
    device.start()
    try:
        device._on_up(cast(Connection, broker), 0)
        until(lambda: len(broker.beats()) > 0, within_s=10, what="the first heartbeat")
    finally:
        began = time.monotonic()
        device.stop()
    return time.monotonic() - began, broker


def test_device_farewell_that_is_acknowledged_before_its_number_is_known_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(devices, "FAREWELL_S", 30.0)
    took_s, broker = stopped(tmp_path, takes=lambda _payload: True)
    assert is_farewell(broker.beats()[-1])
    assert took_s < 15


def test_device_farewell_is_waited_for_whatever_else_is_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(devices, "FAREWELL_S", 2.0)
    took_s, broker = stopped(tmp_path, takes=lambda payload: not is_farewell(payload))
    assert is_farewell(broker.beats()[-1])
    assert took_s >= 2

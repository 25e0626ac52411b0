"""A device whose wall clock jumps (failure case 23), its real threads and the real broker around it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pulse_desktop.core.clock import SystemClock
from pulse_desktop.core.device import Device, Parts
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.identity import store
from pulse_desktop.core.identity.tokens import DeviceTokens
from pulse_desktop.core.settings import DeviceSettings
from pulse_desktop.core.sources.plan import of_source
from pulse_desktop.core.sources.simulator import Simulator
from support.device_world import FakeArchive
from support.running_device import SEED, RunningDevice, assert_everything_arrived, of
from support.waiting import until


class JumpingClock(SystemClock):
    """The machine's clock, which a test sets."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(days=-20_000)], ids=["forward", "back to 1972"])
def test_device_clock_jumps_begins_a_stream_and_everything_is_archived_case_23(
    device: RunningDevice, archive: FakeArchive, jump: timedelta
):
    """A suspended machine and one that lost its battery look alike: the clocks drift apart by more than 5 s."""
    clock = JumpingClock()
    identity = store.load(device.folder)
    assert identity is not None
    tokens = DeviceTokens(device.folder, identity, clock, None)
    settings = DeviceSettings(sampling_interval=0.05)
    folder = DeviceFolder(device.client_id, device.folder)
    running = Device(Parts(folder, settings, tokens, of_source("simulator", lambda: Simulator(SEED)), clock))
    running.start()
    try:
        until(lambda: len(archive.live) > 10, within_s=15, what="live readings arrive")
        clock.ahead = jump
        until(lambda: len(device.streams()) == 2, within_s=5, what="another stream is begun")
        second = device.query("SELECT stream FROM streams ORDER BY ordinal")[1][0]
        until(lambda: device.streams()[second] > 20, within_s=10, what="sampling goes on at its pace")
        until(lambda: len(archive.numbers(second)) > 10, within_s=10, what="and so does delivery")
    finally:
        running.stop()
    until(lambda: len(of(device, archive)) == device.recorded(), within_s=5, what="all is there")
    assert_everything_arrived(device, archive)
    assert len(device.streams()) == 2, "one jump, one stream"

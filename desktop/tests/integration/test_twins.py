"""Failure case 40: two machines with one copied device folder under one id, through the real broker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.device_world import FakeArchive
from support.running_device import RunningDevice, of, until_caught_up
from support.waiting import until

TAKEN = "another device uses this id"


@pytest.fixture
def twin(device: RunningDevice, tmp_path: Path) -> Iterator[RunningDevice]:
    """A copy of *device*, made while readings wait in its buffer."""
    device.program.start()
    until(lambda: device.recorded() > 20, within_s=15, what="readings are recorded")
    device.program.kill9()
    made = device.clone(tmp_path)
    yield made
    if made.program.running:
        made.program.stop()


def says_taken(device: RunningDevice) -> bool:
    status = device.status()
    return TAKEN in {status["link"], status["link_detail"]}


def connects(device: RunningDevice) -> int:
    log = device.world.broker.log.read_text(errors="replace")
    return sum("gate.client_connected" in line and device.client_id in line for line in log.splitlines())


@pytest.mark.timeout(300)
def test_twins_stop_fighting_say_so_and_both_are_archived_in_the_end_case_40(
    device: RunningDevice, twin: RunningDevice, archive: FakeArchive
):
    for one in (device, twin):
        one.program.start()
    until(lambda: says_taken(device) and says_taken(twin), within_s=120, what="both say that the id is in use")
    before, began = connects(device), time.monotonic()
    recorded = [(one, one.recorded()) for one in (device, twin)]
    until(lambda: time.monotonic() - began > 30, within_s=40, what="a while has passed")
    assert connects(device) - before <= 5, "each tries again after 20 to 40 s"
    assert all(one.recorded() > count + 100 for one, count in recorded), "both go on recording"
    twin.program.stop()
    until_caught_up(device, within_s=60)
    device.program.stop()
    twin.program.start()
    until(lambda: twin.status()["state"] == "CONNECTED", within_s=60, what="the other one delivers when it is alone")
    twin.program.stop()
    for one in (device, twin):
        until(lambda one=one: len(of(one, archive)) == one.recorded(), within_s=10, what="all of it is archived")
    assert len(set(device.streams()) - set(twin.streams())) == 1, "each start has a stream of its own"
    assert len(set(twin.streams()) - set(device.streams())) == 2
    assert "desktop.id_taken_over" in device.program.tail(10_000)

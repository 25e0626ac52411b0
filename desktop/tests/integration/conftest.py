"""Fixtures of the device's integration tests: an archive, a device that is enrolled, a link that can be cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.device_world import FakeArchive, World
from support.link_proxy import LinkProxy
from support.running_device import RunningDevice


@pytest.fixture
def archive(world: World) -> Iterator[FakeArchive]:
    made = world.archive()
    yield made
    made.close()
    world.archives.remove(made)


@pytest.fixture
def device(world: World, request: pytest.FixtureRequest) -> Iterator[RunningDevice]:
    if not world.broker.running:
        world.start_broker()
    made = RunningDevice(world, f"d{abs(hash(request.node.name)) % 10**9}")
    yield made
    if made.program.running:
        made.program.stop()


@pytest.fixture
def link(world: World) -> Iterator[LinkProxy]:
    made = LinkProxy(world.mqtts_port)
    yield made
    made.close()

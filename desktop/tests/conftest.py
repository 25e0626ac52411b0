"""Fixtures of the device's tests: one world (real broker, token API) for a test module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.device_world import World, device_world


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="pulse-") as home, device_world(Path(home)) as made:
        yield made

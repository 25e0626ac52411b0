"""Fixtures of the device's unit tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.device_bench import Bench, bench_on


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A device with nothing held and the usual settings."""
    made = bench_on(tmp_path)
    yield made
    made.shut()

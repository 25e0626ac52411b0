"""Another device id: wherever the process ends on the way, the next start finds one device, with its sources."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pulse_desktop.core import folder as folders
from pulse_desktop.core.folder import find
from pulse_desktop.core.identity import store
from pulse_desktop.core.sources.plan import read_entries, write_plan
from pulse_desktop.session import enroll_device
from pulse_runtime.environment import Environment
from support.become_and_die import DIED, NEW, OLD
from support.device_world import World

TESTS = Path(__file__).parents[3] / "tests"
SOURCES = [{"kind": "simulator", "prefix": "s/"}]


@pytest.fixture
def environment(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The environment of a home in which the old device alone is enrolled; the machine has another name."""
    monkeypatch.setattr(folders, "host_id", lambda: "another")
    made = Environment({"PULSE_HOME": str(tmp_path), "PULSE_DEVICE_KEYS": "file"})
    old = find(made, OLD)
    enroll_device(made, old, world.api.url, world.code(), None)
    write_plan(old.path, SOURCES)
    return made


def become(world: World, environment: Environment, point: str) -> int:
    variables = {"PULSE_HOME": str(environment.home()), "PULSE_DEVICE_KEYS": "file", "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-m", "support.become_and_die", point, world.api.url, world.code()]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, timeout=60, check=False)
    assert done.returncode in {0, DIED}, done.stderr.decode()
    return done.returncode


@pytest.mark.parametrize(
    ("point", "then"),
    [("asked", OLD), ("agreed", OLD), ("keys kept", OLD), ("identity stored", NEW), ("enrolled", NEW)],
)
def test_device_id_change_that_is_cut_off_leaves_one_device_item_4(
    world: World, environment: Environment, point: str, then: str
):
    assert become(world, environment, point) == DIED
    found = find(environment, None)
    assert found.client_id == then
    assert store.load(found.path) is not None
    assert read_entries(found.path) == SOURCES


def test_device_id_change_that_was_cut_off_can_be_made_again_item_4(world: World, environment: Environment):
    assert become(world, environment, "agreed") == DIED
    assert become(world, environment, "to the end") == 0
    assert find(environment, None).client_id == NEW


def test_device_id_that_was_not_taken_is_forgotten_at_the_next_start_item_4(world: World, environment: Environment):
    assert become(world, environment, "asked") == DIED
    mark = find(environment, OLD).path / folders.REPLACED_BY
    assert mark.exists()
    assert become(world, environment, "start alone") == 0
    assert not mark.exists(), "a device that is enrolled later under that name is another one, beside this"

"""Whatever goes wrong in a run, what it started is ended and what it mounted is taken away."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from faults import plant as module
from faults.plant import Plant, plant
from support.processes import Program
from support.stack import Stack


class Stubborn:
    """A program, as far as ``Stack.stop`` is concerned; *ends* tells whether it ends when it is asked to."""

    def __init__(self, *, ends: bool) -> None:
        self.running, self._ends = True, ends

    def stop(self) -> None:
        self.running = False
        assert self._ends, "did not end in time"


def test_stack_stop_program_that_does_not_end_keeps_no_other_running(tmp_path: Path):
    stack = Stack(tmp_path)
    programs = [Stubborn(ends=ends) for ends in (True, False, True)]
    stack.programs = {str(number): cast(Program, one) for number, one in enumerate(programs)}
    with pytest.raises(AssertionError, match="in time"):
        stack.stop()
    assert not any(one.running for one in programs)


def test_plant_that_cannot_enroll_takes_its_disks_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    closed: list[Path] = []

    class Disk:
        def __init__(self, folder: Path) -> None:
            self.folder = folder

        @classmethod
        def mounted(cls, folder: Path) -> Disk:
            return cls(folder)

        def close(self) -> None:
            closed.append(self.folder)
            raise OSError("busy")

    def refusing(*_: object) -> Any:
        raise AssertionError("the API is away")

    stack = SimpleNamespace(home=tmp_path, ports={"PULSE_MQTTS_PORT": 1}, add=lambda *_: None)
    monkeypatch.setattr(module, "running_stack", lambda *_, **__: contextlib.nullcontext(stack))
    monkeypatch.setattr(module, "SmallDisk", Disk)
    monkeypatch.setattr(module.small_disk, "can_mount", lambda: True)
    monkeypatch.setattr(Plant, "_enroll", refusing)
    with pytest.raises((AssertionError, OSError)), plant(10):
        pass
    assert len(closed) == 2, "one that cannot be taken away does not keep the other"

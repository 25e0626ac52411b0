"""
What each kind of fault does, step by step; a deed is one fault under way and keeps what it must remember.

A step may wait for something (the disk to run full, a buffer to empty), for no longer than ``PATIENCE_S``.
Read next: ``plant`` (what the steps use), ``schedule`` (when they come).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faults import outbox_file
from faults.plant import DRAIN_INTERVAL_S, Plant
from faults.schedule import Fault, Kind, link_of

CLOCK_JUMPS_S = (3 * 86_400, -7_200, -10_000 * 86_400, 600)  # two that are absurd to the archive, two that are not
NEARLY_FULL = 980


@dataclass(frozen=True, slots=True)
class Step:
    """``share``: after which part of the fault's time ``act`` is due, once ``is_ready`` tells so."""

    share: float
    act: Callable[[], None]
    is_ready: Callable[[], bool] = lambda: True


@dataclass(slots=True)
class Evidence:
    """How often faults of which it cannot be seen from the schedule really happened."""

    restored: int = 0
    ran_past: int = 0
    disks_full: int = 0
    buffers_full: int = 0
    clock_jumps: int = 0

    def __str__(self) -> str:
        return (
            f"{self.restored} old databases put back, {self.ran_past} of them run past what they lack;"
            f" recording stopped {self.disks_full} times by a full disk; {self.buffers_full} buffers full;"
            f" {self.clock_jumps} clock jumps"
        )


class Deed:
    """One fault under way."""

    def __init__(self, plant: Plant, fault: Fault, seen: Evidence) -> None:
        self.plant, self.target, self.seen = plant, fault.target, seen

    def steps(self) -> list[Step]:
        """Return what is to be done, in order."""
        return [Step(0.0, self.begin), Step(1.0, self.end)]

    def begin(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        raise NotImplementedError


class Trouble(Deed):
    """A link, which several devices share, is cut or stalled."""

    stalls = False

    def begin(self) -> None:
        for name in self._devices():
            (self.plant.links.stall if self.stalls else self.plant.links.cut)(name, self)

    def end(self) -> None:
        for name in self._devices():
            self.plant.links.mend(name, self)

    def _devices(self) -> list[str]:
        devices = self.plant.devices
        return [name for name in devices if link_of(name, len(devices)) == self.target]


class Stall(Trouble):
    stalls = True


class Kill(Deed):
    def begin(self) -> None:
        self.plant.kill(self.target)

    def end(self) -> None:
        self.plant.start(self.target)


class Restart(Kill):
    def begin(self) -> None:
        self.plant.end(self.target)


class SecondWorker(Deed):
    """It works beside the first for a while; killed, it leaves a session that goes on filling."""

    def begin(self) -> None:
        self.plant.start(self.target)

    def end(self) -> None:
        self.plant.kill(self.target)


class ClockJump(Deed):
    def begin(self) -> None:
        jump_s = CLOCK_JUMPS_S[self.seen.clock_jumps % len(CLOCK_JUMPS_S)]
        self.seen.clock_jumps += 1
        self.plant.clocks[self.target].set_ahead(jump_s)

    def end(self) -> None:
        self.plant.clocks[self.target].set_ahead(0)


class FullDisk(Deed):
    def begin(self) -> None:
        self._stops = self._stopped()
        self.plant.disks[self.target].fill()

    def steps(self) -> list[Step]:
        return [Step(0.0, self.begin), Step(1.0, self.end, is_ready=lambda: self._stopped() > self._stops)]

    def end(self) -> None:
        self.seen.disks_full += self._stopped() > self._stops
        self.plant.disks[self.target].free()

    def _stopped(self) -> int:
        return self.plant.stack[self.target].log.read_text(errors="replace").count("desktop.recording_stopped")


class FullBuffer(Deed):
    """Cut off with a nearly full buffer, the device goes on until it must give readings up."""

    def steps(self) -> list[Step]:
        return [Step(0.0, self.begin), Step(1.0, self.end, is_ready=self._is_full)]

    def begin(self) -> None:
        self.plant.links.cut(self.target, self)
        self.plant.end(self.target)
        self._before = self._given_up()
        self.plant.backfill(self.target, NEARLY_FULL)
        self.plant.start_device(self.target)

    def end(self) -> None:
        self.seen.buffers_full += self._is_full()
        self.plant.links.mend(self.target, self)

    def _is_full(self) -> bool:
        return self._given_up() > self._before

    def _given_up(self) -> int:
        return sum(map(len, outbox_file.given_up(self.plant.outbox(self.target)).values()))


class Restore(Deed):
    """
    A copy is made; later the device takes no more, gets rid of all, and the copy is put back.

    Then it takes readings offline, more than the copy lacks, so that numbers given anew would hide behind new ones.
    """

    def steps(self) -> list[Step]:
        return [
            Step(0.0, self.begin),
            Step(0.3, self._take_no_more),
            Step(0.5, self._put_back, is_ready=self._is_rid_of_all),
            Step(1.0, self.end, is_ready=self._has_run_past),
        ]

    def begin(self) -> None:
        file = self.plant.outbox(self.target)
        outbox_file.keep_copy(file)
        self._then = _taken(self.plant, self.target)
        self._lacking = -1

    def _take_no_more(self) -> None:
        self.plant.end(self.target)
        self._ended_with = _taken(self.plant, self.target)
        self.plant.start_device(self.target, DRAIN_INTERVAL_S)

    def _is_rid_of_all(self) -> bool:
        # With its start it takes one reading more; before, it may hold nothing too, and be ended while it has that one.
        return self._holds_nothing() and _taken(self.plant, self.target) > self._ended_with

    def _holds_nothing(self) -> bool:
        return outbox_file.held(self.plant.outbox(self.target)) == 0

    def _put_back(self) -> None:
        self.plant.end(self.target)
        # Unanswered rows that only the newer file holds would be gone, which is a known limit and no fault of ours.
        if self._holds_nothing():
            self.plant.read_truth(self.target)
            self._lacking = _taken(self.plant, self.target) - self._then
            outbox_file.put_back(self.plant.outbox(self.target))
            self.seen.restored += 1
            self.plant.links.cut(self.target, self)
        self.plant.start_device(self.target)

    def _has_run_past(self) -> bool:
        return _taken(self.plant, self.target) - self._then > self._lacking

    def end(self) -> None:
        self.seen.ran_past += self._lacking >= 0 and self._has_run_past()
        self.plant.links.mend(self.target, self)


class Clone(Deed):
    """A copy of the running device's folder is started beside it; what it holds at the end is sent in the drain."""

    def begin(self) -> None:
        self._name = self.plant.add_clone(self.target)
        self.plant.start_device(self._name)

    def end(self) -> None:
        self.plant.end(self._name)


def _taken(plant: Plant, device: str) -> int:
    return sum(outbox_file.commit_log(plant.outbox(device)).values())


DEEDS: dict[Kind, type[Deed]] = {
    Kind.CUT: Trouble,
    Kind.STALL: Stall,
    Kind.KILL: Kill,
    Kind.RESTART: Restart,
    Kind.RESTORE: Restore,
    Kind.CLONE: Clone,
    Kind.DISK_FULL: FullDisk,
    Kind.CLOCK: ClockJump,
    Kind.BUFFER_FULL: FullBuffer,
    Kind.SECOND: SecondWorker,
}

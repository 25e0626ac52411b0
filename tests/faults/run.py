"""One run: start the plant, apply the schedule, wait until nothing is held, compare. Read next: ``plant``."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from faults import archive
from faults.compare import Verdict, compare
from faults.plant import Plant, plant
from faults.schedule import PATIENCE_S, Fault, schedule, steps
from pulse_desktop.core.sources.simulator import values
from support.processes import until

LOOK_EVERY_S = 0.5


@dataclass(slots=True)
class Report:
    """What a run showed. ``faulty_ends``: programs that ended unasked, or not as they should when asked."""

    faults: list[Fault]
    verdict: Verdict
    restored: int
    faulty_ends: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Tell whether the guarantee held and no program failed."""
        return self.verdict.is_sound and not self.faulty_ends

    @property
    def story(self) -> str:
        """Return what was done, and what was wrong, for people."""
        counts = Counter(f"{'device' if one.target.startswith('D') else one.target} {one.kind}" for one in self.faults)
        done = ", ".join(f"{count} x {what}" for what, count in sorted(counts.items()))
        summary = f"{len(self.faults)} faults: {done}; {self.restored} old databases put back"
        return "\n".join([summary, *self.verdict.differences, *self.faulty_ends])


def run(seconds: float, seed: int, devices: int, say: Callable[[str], None] = lambda _: None) -> Report:
    """
    Drive *devices* devices through the schedule of *seed* for *seconds* and compare the archive with the truth.

    Raises:
        AssertionError: Something did not start, or readings were still held at the end of the wait.
    """
    faults = schedule(seed, seconds, devices)
    with plant(devices) as made:
        made.start_devices()
        until(lambda: archive.devices_seen(made.stack) == devices, within_s=60, what="every device is archived")
        _apply(made, faults, say)
        say("waiting until nothing is held")
        made.drain()
        return Report(faults, _compared(made), made.restored, made.faulty_ends)


def _apply(made: Plant, faults: list[Fault], say: Callable[[str], None]) -> None:
    began = time.monotonic()
    never = threading.Event()
    due = steps(faults)
    while due:
        step = due.pop(0)
        while (wait_s := began + step.at_s - time.monotonic()) > 0:
            never.wait(min(wait_s, LOOK_EVERY_S))  # the time is the schedule's, not a wait for something
            made.notice_ended()
        if step.phase == "end" and step.at_s < step.fault.until_s + PATIENCE_S - 1 and not made.may_end(step.fault):
            due = sorted([*due, replace(step, at_s=step.at_s + LOOK_EVERY_S)], key=lambda one: one.at_s)
            continue
        say(f"{step.at_s:6.1f} s  {step.phase:6}  {step.fault.target} {step.fault.kind}")
        {"begin": made.begin, "middle": made.middle, "end": made.end}[step.phase](step.fault)
    made.notice_ended()


def _compared(made: Plant) -> Verdict:
    total = Verdict()
    for device in made.devices:
        truth = partial(values, made.seed_of(device))
        rows, lost = archive.rows(made.stack, device), archive.lost(made.stack, device)
        total.add(compare(device, made.made[device], truth, rows, lost))
    return total


def say_on_stderr(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)

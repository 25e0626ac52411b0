"""One run: start the plant, apply the schedule, wait until nothing is held, compare. Read next: ``plant``."""

from __future__ import annotations

import heapq
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from faults import archive
from faults.compare import Verdict, compare
from faults.deeds import DEEDS, Evidence, Step
from faults.memory import MemoryCurve
from faults.plant import EMBEDDED, Plant, plant
from faults.schedule import PATIENCE_S, Fault, Kind, schedule
from pulse_desktop.core.sources.simulator import values
from support.waiting import until

LOOK_EVERY_S = 0.5
MEMORY_POINTS = 20


@dataclass(slots=True)
class Report:
    """
    What a run showed. ``faulty_ends``: programs that ended unasked, or not as they should when asked;
    ``cannot``: faults that this machine does not let us make; ``duplicates``, ``absurd``: readings in the archive.
    """

    faults: list[Fault]
    verdict: Verdict
    seen: Evidence
    duplicates: int
    absurd: int
    memory: MemoryCurve
    cannot: frozenset[Kind] = frozenset()
    faulty_ends: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Tell whether the guarantee held and no program failed."""
        return self.verdict.is_sound and not self.faulty_ends

    @property
    def story(self) -> str:
        """Return what was done, and what was wrong, for people."""
        counts = Counter(f"{_sort_of(one.target)}: {one.kind}" for one in self.faults)
        lines = [f"{len(self.faults)} faults:", *(f"{n:5} x {what}" for what, n in sorted(counts.items()))]
        lines += [f"      not to be had on this machine: {kind}" for kind in sorted(self.cannot)]
        lines += [f"{self.seen}; {self.duplicates} duplicates dropped; {self.absurd} readings with an absurd time kept"]
        return "\n".join([*lines, *self.verdict.differences, *self.faulty_ends])


def run(
    seconds: float, seed: int, devices: int, say: Callable[[str], None] = lambda _: None, broker: str = EMBEDDED
) -> Report:
    """
    Drive *devices* devices through the schedule of *seed* for *seconds* and compare the archive with the truth.

    Raises:
        AssertionError: Something did not start.
    """
    with plant(devices, broker) as made:
        faults = schedule(seed, seconds, devices, made.cannot)
        made.start_devices()
        until(lambda: archive.devices_seen(made.stack) == devices, within_s=90, what="every device is archived")
        made.make_buffers_small()
        watched = {"ingest": made.stack["ingest"], "device": made.stack[made.devices[0]]}
        memory, seen = MemoryCurve(watched, seconds / MEMORY_POINTS), Evidence()
        _apply(made, faults, seen, memory, say)
        say("waiting until nothing is held")
        made.drain()
        duplicates, absurd = archive.duplicates_dropped(made.stack), archive.absurd_times(made.stack)
        return Report(faults, _compared(made), seen, duplicates, absurd, memory, made.cannot, made.faulty_ends)


def _apply(made: Plant, faults: list[Fault], seen: Evidence, memory: MemoryCurve, say: Callable[[str], None]) -> None:
    began, order = time.monotonic(), count()
    due: list[tuple[float, int, Fault, list[Step]]] = []
    for fault in faults:
        heapq.heappush(due, (fault.at_s, next(order), fault, DEEDS[fault.kind](made, fault, seen).steps()))
    while due:
        at_s, _, fault, (step, *rest) = heapq.heappop(due)
        _wait_until(began + at_s, made, memory)
        patient = at_s + LOOK_EVERY_S < fault.until_s + PATIENCE_S.get(fault.kind, 0.0)
        if patient and not step.is_ready():
            heapq.heappush(due, (at_s + LOOK_EVERY_S, next(order), fault, [step, *rest]))
            continue
        say(f"{at_s:6.1f} s  {step.act.__name__.strip('_'):12}  {fault.target} {fault.kind}")
        step.act()
        if rest:
            then_s = fault.at_s + rest[0].share * (fault.until_s - fault.at_s)
            heapq.heappush(due, (max(then_s, at_s), next(order), fault, rest))
    made.notice_ended()


def _wait_until(moment: float, made: Plant, memory: MemoryCurve) -> None:
    never = threading.Event()
    while (wait_s := moment - time.monotonic()) > 0:
        never.wait(min(wait_s, LOOK_EVERY_S))  # the time is the schedule's, not a wait for something
        made.notice_ended()
        memory.look()


def _compared(made: Plant) -> Verdict:
    total = Verdict()
    for device in made.devices:
        truth = partial(values, made.seed_of(device))
        total.add(compare(device, made.truth[device], truth, archive.archived(made.stack, device)))
    return total


def _sort_of(target: str) -> str:
    return {"D": "device", "l": "device"}.get(target[0], target)


def say_on_stderr(text: str) -> None:
    """Print one line of progress."""
    print(text, file=sys.stderr, flush=True)

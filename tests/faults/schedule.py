"""
Which fault happens when: a schedule that follows from a seed, and from nothing else.

Pure. Faults of one target never overlap; those of different targets do, which is the point. All faults are over
when the time is. Read next: ``plant`` (what each fault does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

PAUSE_S = 1.0
PATIENCE_S = 15.0  # how much longer than drawn a restore may take, until its device holds nothing


class Kind(StrEnum):
    """What happens to a target; ``RESTORE`` takes three steps: copy, drain, put the old copy back."""

    CUT = "link cut"
    STALL = "link stalled"
    KILL = "killed"
    RESTART = "restarted"
    RESTORE = "old database restored"


@dataclass(frozen=True, slots=True)
class Fault:
    """From ``at_s`` to ``until_s`` after the start, *target* suffers *kind*."""

    at_s: float
    until_s: float
    kind: Kind
    target: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a fault's ``begin``, ``middle`` (of a restore) or ``end``."""

    at_s: float
    phase: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class _Choice:
    weight: int
    kind: Kind
    targets: tuple[str, ...]
    least_s: float
    most_s: float


def device_names(devices: int) -> list[str]:
    """Return the client ids of *devices* devices."""
    return [f"D{number:02}" for number in range(1, devices + 1)]


def link_names(devices: int) -> list[str]:
    """Return the names of the links; a link carries up to four devices."""
    return [f"link-{number}" for number in range(1, (devices + 3) // 4 + 1)] if devices > 4 else ["link-1", "link-2"]


def link_of(device: str, devices: int) -> str:
    """Return the link through which *device* reaches the broker."""
    links = link_names(devices)
    return links[device_names(devices).index(device) % len(links)]


def schedule(seed: int, seconds: float, devices: int) -> list[Fault]:
    """
    Return the faults of a run, by time; the same for the same arguments.

    First comes each choice once, as far as there is time, so that a short run is no lucky one; then chance decides.
    """
    random = Random(seed)
    choices = _choices(devices)
    free_at: dict[str, float] = {}
    made: list[Fault] = []
    first = random.sample(choices, len(choices))
    at_s = random.uniform(0.5, 1.5)
    while at_s < seconds:
        choice = first.pop() if first else random.choices(choices, [one.weight for one in choices])[0]
        target = random.choice(choice.targets)
        begin_s = max(at_s, free_at.get(target, 0.0))
        until_s = begin_s + random.uniform(choice.least_s, choice.most_s)
        if until_s <= seconds:
            made.append(Fault(begin_s, until_s, choice.kind, target))
            free_at[target] = until_s + (PATIENCE_S if choice.kind is Kind.RESTORE else PAUSE_S)
        at_s += random.uniform(0.5, 3.0)
    return sorted(made, key=lambda fault: (fault.at_s, fault.target))


def steps(faults: Iterable[Fault]) -> list[Step]:
    """Return what is to be done for *faults*, by time."""
    return sorted((step for fault in faults for step in _steps_of(fault)), key=lambda step: step.at_s)


def _steps_of(fault: Fault) -> Iterator[Step]:
    yield Step(fault.at_s, "begin", fault)
    if fault.kind is Kind.RESTORE:
        yield Step((fault.at_s + fault.until_s) / 2, "middle", fault)
    yield Step(fault.until_s, "end", fault)


def _choices(devices: int) -> list[_Choice]:
    names, links = tuple(device_names(devices)), tuple(link_names(devices))
    return [
        _Choice(3, Kind.CUT, links, 1.0, 6.0),
        _Choice(2, Kind.STALL, links, 2.0, 8.0),
        _Choice(4, Kind.KILL, names, 0.1, 4.0),
        _Choice(2, Kind.RESTART, names, 0.1, 2.0),
        _Choice(1, Kind.RESTORE, names, 8.0, 12.0),
        _Choice(3, Kind.KILL, ("ingest",), 0.1, 6.0),
        _Choice(1, Kind.RESTART, ("ingest",), 0.1, 2.0),
        _Choice(2, Kind.KILL, ("broker",), 0.1, 4.0),
        _Choice(1, Kind.RESTART, ("broker",), 0.1, 2.0),
        _Choice(2, Kind.KILL, ("postgres",), 0.1, 5.0),
        _Choice(1, Kind.RESTART, ("postgres",), 0.1, 2.0),
    ]

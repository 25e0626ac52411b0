"""
Which fault happens when: a schedule that follows from a seed, and from nothing else.

Pure. Faults of one target never overlap; those of different targets do, which is the point. All faults are over
when the time is, but for what waits for something (``PATIENCE_S``). Read next: ``deeds`` (what each fault does).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

PAUSE_S = 1.0


class Kind(StrEnum):
    """What happens to a target."""

    CUT = "link cut"
    STALL = "link stalled"
    KILL = "killed"
    RESTART = "restarted"
    RESTORE = "old database restored, then more readings taken offline than it lacks"
    CLONE = "two clones at once"
    DISK_FULL = "disk full"
    CLOCK = "clock jump"
    BUFFER_FULL = "buffer full while its link is cut"
    SECOND = "second worker on the same devices, then killed"


# How much longer than drawn a fault may take until what it waits for has come.
# A device that was cut off three times within seconds waits up to 40 s before it goes on emptying its buffer (ADR 9).
PATIENCE_S = {Kind.RESTORE: 70.0, Kind.DISK_FULL: 40.0, Kind.BUFFER_FULL: 15.0}


@dataclass(frozen=True, slots=True)
class Fault:
    """From ``at_s`` to ``until_s`` after the start, *target* suffers *kind*."""

    at_s: float
    until_s: float
    kind: Kind
    target: str


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


def targets(kind: Kind, devices: int) -> tuple[str, ...]:
    """
    Return what *kind* may happen to.

    Of five devices one has a wall clock of its own, one a small buffer and one a small disk; the others are copied.
    """
    names = device_names(devices)
    special = {Kind.CLOCK: names[1::5], Kind.BUFFER_FULL: names[2::5], Kind.DISK_FULL: names[3::5]}
    if kind in special:
        return tuple(special[kind])
    if kind in {Kind.RESTORE, Kind.CLONE}:
        return tuple(name for name in names if not any(name in others for others in special.values()))
    if kind in {Kind.CUT, Kind.STALL}:
        return tuple(link_names(devices))
    return ("ingest-2",) if kind is Kind.SECOND else tuple(names)


def schedule(seed: int, seconds: float, devices: int, without: frozenset[Kind] = frozenset()) -> list[Fault]:
    """
    Return the faults of a run, by time; the same for the same arguments. *without*: what this machine cannot do.

    First comes each choice once, as far as there is time, those that take longest first, so that a short run is no
    lucky one; then chance decides.
    """
    random = Random(seed)
    choices = [one for one in _choices(devices) if one.targets and one.kind not in without]
    free_at: dict[str, float] = {}
    made: list[Fault] = []
    first = sorted(random.sample(choices, len(choices)), key=_takes_s)
    at_s = random.uniform(0.2, 0.8)
    while at_s < seconds:
        choice = first.pop() if first else random.choices(choices, [one.weight for one in choices])[0]
        target = min(random.sample(choice.targets, len(choice.targets)), key=lambda one: max(at_s, free_at.get(one, 0)))
        begin_s = max(at_s, free_at.get(target, 0.0))
        until_s = begin_s + random.uniform(choice.least_s, choice.most_s)
        if until_s <= seconds:
            made.append(Fault(begin_s, until_s, choice.kind, target))
            free_at[target] = until_s + PATIENCE_S.get(choice.kind, PAUSE_S)
        at_s += random.uniform(0.2, 1.2) if first else random.uniform(0.5, 3.0)
    return sorted(made, key=lambda fault: (fault.at_s, fault.target))


def _takes_s(choice: _Choice) -> float:
    return choice.most_s if choice.kind in _LONG else 0.0


def _choices(devices: int) -> list[_Choice]:
    return [
        _Choice(weight, kind, (only,) if only else targets(kind, devices), least_s, most_s)
        for weight, kind, only, least_s, most_s in _TABLE
    ]


_LONG = {Kind.RESTORE, Kind.CLONE, Kind.BUFFER_FULL, Kind.DISK_FULL, Kind.SECOND, Kind.CLOCK}
_TABLE = [
    (3, Kind.CUT, "", 1.0, 6.0),
    (2, Kind.STALL, "", 2.0, 8.0),
    (4, Kind.KILL, "", 0.1, 4.0),
    (2, Kind.RESTART, "", 0.1, 2.0),
    (2, Kind.RESTORE, "", 10.0, 14.0),
    (2, Kind.CLONE, "", 8.0, 12.0),
    (2, Kind.DISK_FULL, "", 5.0, 8.0),
    (2, Kind.CLOCK, "", 3.0, 8.0),
    (2, Kind.BUFFER_FULL, "", 8.0, 12.0),
    (2, Kind.SECOND, "", 6.0, 15.0),
    (3, Kind.KILL, "ingest", 0.1, 6.0),
    (1, Kind.RESTART, "ingest", 0.1, 2.0),
    (2, Kind.KILL, "broker", 0.1, 4.0),
    (1, Kind.RESTART, "broker", 0.1, 2.0),
    (2, Kind.KILL, "postgres", 0.1, 5.0),
    (1, Kind.RESTART, "postgres", 0.1, 2.0),
]

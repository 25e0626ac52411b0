"""
The archive against the truth: reading by reading, metric by metric, exact to the type, and the time of each.

Pure; it is given the truth and the rows and returns what differs. ``1`` and ``1.0`` and ``True`` are three values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from faults.truth import Truth

Value = bool | int | float
Row = tuple[str, int, str, Value]  # stream, sequence number, metric, value
ValuesOf = Callable[[str, int], Mapping[str, Value]]
MOST_NAMED = 10


@dataclass(frozen=True, slots=True)
class Archived:
    """
    One device's part of the archive, in any order.

    ``times``: what each reading claims to be taken at, by stream and number; ``lost``: by stream, declared lost.
    """

    rows: Iterable[Row]
    times: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    lost: Mapping[str, set[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Verdict:
    """
    Counts of readings. ``archived``: with at least one row; ``altered``: a metric is absent, added or of another
    value, or the time is another; ``strangers``: archived though the truth does not know them; ``lost``: given up by
    the device and declared; ``mislaid``: declared lost though archived or never given up; ``differences``: the first.
    """

    produced: int = 0
    archived: int = 0
    missing: int = 0
    twice: int = 0
    altered: int = 0
    strangers: int = 0
    lost: int = 0
    mislaid: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Tell whether everything produced is archived once and unaltered, or given up and declared, and no more."""
        return not (self.missing or self.twice or self.altered or self.strangers or self.mislaid)

    def __str__(self) -> str:
        counts = f"{self.produced} produced, {self.archived} archived, {self.missing} missing, {self.twice} twice"
        odd = {"altered": self.altered, "never made": self.strangers, "wrongly declared lost": self.mislaid}
        return f"{counts}, {self.lost} declared lost" + "".join(f", {n} {name}" for name, n in odd.items() if n)

    def add(self, other: Verdict) -> None:
        """Add the counts of another device."""
        for name in ("produced", "archived", "missing", "twice", "altered", "strangers", "lost", "mislaid"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.differences = (self.differences + other.differences)[:MOST_NAMED]

    def differs(self, what: str) -> None:
        """Name one difference; only the first are kept."""
        if len(self.differences) < MOST_NAMED:
            self.differences.append(what)


def compare(device: str, truth: Truth, values: ValuesOf, archived: Archived) -> Verdict:
    """Compare what is archived of *device* with the truth; *values* is what each of its readings holds."""
    verdict = Verdict(produced=sum(truth.made.values()) + len(truth.reused), missing=len(truth.reused))
    for stream, number in sorted(truth.reused)[:MOST_NAMED]:
        verdict.differs(f"{device} {stream} {number}: given to two readings")
    found: dict[tuple[str, int], list[tuple[str, Value]]] = {}
    for stream, number, metric, value in archived.rows:
        found.setdefault((stream, number), []).append((metric, value))
    _judge_losses(verdict, device, truth, archived, found)
    for stream, last in truth.made.items():
        for number in range(1, last + 1):
            name = f"{device} {stream} {number}"
            here = found.pop((stream, number), None)
            if here is not None:
                _judge(verdict, name, values(stream, number), here)
                _judge_time(verdict, name, truth.times.get((stream, number)), archived.times.get((stream, number)))
            elif number not in archived.lost.get(stream, ()):
                verdict.missing += 1
                verdict.differs(f"{name}: missing")
    verdict.strangers = len(found)
    for stream, number in sorted(found)[:MOST_NAMED]:
        verdict.differs(f"{device} {stream} {number}: archived but never made")
    return verdict


def _judge_losses(
    verdict: Verdict,
    device: str,
    truth: Truth,
    archived: Archived,
    found: Mapping[tuple[str, int], object],
) -> None:
    for stream, numbers in archived.lost.items():
        for number in sorted(numbers):
            if (stream, number) in found:
                verdict.mislaid += 1
                verdict.differs(f"{device} {stream} {number}: declared lost although it is archived")
            elif number not in truth.given_up.get(stream, ()):
                verdict.mislaid += 1
                verdict.differs(f"{device} {stream} {number}: declared lost, but never given up")
            else:
                verdict.lost += 1


def _judge(verdict: Verdict, name: str, truth: Mapping[str, Value], here: list[tuple[str, Value]]) -> None:
    verdict.archived += 1
    if len({metric for metric, _ in here}) < len(here):
        verdict.twice += 1
        verdict.differs(f"{name}: {len(here)} rows for {len(truth)} metrics")
    typed = {(metric, type(value), value) for metric, value in here}
    wanted = {(metric, type(value), value) for metric, value in truth.items()}
    if typed != wanted:
        verdict.altered += 1
        metric = min(metric for metric, _, _ in typed ^ wanted)
        verdict.differs(f"{name}: {metric} is {dict(here).get(metric)!r}, was {truth.get(metric)!r}")


def _judge_time(verdict: Verdict, name: str, taken_at: datetime | None, archived_at: datetime | None) -> None:
    """Find another reading under the same number: it was taken at another time."""
    if taken_at is not None and archived_at != taken_at:
        verdict.altered += 1
        verdict.differs(f"{name}: taken at {taken_at}, archived as of {archived_at}")

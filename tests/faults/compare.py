"""
The archive against the truth: reading by reading, metric by metric, exact to the type.

Pure; it is given the truth and the rows and returns what differs. ``1`` and ``1.0`` and ``True`` are three values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

Value = bool | int | float
Row = tuple[str, int, str, Value]  # stream, sequence number, metric, value
ValuesOf = Callable[[str, int], Mapping[str, Value]]
MOST_NAMED = 10


@dataclass(slots=True)
class Verdict:
    """
    Counts of readings. ``archived``: with at least one row; ``altered``: a metric is absent, added or of another
    value; ``strangers``: numbers that the truth does not know; ``differences``: the first of all these.
    """

    produced: int = 0
    archived: int = 0
    missing: int = 0
    twice: int = 0
    altered: int = 0
    strangers: int = 0
    lost: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Tell whether everything produced is archived once and unaltered, and nothing else is."""
        return not (self.missing or self.twice or self.altered or self.strangers or self.lost)

    def __str__(self) -> str:
        counts = f"{self.produced} produced, {self.archived} archived, {self.missing} missing, {self.twice} twice"
        odd = "".join(
            f", {count} {name}" for count, name in ((self.altered, "altered"), (self.strangers, "never made")) if count
        )
        return f"{counts}, {self.lost} declared lost{odd}"

    def add(self, other: Verdict) -> None:
        """Add the counts of another device."""
        for name in ("produced", "archived", "missing", "twice", "altered", "strangers", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.differences = (self.differences + other.differences)[:MOST_NAMED]

    def differs(self, what: str) -> None:
        """Name one difference; only the first are kept."""
        if len(self.differences) < MOST_NAMED:
            self.differences.append(what)


def compare(
    device: str, made: Mapping[str, int], values: ValuesOf, rows: Iterable[Row], lost: Mapping[str, set[int]]
) -> Verdict:
    """
    Compare one device's part of the archive with the truth.

    Args:
        device: For the words only.
        made: By stream, the highest number committed; all from 1 were.
        values: The truth: what a reading holds.
        rows: The archive, in any order.
        lost: By stream, the numbers declared lost.
    """
    verdict = Verdict(produced=sum(made.values()), lost=sum(map(len, lost.values())))
    found: dict[tuple[str, int], list[tuple[str, Value]]] = {}
    for stream, number, metric, value in rows:
        found.setdefault((stream, number), []).append((metric, value))
    for stream, last in made.items():
        for number in range(1, last + 1):
            here = found.pop((stream, number), None)
            if here is not None:
                _judge(verdict, f"{device} {stream} {number}", values(stream, number), here)
            elif number not in lost.get(stream, ()):
                verdict.missing += 1
                verdict.differs(f"{device} {stream} {number}: missing")
    verdict.strangers = len(found)
    for stream, number in sorted(found)[:MOST_NAMED]:
        verdict.differs(f"{device} {stream} {number}: archived but never made")
    return verdict


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

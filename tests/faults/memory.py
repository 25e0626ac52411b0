"""How much memory the worker and one device hold, sampled while a run goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from support.processes import Program

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Point:
    """MiB resident at ``at_s`` after the start, by program; a program that does not run at that moment is left out."""

    at_s: float
    held_mib: dict[str, float]


class MemoryCurve:
    """Takes a point every *every_s* seconds, when it is asked."""

    def __init__(self, programs: dict[str, Program], every_s: float) -> None:
        self._programs, self._every_s, self._began = programs, every_s, time.monotonic()
        self._due_s = 0.0
        self.points: list[Point] = []

    def look(self) -> None:
        """Take a point when one is due."""
        at_s = time.monotonic() - self._began
        if at_s >= self._due_s:
            self._due_s = at_s + self._every_s
            held = {name: _resident_mib(one) for name, one in self._programs.items()}
            self.points.append(Point(at_s, {name: mib for name, mib in held.items() if mib}))

    def table(self) -> str:
        """Return the points as a Markdown table."""
        names = list(self._programs)
        rows = [["at s", *(f"{name} MiB" for name in names)], ["---:"] * (1 + len(names))]
        for point in self.points:
            cells = [f"{point.held_mib[name]:.1f}" if name in point.held_mib else "(down)" for name in names]
            rows.append([f"{point.at_s:.0f}", *cells])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _resident_mib(one: Program) -> float:
    if one.process is None or not one.running:
        return 0.0
    try:
        return float(psutil.Process(one.process.pid).memory_info().rss) / MIB
    except psutil.NoSuchProcess:
        return 0.0

"""How a benchmark states what it measured: a figure, the reference of the same run, the ratio, and the bar."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Line(Protocol):
    """One line of the report: ``str()`` is what is printed, ``missed`` says whether it stays under its bar."""

    @property
    def missed(self) -> bool:
        """Tell whether the bar was missed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A rate that should be at least ``bar`` times the reference; per second, medians of paired rounds."""

    name: str
    rate: float
    reference_name: str
    reference: float
    ratio: float
    bar: float

    @property
    def missed(self) -> bool:
        """Tell whether the ratio is below the bar."""
        return self.ratio < self.bar

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.rate:,.0f}/s; {self.reference_name}: {self.reference:,.0f}/s; "
            f"ratio {self.ratio:.2f} (bar {self.bar:g}: {_verdict(self.missed)})"
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure that must stay below ``most``; ``beside`` is what else was measured in the same run."""

    name: str
    value: float
    unit: str
    most: float
    beside: str = ""

    @property
    def missed(self) -> bool:
        """Tell whether the limit is passed."""
        return not self.value < self.most

    def __str__(self) -> str:
        beside = f"; {self.beside}" if self.beside else ""
        limit = f"limit {self.most:g} {self.unit}: {_verdict(self.missed)}"
        return f"{self.name}: {self.value:,.4g} {self.unit} ({limit}){beside}"


@dataclass(frozen=True, slots=True)
class Note:
    """A figure without a bar."""

    text: str
    missed: bool = False

    def __str__(self) -> str:
        return f"{self.text} (no bar)"


def compare(
    name: str,
    run: Callable[[], float],
    reference_name: str,
    reference: Callable[[], float],
    *,
    bar: float,
    rounds: int = 5,
) -> Figure:
    """Run both in turns, so that what else the machine does meets both; each returns a rate."""
    rates, references = [], []
    for _ in range(rounds):
        references.append(reference())
        rates.append(run())
    return paired(name, rates, reference_name, references, bar=bar)


def paired(
    name: str, rates: Sequence[float], reference_name: str, references: Sequence[float], *, bar: float
) -> Figure:
    """Return the figure of *rates* and *references* that were measured in turns."""
    ratio = statistics.median(rate / base for rate, base in zip(rates, references, strict=True))
    return Figure(name, statistics.median(rates), reference_name, statistics.median(references), ratio, bar)


def percentile(values: Sequence[float], part: float) -> float:
    """Return the value below which *part* (0 to 1) of *values* lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def _verdict(missed: bool) -> str:
    return "MISSED" if missed else "reached"

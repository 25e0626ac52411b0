"""How a benchmark states what it measured: a rate, the reference of the same run, the ratio and the bar."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the report; rates are readings per second, medians of paired rounds."""

    name: str
    rate: float
    reference_name: str
    reference: float
    ratio: float
    bar: float

    def __str__(self) -> str:
        verdict = "reached" if self.ratio >= self.bar else "MISSED"
        return (
            f"{self.name}: {self.rate:,.0f}/s; {self.reference_name}: {self.reference:,.0f}/s; "
            f"ratio {self.ratio:.2f} (bar {self.bar:g}: {verdict})"
        )


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
    ratio = statistics.median(rate / base for rate, base in zip(rates, references, strict=True))
    return Figure(name, statistics.median(rates), reference_name, statistics.median(references), ratio, bar)

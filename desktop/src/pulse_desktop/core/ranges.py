"""
Ranges of sequence numbers, ``(first, last)`` with both ends included, as they travel in receipts.

Pure functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]


def collapse(numbers: Iterable[int]) -> list[Range]:
    """Return *numbers* (any order, repeats allowed) as the fewest ascending ranges."""
    found: list[Range] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Return the same numbers as ascending ranges that neither touch nor overlap."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return found


def highest(ranges: Sequence[Range]) -> int:
    """Return the highest number named, 0 when there is none."""
    return max((last for _, last in ranges), default=0)

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


def without(ranges: Iterable[Range], gone: Iterable[Range]) -> list[Range]:
    """Return the numbers of *ranges* that are not in *gone*, merged."""
    found: list[Range] = []
    holes = merge(gone)
    for first, last in merge(ranges):
        begin = first
        for hole_first, hole_last in holes:
            if hole_last < begin or hole_first > last:
                continue
            if hole_first > begin:
                found.append((begin, hole_first - 1))
            begin = hole_last + 1
        if begin <= last:
            found.append((begin, last))
    return found


def both(one: Iterable[Range], other: Iterable[Range]) -> list[Range]:
    """Return the numbers that are in both, merged."""
    kept = list(one)
    return without(kept, without(kept, other))


def size(ranges: Iterable[Range]) -> int:
    """Return how many numbers *ranges*, which do not overlap, name."""
    return sum(last - first + 1 for first, last in ranges)


def highest(ranges: Sequence[Range]) -> int:
    """Return the highest number named, 0 when there is none."""
    return max((last for _, last in ranges), default=0)

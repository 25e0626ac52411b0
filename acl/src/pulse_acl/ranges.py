"""
Sets of sequence numbers as they travel in receipts: ascending, disjoint ranges with both ends included.

Pure. What the functions return is always normal: ascending, and neighbours are joined, so that equal sets are equal
lists; a set of a million numbers with one hole is two ranges. ``difference``, ``intersection`` and ``contains`` want
normal arguments, ``union`` makes any normal. Used by the device, the worker and the API.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence

Range = tuple[int, int]
Ranges = list[Range]
_TEXT_RANGE = re.compile(r"\[(-?\d+),(-?\d+)\)")


def from_numbers(numbers: Iterable[int]) -> Ranges:
    """Return the ranges that hold exactly *numbers*, which may come in any order and more than once."""
    made: Ranges = []
    first = last = None
    for number in sorted(numbers):
        if first is None or last is None:
            first = last = number
        elif number <= last + 1:
            last = number
        else:
            made.append((first, last))
            first = last = number
    if first is not None and last is not None:
        made.append((first, last))
    return made


def union(*parts: Iterable[Range]) -> Ranges:
    """Return the numbers in any of *parts*, whose ranges may overlap and come in any order; last < first is empty."""
    made: Ranges = []
    for first, last in sorted(piece for part in parts for piece in part):
        if last < first:
            continue
        if made and first <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(made[-1][1], last))
        else:
            made.append((first, last))
    return made


def difference(left: Sequence[Range], right: Sequence[Range]) -> Ranges:
    """Return the numbers of *left* that are not in *right*."""
    made: Ranges = []
    index = 0
    for first, last in left:
        start = first
        while index < len(right) and right[index][1] < start:
            index += 1
        at = index
        while at < len(right) and right[at][0] <= last:
            if right[at][0] > start:
                made.append((start, right[at][0] - 1))
            start = right[at][1] + 1
            at += 1
        if start <= last:
            made.append((start, last))
    return made


def intersection(left: Sequence[Range], right: Sequence[Range]) -> Ranges:
    """Return the numbers that are in both."""
    made: Ranges = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            made.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return made


def contains(ranges: Sequence[Range], number: int) -> bool:
    """Tell whether *number* is in one of *ranges*."""
    at = bisect_right(ranges, number, key=lambda piece: piece[0])
    return at > 0 and ranges[at - 1][1] >= number


def count(ranges: Iterable[Range]) -> int:
    """Return how many numbers *ranges*, which do not overlap, hold."""
    return sum(last - first + 1 for first, last in ranges)


def highest(ranges: Iterable[Range]) -> int:
    """Return the greatest number named, 0 when there is none; *ranges* may come in any order."""
    return max((last for _, last in ranges), default=0)


def to_text(ranges: Iterable[Range]) -> str:
    """Write *ranges* as PostgreSQL's ``int8multirange`` literal, whose upper bounds are exclusive."""
    return "{" + ",".join(f"[{first},{last + 1})" for first, last in ranges) + "}"


def from_text(text: str) -> Ranges:
    """Read what PostgreSQL writes for an ``int8multirange`` without infinite bounds."""
    return [(int(first), int(end) - 1) for first, end in _TEXT_RANGE.findall(text)]

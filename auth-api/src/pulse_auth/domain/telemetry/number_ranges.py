"""
Sets of sequence numbers as ascending closed ranges: union, difference, intersection, count.

Pure. A set of a million numbers with one hole is two ranges, so the account of a device that has run for
years stays small. The property tests compare every function with Python's own sets. Used by ``integrity``.
"""

from __future__ import annotations

from collections.abc import Iterable

Range = tuple[int, int]
Ranges = tuple[Range, ...]
EMPTY: Ranges = ()


def normal(ranges: Iterable[Range]) -> Ranges:
    """Return *ranges* ascending, disjoint and with neighbours joined; a range with last < first is empty."""
    joined: list[Range] = []
    for first, last in sorted(pair for pair in ranges if pair[0] <= pair[1]):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return tuple(joined)


def union(one: Ranges, other: Ranges) -> Ranges:
    """Return the numbers in either of two normal sets."""
    return normal((*one, *other))


def difference(one: Ranges, other: Ranges) -> Ranges:
    """Return the numbers of the normal set *one* that are not in the normal set *other*."""
    left: list[Range] = []
    index = 0
    for first, last in one:
        while index < len(other) and other[index][1] < first:
            index += 1
        cut, at = index, first
        while cut < len(other) and other[cut][0] <= last:
            if at < other[cut][0]:
                left.append((at, other[cut][0] - 1))
            at = other[cut][1] + 1
            cut += 1
        if at <= last:
            left.append((at, last))
    return tuple(left)


def intersection(one: Ranges, other: Ranges) -> Ranges:
    """Return the numbers in both of two normal sets."""
    shared: list[Range] = []
    i = j = 0
    while i < len(one) and j < len(other):
        first, last = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if first <= last:
            shared.append((first, last))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return tuple(shared)


def count(ranges: Ranges) -> int:
    """Return how many numbers a normal set holds."""
    return sum(last - first + 1 for first, last in ranges)


def highest(ranges: Ranges) -> int:
    """Return the greatest number of a normal set, 0 for the empty one."""
    return ranges[-1][1] if ranges else 0

"""The algebra of ranges against Python's own sets."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl import ranges

numbers = st.sets(st.integers(1, 40))


def members(found: ranges.Ranges) -> set[int]:
    return {number for first, last in found for number in range(first, last + 1)}


def is_normal(found: ranges.Ranges) -> bool:
    return all(first <= last for first, last in found) and all(
        left[1] + 1 < right[0] for left, right in pairwise(found)
    )


@given(st.lists(st.integers(1, 40)))
def test_from_numbers_any_order_and_repeats_holds_exactly_them(given_numbers: list[int]) -> None:
    found = ranges.from_numbers(given_numbers)
    assert members(found) == set(given_numbers)
    assert is_normal(found)


@given(numbers, numbers)
def test_algebra_any_two_sets_equals_that_of_sets(left: set[int], right: set[int]) -> None:
    a, b = ranges.from_numbers(left), ranges.from_numbers(right)
    for found, expected in (
        (ranges.union(a, b), left | right),
        (ranges.difference(a, b), left - right),
        (ranges.intersection(a, b), left & right),
    ):
        assert members(found) == expected
        assert is_normal(found)
    assert ranges.count(a) == len(left)
    assert ranges.highest(a) == max(left, default=0)
    assert all(ranges.contains(a, number) is (number in left) for number in range(42))


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_union_overlapping_and_empty_pieces_is_normal(pieces: list[tuple[int, int]]) -> None:
    found = ranges.union(pieces)
    assert members(found) == {number for first, last in pieces for number in range(first, last + 1)}
    assert is_normal(found)


@given(numbers)
def test_text_written_and_read_is_unchanged(given_numbers: set[int]) -> None:
    found = ranges.from_numbers(given_numbers)
    assert ranges.from_text(ranges.to_text(found)) == found


def test_to_text_upper_bound_is_exclusive() -> None:
    assert ranges.to_text([(1, 3), (7, 7)]) == "{[1,4),[7,8)}"


def test_count_of_the_largest_stream_is_exact() -> None:
    assert ranges.count([(1, 2**63 - 2)]) == 2**63 - 2


@pytest.mark.parametrize(
    ("written", "found"), [("{}", []), ("{[1,2)}", [(1, 1)]), ("{[1,4),[8,11)}", [(1, 3), (8, 10)])]
)
def test_from_text_gives_closed_ranges(written: str, found: ranges.Ranges) -> None:
    assert ranges.from_text(written) == found

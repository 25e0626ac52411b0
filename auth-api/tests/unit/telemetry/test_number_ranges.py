"""Every range function against Python's own sets."""

from hypothesis import given
from hypothesis import strategies as st

from pulse_auth.domain.telemetry import number_ranges as numbers

NUMBERS = st.sets(st.integers(min_value=1, max_value=40))


def ranges_of(members: set[int]) -> numbers.Ranges:
    return numbers.normal((number, number) for number in members)


def members_of(ranges: numbers.Ranges) -> set[int]:
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_normal_of_any_pairs_is_ascending_and_has_gaps_between(pairs: list[tuple[int, int]]) -> None:
    ranges = numbers.normal(pairs)
    assert members_of(ranges) == {n for first, last in pairs for n in range(first, last + 1)}
    assert all(first <= last for first, last in ranges)
    assert all(ranges[i][1] + 1 < ranges[i + 1][0] for i in range(len(ranges) - 1))


@given(NUMBERS, NUMBERS)
def test_algebra_of_any_two_sets_equals_that_of_python_sets(one: set[int], other: set[int]) -> None:
    left, right = ranges_of(one), ranges_of(other)
    assert numbers.union(left, right) == ranges_of(one | other)
    assert numbers.difference(left, right) == ranges_of(one - other)
    assert numbers.intersection(left, right) == ranges_of(one & other)
    assert numbers.count(left) == len(one)
    assert numbers.highest(left) == max(one, default=0)


def test_count_of_the_largest_stream_is_exact() -> None:
    assert numbers.count(((1, 2**63 - 2),)) == 2**63 - 2

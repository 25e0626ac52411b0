"""
The matching functions against the definition, by brute force.

``WORLD`` holds every topic of up to four levels over an alphabet with empty levels, ``$`` levels and one name that no
filter mentions; ``FILTERS`` every filter of up to three levels and a ``#``. What a filter matches is written down once
more here, as a regular expression, and ``covers`` and ``overlaps`` are compared with the sets of topics themselves.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.matching import covers, is_valid_filter, is_valid_topic, matches, overlaps, unwrap
from support.decision_cases import matching_cases

NAMES = ("", "a", "$s")
FRESH = "z"  # stands for every name that no filter mentions


def _joined(levels: Iterable[str], most: int) -> list[str]:
    chosen = tuple(levels)
    return ["/".join(each) for length in range(1, most + 1) for each in itertools.product(chosen, repeat=length)]


WORLD = [topic for topic in _joined((*NAMES, FRESH), 4) if topic]
_WITHOUT_HASH = [each for each in _joined((*NAMES, "+"), 3) if each]
FILTERS = [*_WITHOUT_HASH, "#", "/#", *(f"{each}/#" for each in _WITHOUT_HASH)]


def _defined(topic_filter: str) -> re.Pattern[str]:
    """MQTT 3.1.1 section 4.7 as a regular expression over whole topics."""
    levels = topic_filter.split("/")
    parts = ["[^/]*" if level == "+" else re.escape(level) for level in levels if level != "#"]
    pattern = "/".join(parts)
    if levels[-1] == "#":
        pattern = f"{pattern}(/.*)?" if parts else ".*"
    guard = r"(?!\$)" if levels[0] in {"+", "#"} else ""
    return re.compile(guard + pattern, re.DOTALL)


def _sets() -> dict[str, int]:
    """The topics that each filter matches by the definition, as bits."""
    found = {}
    for topic_filter in FILTERS:
        pattern = _defined(topic_filter)
        found[topic_filter] = sum(1 << index for index, topic in enumerate(WORLD) if pattern.fullmatch(topic))
    return found


MATCHED = _sets()


def test_world_and_filters_are_well_formed() -> None:
    assert all(map(is_valid_topic, WORLD))
    assert all(map(is_valid_filter, FILTERS))
    assert all(MATCHED.values())


def test_matches_every_topic_and_filter_equals_definition() -> None:
    wrong = [
        (topic, topic_filter)
        for topic_filter in FILTERS
        for index, topic in enumerate(WORLD)
        if matches(topic, topic_filter) != bool(MATCHED[topic_filter] >> index & 1)
    ]
    assert wrong == []


def test_covers_every_pair_equals_subset_of_topics() -> None:
    wrong = [
        (rule, asked)
        for rule, asked in itertools.product(FILTERS, repeat=2)
        if covers(rule, asked) != (MATCHED[asked] & ~MATCHED[rule] == 0)
    ]
    assert wrong == []


def test_overlaps_every_pair_equals_common_topic() -> None:
    wrong = [
        (one, other)
        for one, other in itertools.product(FILTERS, repeat=2)
        if overlaps(one, other) != bool(MATCHED[one] & MATCHED[other])
    ]
    assert wrong == []


_LEVEL = st.text(st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), max_size=4)
_TOPICS = st.lists(_LEVEL, min_size=1, max_size=6).map("/".join).filter(bool)


@st.composite
def _filter_for(draw: st.DrawFn, topic: str) -> str:
    """A filter made of *topic* by putting in wildcards and cutting off its end."""
    levels = [draw(st.sampled_from([level, "+"])) for level in topic.split("/")]
    if draw(st.booleans()):
        levels = [*levels[: draw(st.integers(0, len(levels)))], "#"]
    return "/".join(levels)


@given(st.data())
def test_matches_filter_made_from_topic_holds_unless_dollar_meets_wildcard(data: st.DataObject) -> None:
    topic = data.draw(_TOPICS)
    topic_filter = data.draw(_filter_for(topic).filter(bool))
    expected = not (topic.startswith("$") and topic_filter[0] in "+#")
    assert matches(topic, topic_filter) is expected
    assert matches(topic, topic_filter) == (_defined(topic_filter).fullmatch(topic) is not None)


@given(st.data())
def test_covers_of_a_topic_means_matches(data: st.DataObject) -> None:
    topic = data.draw(_TOPICS)
    topic_filter = data.draw(st.one_of(_filter_for(topic), _TOPICS).filter(bool))
    assert covers(topic_filter, topic) == matches(topic, topic_filter) == overlaps(topic_filter, topic)


@given(st.data())
def test_covers_is_transitive_and_reflexive(data: st.DataObject) -> None:
    topic = data.draw(_TOPICS)
    low = data.draw(_filter_for(topic).filter(bool))
    middle, high = (data.draw(st.sampled_from([*FILTERS, low])) for _ in range(2))
    assert covers(low, low)
    if covers(high, middle) and covers(middle, low):
        assert covers(high, low)


@pytest.mark.parametrize("broken", ["", "a#", "#/a", "a/#/b", "a+", "+a/b", "a\0b", "\ud800", "a" * 65_536])
def test_covers_malformed_filter_covers_nothing_and_is_not_covered(broken: str) -> None:
    assert not is_valid_filter(broken)
    assert not covers(broken, "a")
    assert not covers("#", broken)


@pytest.mark.parametrize("broken", ["", "+", "#", "a/+", "a#", "a\0", "\udfff", "é" * 32_768])
def test_is_valid_topic_malformed_is_refused(broken: str) -> None:
    assert not is_valid_topic(broken)


def test_is_valid_topic_longest_is_taken() -> None:
    assert is_valid_topic("a" * 65_535)


_GROUPS = st.text(st.characters(exclude_characters="/+#\0", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(_GROUPS, st.sampled_from(FILTERS))
def test_unwrap_shared_subscription_gives_filter_behind(group: str, topic_filter: str) -> None:
    assert unwrap(f"$share/{group}/{topic_filter}") == topic_filter
    assert unwrap(f"$queue/{topic_filter}") == topic_filter


@given(st.sampled_from(FILTERS))
def test_unwrap_plain_filter_is_left(topic_filter: str) -> None:
    assert unwrap(topic_filter) == topic_filter


@pytest.mark.parametrize("broken", ["$share", "$share/g", "$share//a", "$share/+/a", "$share/g#/a", "$queue"])
def test_unwrap_malformed_wrapper_is_covered_by_no_ordinary_rule(broken: str) -> None:
    assert unwrap(broken) == broken
    assert not covers("#", unwrap(broken))


def test_unwrap_takes_one_wrapper_only() -> None:
    assert not covers("#", unwrap("$share/g/$share/h/a"))


def _id(row: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in row.values())


@pytest.mark.parametrize("row", matching_cases()["matches"], ids=_id)
def test_matches_table(row: Mapping[str, Any]) -> None:
    assert matches(row["topic"], row["filter"]) is row["expected"]


@pytest.mark.parametrize("row", matching_cases()["covers"], ids=_id)
def test_covers_table(row: Mapping[str, Any]) -> None:
    assert covers(row["rule"], row["asked"]) is row["expected"]


@pytest.mark.parametrize("row", matching_cases()["overlaps"], ids=_id)
def test_overlaps_table(row: Mapping[str, Any]) -> None:
    assert overlaps(row["one"], row["other"]) is row["expected"]
    assert overlaps(row["other"], row["one"]) is row["expected"]


@pytest.mark.parametrize("row", matching_cases()["unwrap"], ids=_id)
def test_unwrap_table(row: Mapping[str, Any]) -> None:
    assert unwrap(row["filter"]) == row["expected"]

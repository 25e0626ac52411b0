"""Topics are built and taken apart in one place, and the table names every kind once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.matching import is_valid_topic
from pulse_acl.payloads import PAYLOADS
from pulse_acl.topics import TOPICS, Topic, build, is_device_id, parse

IDS = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)


def _names(topic: Topic) -> list[str]:
    return re.findall(r"\{(\w+)\}", topic.value)


@given(st.sampled_from(Topic), st.data())
def test_parse_of_built_topic_gives_kind_and_values_back(topic: Topic, data: st.DataObject) -> None:
    params = {name: data.draw(IDS) for name in _names(topic)}
    text = build(topic, **params)
    found = parse(text)
    assert is_valid_topic(text)
    assert found is not None
    assert (found.topic, dict(found.params)) == (topic, params)


@given(st.text(max_size=80))
def test_parse_any_text_gives_none_or_what_builds_it_again(text: str) -> None:
    found = parse(text)
    assert found is None or build(found.topic, **found.params) == text


@pytest.mark.parametrize("identifier", ["", "a" * 65, "a/b", "web:1", "+", "#", "D1\n", "é", "D 1", "\0"])
def test_build_and_parse_malformed_id_is_refused(identifier: str) -> None:
    assert not is_device_id(identifier)
    assert parse(f"heartbeat/{identifier}") is None
    if identifier != "+":
        with pytest.raises(ValueError, match="is not 1 to 64 of"):
            build(Topic.HEARTBEAT, client_id=identifier)


def test_build_plus_makes_a_filter() -> None:
    assert build(Topic.TELEMETRY_LIVE, client_id="+") == "telemetry/+/live"


def test_build_missing_value_is_refused() -> None:
    with pytest.raises(ValueError, match="needs instance"):
        build(Topic.SERVICE_STATUS, service="ingest")


@pytest.mark.parametrize("text", ["", "heartbeat", "heartbeat/D1/x", "command/D1/shut_down", "telemetry/D1/Live"])
def test_parse_foreign_topic_gives_none(text: str) -> None:
    assert parse(text) is None


def test_table_has_every_kind_once_and_known_payloads() -> None:
    assert [row.topic for row in TOPICS] == list(Topic)
    assert {row.payload for row in TOPICS} == set(PAYLOADS)


def test_table_only_states_are_retained() -> None:
    assert {row.topic for row in TOPICS if row.retained} == {Topic.HEARTBEAT, Topic.SERVICE_STATUS}

"""Rules as data: written and read back; what may not stand in a permission opens nothing."""

from __future__ import annotations

import pytest

from pulse_acl.rules import PERMISSION_RULES, Permission
from pulse_auth.domain.access.rules_data import from_data, to_data


@pytest.mark.parametrize("permission", list(Permission))
def test_from_data_written_rules_of_a_permission_are_the_same(permission: Permission) -> None:
    assert from_data(to_data(PERMISSION_RULES[permission])) == PERMISSION_RULES[permission]


@pytest.mark.parametrize(
    "entry",
    [
        {"action": "subscribe", "topic": "sync/#"},
        {"action": "subscribe", "topic": "#"},
        {"action": "publish", "topic": "telemetry/D1/live"},
        {"action": "all", "topic": "heartbeat/+"},
        {"action": "listen", "topic": "heartbeat/+"},
        {"action": "subscribe"},
        {"action": "subscribe", "topic": 7},
        "subscribe heartbeat/+",
        None,
    ],
)
def test_from_data_a_bad_rule_is_left_out_and_its_neighbour_stays(entry: object) -> None:
    good = {"action": "subscribe", "topic": "heartbeat/+"}
    assert to_data(from_data([entry, good])) == [good]


@pytest.mark.parametrize("data", [None, "x", {}, 7])
def test_from_data_anything_but_a_list_is_no_rules(data: object) -> None:
    assert from_data(data) == ()

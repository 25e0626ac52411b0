"""Permissions and roles as the contract has them, and which rules a permission may not carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.matching import matches
from pulse_acl.rules import (
    PERMISSION_DESCRIPTIONS,
    PERMISSION_RULES,
    SEEDED_ROLES,
    Action,
    Effect,
    Permission,
    Rule,
    auth_api_rules,
    device_rules,
    ingest_rules,
    merge,
    refusal,
)

_KEPT = ["sync/user/create/D1", "sync/device/D1/state", "archive/D1/receipt", "$SYS/brokers", "sync", "archive/x/y/z"]


def test_tables_describe_every_permission() -> None:
    assert set(PERMISSION_RULES) == set(PERMISSION_DESCRIPTIONS) == set(Permission)


def test_seeded_roles_are_those_of_the_contract() -> None:
    assert {
        "ADMIN": frozenset(Permission),
        "OPERATOR": {Permission.VIEW_DASHBOARD, Permission.FORCE_SYNC, Permission.DESKTOP_LOGIN},
        "VIEWER": {Permission.VIEW_DASHBOARD, Permission.DESKTOP_LOGIN},
    } == SEEDED_ROLES


@pytest.mark.parametrize("rule", merge(PERMISSION_RULES.values()), ids=str)
def test_refusal_seeded_rule_is_taken(rule: Rule) -> None:
    assert refusal(rule) is None


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Rule(Action.ALL, "plant/x"), "either publishing or subscribing"),
        (Rule(Action.SUBSCRIBE, "plant/x", effect=Effect.DENY), "either publishing or subscribing"),
        (Rule(Action.SUBSCRIBE, "plant/x", exact=True), "either publishing or subscribing"),
        (Rule(Action.SUBSCRIBE, ""), "malformed"),
        (Rule(Action.SUBSCRIBE, "a/#/b"), "malformed"),
        (Rule(Action.SUBSCRIBE, "a" * 65_536), "malformed"),
        (Rule(Action.SUBSCRIBE, "telemetry/${username}/live"), "a broker reads as something else"),
        (Rule(Action.SUBSCRIBE, "eq telemetry/#"), "a broker reads as something else"),
        (Rule(Action.SUBSCRIBE, "#"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "+/#"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "+"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "+/+/receipt"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "sync/#"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "sync/user/create/D1"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "archive/D1/receipt"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "$SYS/#"), "kept for the parts"),
        (Rule(Action.SUBSCRIBE, "$share/g/telemetry/+/live"), "kept for the parts"),
        (Rule(Action.PUBLISH, "command/+/force_sync", retain=True), "nothing retained"),
        (Rule(Action.PUBLISH, "telemetry/+/live"), "publish commands only"),
        (Rule(Action.PUBLISH, "command/+/result"), "publish commands only"),
        (Rule(Action.PUBLISH, "command/+/+"), "publish commands only"),
        (Rule(Action.PUBLISH, "command/#"), "publish commands only"),
        (Rule(Action.PUBLISH, "command/+/force_sync/x"), "publish commands only"),
        (Rule(Action.PUBLISH, "command/web:1/force_sync"), "publish commands only"),
        (Rule(Action.PUBLISH, "audit/command"), "publish commands only"),
        (Rule(Action.SUBSCRIBE, "telemetry/+/+"), "may have no other wildcard"),
    ],
    ids=str,
)
def test_refusal_rule_beyond_its_bounds_is_refused(rule: Rule, reason: str) -> None:
    assert reason in (refusal(rule) or "")


@pytest.mark.parametrize(
    "rule",
    [
        Rule(Action.SUBSCRIBE, "telemetry/D1/live"),
        Rule(Action.SUBSCRIBE, "telemetry/#"),
        Rule(Action.SUBSCRIBE, "plant/+"),
        Rule(Action.SUBSCRIBE, "plant/+/press/#"),
        Rule(Action.SUBSCRIBE, "synchronous/x"),
        Rule(Action.PUBLISH, "command/+/calibrate"),
        Rule(Action.PUBLISH, "command/PRESS-7/calibrate"),
    ],
    ids=str,
)
def test_refusal_rule_within_its_bounds_is_taken(rule: Rule) -> None:
    assert refusal(rule) is None


@given(
    st.sampled_from(Action),
    st.lists(st.sampled_from(["+", "#", "sync", "archive", "command", "D1", "$SYS", "x", ""]), min_size=1, max_size=4),
)
def test_refusal_taken_rule_never_reaches_kept_topics(action: Action, levels: list[str]) -> None:
    rule = Rule(action, "/".join(levels))
    if refusal(rule) is None:
        assert not any(matches(topic, rule.topic_filter) for topic in _KEPT)


def test_parts_rights_name_their_own_ids_only() -> None:
    assert all("D1" in rule.topic_filter for rule in device_rules("D1") if rule.action is Action.PUBLISH)
    assert {rule.topic_filter for rule in device_rules("D1") if "+" in rule.topic_filter} == {"system/+/+/status"}
    for rules, status in (
        (ingest_rules("7"), "system/ingest/7/status"),
        (auth_api_rules("7"), "system/auth-api/7/status"),
    ):
        assert [rule.topic_filter for rule in rules if rule.retain] == [status]


@pytest.mark.parametrize("identifier", ["", "a/b", "+", "#", "web:1"])
def test_parts_rights_malformed_id_is_refused(identifier: str) -> None:
    for make in (device_rules, ingest_rules, auth_api_rules):
        with pytest.raises(ValueError, match="is not 1 to 64 of"):
            make(identifier)


def test_parts_rights_no_subscription_of_a_device_ends_in_a_wildcard() -> None:
    assert not [rule for rule in device_rules("D1") if rule.topic_filter[-1] in "+#"]


def test_merge_keeps_each_rule_once_in_order() -> None:
    first, second = Rule(Action.SUBSCRIBE, "a"), Rule(Action.SUBSCRIBE, "b")
    assert merge([[second, first], [first, second]]) == (second, first)

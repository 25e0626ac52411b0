"""The token's claim says the same as the rules it was made of, and closes what EMQX would leave open."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_acl.decide import Principal, decide
from pulse_acl.emit.jwt_claim import DENY_ALL, from_claim, to_claim
from pulse_acl.rules import Action, Effect, Rule
from support.decision_cases import decision_cases

_NAMES = st.sampled_from(["a", "b", "", "$s"])
_FILTERS = st.one_of(
    st.lists(st.one_of(_NAMES, st.just("+")), min_size=1, max_size=4).map("/".join),
    st.lists(st.one_of(_NAMES, st.just("+")), max_size=3).map(lambda levels: "/".join([*levels, "#"])),
).filter(bool)
_TOPICS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)
_RULES = st.lists(
    st.one_of(
        st.builds(Rule, st.just(Action.SUBSCRIBE), _FILTERS),
        st.builds(Rule, st.just(Action.PUBLISH), _FILTERS, st.booleans()),
    ),
    max_size=6,
)


@given(_RULES, st.sampled_from([Action.PUBLISH, Action.SUBSCRIBE]), st.one_of(_FILTERS, _TOPICS), st.booleans())
def test_claim_read_back_decides_as_the_rules(rules: list[Rule], action: Action, topic: str, retain: bool) -> None:
    plain = Principal("user:example", "web:1", rules)
    read = Principal("user:example", "web:1", from_claim(to_claim(rules)))
    assert bool(decide(read, action, topic, retain=retain)) == bool(decide(plain, action, topic, retain=retain))


@given(_RULES)
def test_claim_allow_rules_come_back_as_they_were(rules: list[Rule]) -> None:
    assert [rule for rule in from_claim(to_claim(rules)) if rule.effect is Effect.ALLOW] == rules


@given(_RULES)
def test_claim_ends_with_deny_of_everything(rules: list[Rule]) -> None:
    assert to_claim(rules)[-1] == DENY_ALL


def test_claim_subscribe_rule_that_ends_in_plus_has_the_subtree_denied_before_it() -> None:
    assert to_claim([Rule(Action.SUBSCRIBE, "heartbeat/+")]) == [
        {"permission": "deny", "action": "subscribe", "topic": "eq heartbeat/#"},
        {"permission": "allow", "action": "subscribe", "topic": "heartbeat/+"},
        {"permission": "deny", "action": "all", "topic": "#"},
    ]


def test_claim_wider_rule_beside_plus_is_not_denied_away() -> None:
    for rules in (("heartbeat/+", "heartbeat/#"), ("heartbeat/#", "heartbeat/+"), ("heartbeat/+", "#")):
        read = from_claim(to_claim(Rule(Action.SUBSCRIBE, each) for each in rules))
        assert decide(Principal("user:example", "web:1", read), Action.SUBSCRIBE, "heartbeat/#")


def test_claim_publish_rules_need_no_guard_and_say_whether_retained() -> None:
    assert to_claim([Rule(Action.PUBLISH, "a/+"), Rule(Action.PUBLISH, "b", retain=True)])[:-1] == [
        {"permission": "allow", "action": "publish", "topic": "a/+", "retain": False},
        {"permission": "allow", "action": "publish", "topic": "b"},
    ]


def test_claim_no_emitted_allow_widens_unguarded_on_emqx() -> None:
    """Each principal of the table: an allow that ends in + has the exact deny of its subtree before it."""
    for case in decision_cases():
        seen: set[str] = set()
        for entry in to_claim(case.principal.rules):
            topic = entry["topic"]
            if entry["permission"] == "deny":
                seen.add(topic)
            elif entry["action"] == "subscribe" and topic.endswith("+"):
                subtree = topic.removesuffix("+") + "#"
                assert f"eq {subtree}" in seen or Rule(Action.SUBSCRIBE, subtree) in case.principal.rules


@pytest.mark.parametrize(
    "rule",
    [
        Rule(Action.ALL, "a"),
        Rule(Action.SUBSCRIBE, "a", effect=Effect.DENY),
        Rule(Action.SUBSCRIBE, "a", exact=True),
        Rule(Action.SUBSCRIBE, "u/${username}/x"),
        Rule(Action.SUBSCRIBE, "eq a/#"),
    ],
    ids=str,
)
def test_to_claim_rule_that_would_change_meaning_is_refused(rule: Rule) -> None:
    with pytest.raises(ValueError, match=r"does not allow one action|read the filter"):
        to_claim([rule])


_GOOD = {"permission": "allow", "action": "publish", "topic": "a"}


@pytest.mark.parametrize(
    "claim",
    [
        None,
        {},
        "all",
        {"pub": ["a"], "sub": [], "all": []},
        [None],
        ["a"],
        [{}],
        [{**_GOOD, "permission": "maybe"}],
        [{**_GOOD, "permission": None}],
        [{**_GOOD, "action": "read"}],
        [{**_GOOD, "action": ["publish"]}],
        [{**_GOOD, "topic": ["a"]}],
        [{**_GOOD, "topic": None}],
        [{**_GOOD, "retain": True}],
        [{**_GOOD, "retain": 0}],
        [{**_GOOD, "retain": []}],
        [{**_GOOD, "qos": 1}],
        [{**_GOOD, "topics": ["b"]}],
        [_GOOD, {"permission": "allow"}],
    ],
    ids=str,
)
def test_from_claim_not_understood_is_refused(claim: Any) -> None:
    with pytest.raises(ValueError, match=r"claim|is not a valid"):
        from_claim(claim)


def test_from_claim_empty_list_allows_nothing() -> None:
    assert not decide(Principal("user:example", "web:1", from_claim([])), Action.PUBLISH, "a")

"""The decision table against ``decide``, on the plain rules and on the token's claim read back."""

from __future__ import annotations

from collections import defaultdict

import pytest

from pulse_acl.decide import Allowed, Denied, Principal, decide
from pulse_acl.emit.jwt_claim import from_claim, to_claim
from pulse_acl.matching import covers, matches, unwrap
from pulse_acl.rules import SEEDED_ROLES, Action, Effect, Rule
from support.decision_cases import DecisionCase, decision_cases


def _principal(*rules: Rule) -> Principal:
    return Principal("user:example", "web:1", rules)


@pytest.mark.parametrize("case", decision_cases(), ids=str)
def test_decide_plain_rules_answer_as_table(case: DecisionCase) -> None:
    found = decide(case.principal, case.action, case.topic, retain=case.retain)
    assert bool(found) is case.is_allowed, found


@pytest.mark.parametrize("case", decision_cases(), ids=str)
def test_decide_claim_read_back_answers_as_table(case: DecisionCase) -> None:
    rules = from_claim(to_claim(case.principal.rules))
    principal = Principal(case.principal.username, case.principal.client_id, rules)
    found = decide(principal, case.action, case.topic, retain=case.retain)
    assert bool(found) is case.is_allowed, found


def test_table_asks_each_question_once() -> None:
    names = [str(case) for case in decision_cases()]
    assert sorted(set(names)) == sorted(names)


def test_table_every_principal_has_more_denied_than_allowed() -> None:
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for case in decision_cases():
        counts[case.name][case.is_allowed] += 1
    assert all(denied >= allowed for denied, allowed in counts.values()), counts


def test_table_every_rule_of_every_principal_has_an_allowed_case() -> None:
    cases = decision_cases()
    unused = [
        (case.name, rule)
        for case in {case.name: case for case in cases}.values()
        for rule in case.principal.rules
        if not any(_uses(each, rule) for each in cases if each.name == case.name and each.is_allowed)
    ]
    assert unused == []


def test_table_covers_every_seeded_role_and_a_custom_one_allowed_and_denied() -> None:
    answers = defaultdict(set)
    for case in decision_cases():
        answers[case.name].add(case.is_allowed)
    for name in [*(role.lower() for role in SEEDED_ROLES), "custom"]:
        assert answers[name] == {True, False}, name


def _uses(case: DecisionCase, rule: Rule) -> bool:
    if case.action is not rule.action or (case.retain and not rule.retain):
        return False
    if case.action is Action.PUBLISH:
        return matches(case.topic, rule.topic_filter)
    return covers(rule.topic_filter, unwrap(case.topic))


def test_decide_allowed_names_the_rule() -> None:
    rule = Rule(Action.SUBSCRIBE, "a/+")
    assert decide(_principal(rule), Action.SUBSCRIBE, "a/b") == Allowed(rule)


def test_decide_first_rule_that_applies_wins() -> None:
    allow, deny = Rule(Action.ALL, "a/#"), Rule(Action.ALL, "a/b", effect=Effect.DENY)
    assert decide(_principal(allow, deny), Action.PUBLISH, "a/b")
    assert not decide(_principal(deny, allow), Action.PUBLISH, "a/b")
    assert decide(_principal(deny, allow), Action.SUBSCRIBE, "a/c")


def test_decide_exact_rule_compares_letters() -> None:
    deny, allow = Rule(Action.SUBSCRIBE, "a/#", effect=Effect.DENY, exact=True), Rule(Action.SUBSCRIBE, "a/#")
    assert not decide(_principal(deny, allow), Action.SUBSCRIBE, "a/#")
    assert decide(_principal(deny, allow), Action.SUBSCRIBE, "a/b")


def test_decide_retained_publish_looks_for_a_rule_that_allows_it() -> None:
    plain, retained = Rule(Action.PUBLISH, "a"), Rule(Action.PUBLISH, "a", retain=True)
    assert decide(_principal(plain, retained), Action.PUBLISH, "a", retain=True) == Allowed(retained)
    refused = decide(_principal(plain), Action.PUBLISH, "a", retain=True)
    assert refused == Denied("publish a is allowed, but not retained")


def test_decide_retain_means_nothing_for_subscribing() -> None:
    assert decide(_principal(Rule(Action.SUBSCRIBE, "a")), Action.SUBSCRIBE, "a", retain=True)


def test_decide_denied_says_which_rule_or_that_there_is_none() -> None:
    deny = Rule(Action.ALL, "#", effect=Effect.DENY)
    assert decide(_principal(deny), Action.PUBLISH, "a") == Denied("publish a is denied by the rule #")
    assert decide(_principal(), Action.PUBLISH, "a") == Denied("no rule allows publish a")
    assert decide(_principal(), Action.PUBLISH, "a/#") == Denied("the topic is malformed")


def test_decide_both_actions_at_once_is_no_request() -> None:
    with pytest.raises(ValueError, match="either to publish or to subscribe"):
        decide(_principal(), Action.ALL, "a")

"""
The ``acl`` claim of a broker token, in the list form that EMQX 5.8 reads, and its reading.

EMQX takes an allow rule for subscribing that ends in ``+`` for the whole subtree, so a deny of exactly that
subtree stands before it. The list form falls through when nothing matches, so the claim ends with a deny of
everything. What a claim decides is in ``decide``; who gets which rules is in ``rules``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..matching import covers
from ..rules import Action, Effect, Rule, is_literal_filter

ClaimRule = dict[str, Any]
DENY_ALL: ClaimRule = {"permission": "deny", "action": "all", "topic": "#"}
_EXACTLY = "eq "


def to_claim(rules: Iterable[Rule]) -> list[ClaimRule]:
    """
    Write *rules* as the claim; the last entry denies the rest.

    Args:
        rules: Allow rules for publishing or subscribing, in any order.

    Raises:
        ValueError: A rule denies, is exact or for both actions, or EMQX would read its filter as something else.
    """
    given = tuple(rules)
    claim: list[ClaimRule] = []
    for rule in given:
        _require_plain(rule)
        subtree = _widened_to(rule)
        if subtree and not any(_allows_subscribing(other, subtree) for other in given):
            claim.append({"permission": "deny", "action": "subscribe", "topic": f"{_EXACTLY}{subtree}"})
        entry: ClaimRule = {"permission": "allow", "action": rule.action.value, "topic": rule.topic_filter}
        if rule.action is Action.PUBLISH and not rule.retain:
            entry["retain"] = False
        claim.append(entry)
    return [*claim, DENY_ALL]


def from_claim(claim: object) -> Sequence[Rule]:
    """
    Read a claim as EMQX would; ``decide`` then judges by it.

    Raises:
        ValueError: Not a list of rules, or a rule with a field or value that is not understood.
    """
    if not isinstance(claim, list):
        raise ValueError("the acl claim is not a list")  # noqa: TRY004 -- wrong data from outside, not a wrong call
    return tuple(_read(entry) for entry in claim)


def _require_plain(rule: Rule) -> None:
    if rule.effect is not Effect.ALLOW or rule.exact or rule.action is Action.ALL:
        raise ValueError(f"the rule for {rule.topic_filter} does not allow one action")
    if not is_literal_filter(rule.topic_filter):
        raise ValueError(f"EMQX would read the filter {rule.topic_filter} as something else")


def _widened_to(rule: Rule) -> str | None:
    """Return the filter that EMQX would let this rule grant besides what it says, if there is one."""
    if rule.action is Action.SUBSCRIBE and rule.topic_filter.split("/")[-1] == "+":
        return rule.topic_filter.removesuffix("+") + "#"
    return None


def _allows_subscribing(rule: Rule, topic_filter: str) -> bool:
    return rule.action is Action.SUBSCRIBE and covers(rule.topic_filter, topic_filter)


def _read(entry: object) -> Rule:
    if not isinstance(entry, Mapping) or not entry.keys() <= {"permission", "action", "topic", "retain"}:
        raise ValueError("a rule of the acl claim has unknown fields")
    topic, retain = entry.get("topic"), entry.get("retain")
    if not isinstance(topic, str) or not (retain is None or retain is False):
        raise ValueError("a rule of the acl claim has a malformed topic or retain")
    action = Action(str(entry.get("action")))
    return Rule(
        action=action,
        topic_filter=topic.removeprefix(_EXACTLY),
        retain=retain is None and action is not Action.SUBSCRIBE,
        effect=Effect(str(entry.get("permission"))),
        exact=topic.startswith(_EXACTLY),
    )

"""
The ``acl`` claim of a broker token, in the list form that EMQX 5.8 reads, and its reading.

EMQX takes an allow rule that ends in ``+`` for the whole subtree, so a deny of exactly that subtree stands
before it. The list form falls through when nothing matches, so the claim ends with a deny of everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..rules import Action, Effect, Rule

ClaimRule = dict[str, Any]
DENY_ALL: ClaimRule = {"permission": "deny", "action": "all", "topic": "#"}


def to_claim(rules: Iterable[Rule]) -> list[ClaimRule]:
    """Write *rules* (allow rules, in order) as the claim; the last entry denies the rest."""
    claim: list[ClaimRule] = []
    for rule in rules:
        if rule.topic_filter.endswith("/+"):
            subtree = rule.topic_filter.removesuffix("+") + "#"
            claim.append({"permission": "deny", "action": rule.action.value, "topic": f"eq {subtree}"})
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
        raise ValueError("the acl claim is not a list")
    return tuple(_read(entry) for entry in claim)


def _read(entry: object) -> Rule:
    if not isinstance(entry, dict) or not entry.keys() <= {"permission", "action", "topic", "retain"}:
        raise ValueError("a rule of the acl claim has unknown fields")
    topic, retain = entry.get("topic"), entry.get("retain")
    if not isinstance(topic, str) or retain not in {None, False}:
        raise ValueError("a rule of the acl claim has a malformed topic or retain")
    return Rule(
        action=Action(entry.get("action")),
        topic_filter=topic.removeprefix("eq "),
        retain=retain is None,
        effect=Effect(entry.get("permission")),
        exact=topic.startswith("eq "),
    )

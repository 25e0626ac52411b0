"""
The access decision: may these rules publish or subscribe there? Pure, and the same for every part.

The first rule that applies decides, and what no rule names is denied. Who has which rules is in ``rules``
and in the tokens (``emit.jwt_claim``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .matching import covers, is_valid_filter, is_valid_topic, matches, unwrap
from .rules import Action, Effect, Rule


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: the username and MQTT client id of a token, and the rules in it, in order."""

    username: str
    client_id: str
    rules: Sequence[Rule]


@dataclass(frozen=True, slots=True)
class Allowed:
    """Allowed, and by which rule. True in a condition."""

    rule: Rule

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Denied:
    """Denied, and why, for a log or for a person. False in a condition."""

    reason: str

    def __bool__(self) -> bool:
        return False


Decision = Allowed | Denied


def decide(principal: Principal, action: Action, topic: str, *, retain: bool = False) -> Decision:
    """
    Decide one request.

    Args:
        principal: Who asks.
        action: ``PUBLISH`` or ``SUBSCRIBE``.
        topic: A topic for publishing, a filter (``$share/…`` included) for subscribing.
        retain: The publish carries the retain flag.

    Raises:
        ValueError: *action* is ``ALL``, which only rules can be for.
    """
    if action is Action.ALL:
        raise ValueError("a request is either to publish or to subscribe")
    if action is Action.SUBSCRIBE:
        topic, retain = unwrap(topic), False
    if not (is_valid_topic(topic) if action is Action.PUBLISH else is_valid_filter(topic)):
        return Denied("the topic is malformed")
    reason = None
    for rule in principal.rules:
        if rule.action not in {action, Action.ALL} or not _reaches(rule, action, topic):
            continue
        if rule.effect is Effect.DENY:
            return Denied(reason or f"{action} {topic} is denied by the rule {rule.topic_filter}")
        if rule.retain or not retain:
            return Allowed(rule)
        reason = f"publish {topic} is allowed, but not retained"
    return Denied(reason or f"no rule allows {action} {topic}")


def _reaches(rule: Rule, action: Action, topic: str) -> bool:
    if rule.exact:
        return rule.topic_filter == topic
    return matches(topic, rule.topic_filter) if action is Action.PUBLISH else covers(rule.topic_filter, topic)

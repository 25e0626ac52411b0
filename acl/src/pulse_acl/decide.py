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
    """
    if action is Action.SUBSCRIBE:
        topic = unwrap(topic)
    if not (is_valid_topic(topic) if action is Action.PUBLISH else is_valid_filter(topic)):
        return Denied(f"{topic!r} is malformed")
    retain_refused = False
    for rule in principal.rules:
        if rule.action not in {action, Action.ALL} or not _reaches(rule, action, topic):
            continue
        if rule.effect is Effect.DENY:
            return Denied(f"{action} {topic} is denied by the rule {rule.topic_filter}")
        if retain and not rule.retain:
            retain_refused = True
            continue
        return Allowed(rule)
    if retain_refused:
        return Denied(f"publish {topic} is allowed, but not retained")
    return Denied(f"no rule allows {action} {topic}")


def _reaches(rule: Rule, action: Action, topic: str) -> bool:
    if rule.exact:
        return rule.topic_filter == topic
    return matches(topic, rule.topic_filter) if action is Action.PUBLISH else covers(rule.topic_filter, topic)

"""
A permission's topic rules as data: ``[{"action": "subscribe", "topic": "heartbeat/+"}, …]``.

Reading is as strict as writing: a rule that may not stand in a permission opens nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from pulse_acl.rules import Action, Rule, refusal

_log = structlog.get_logger()


def to_data(rules: Iterable[Rule]) -> list[dict[str, str]]:
    """Write *rules* as they stand in ``permissions.rules``."""
    return [{"action": rule.action.value, "topic": rule.topic_filter} for rule in rules]


def from_data(data: object) -> tuple[Rule, ...]:
    """Read ``permissions.rules``; what is malformed or refused is left out and logged."""
    entries = data if isinstance(data, list) else []
    found = []
    for entry in entries:
        rule = _read(entry)
        if rule is None or refusal(rule) is not None:
            _log.error("access.rule_left_out", rule=str(entry)[:200])
        else:
            found.append(rule)
    return tuple(found)


def _read(entry: object) -> Rule | None:
    if not isinstance(entry, dict) or not isinstance(entry.get("topic"), str):
        return None
    try:
        return Rule(Action(str(entry.get("action"))), entry["topic"])
    except ValueError:
        return None

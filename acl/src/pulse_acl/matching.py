"""
MQTT topic filters: which topics they match, and when one filter covers or overlaps another.

Pure functions on strings; knows nothing of PrecisionPulse's own topics. The definitions follow
MQTT 3.1.1 section 4.7; ``covers`` is exact for wildcards, which the matchers of common brokers are not.
"""

from __future__ import annotations

MAX_TOPIC_BYTES = 65_535


def is_valid_topic(topic: str) -> bool:
    """Tell whether *topic* may be published to: 1 to 65,535 bytes, no wildcard, no NUL."""
    return _is_valid_text(topic) and "+" not in topic and "#" not in topic


def is_valid_filter(topic_filter: str) -> bool:
    """Tell whether *topic_filter* is well formed: wildcards alone on their level, ``#`` last."""
    if not _is_valid_text(topic_filter):
        return False
    levels = topic_filter.split("/")
    if "#" in levels[:-1]:
        return False
    return all(level in {"+", "#"} or ("+" not in level and "#" not in level) for level in levels)


def unwrap(topic_filter: str) -> str:
    """
    Return the filter that a subscription is judged by: the part behind ``$share/{group}/`` or ``$queue/``.

    A malformed wrapper is returned as it is; as a ``$``-filter it is covered by no ordinary rule.
    """
    levels = topic_filter.split("/")
    if levels[0] == "$queue" and len(levels) > 1:
        return "/".join(levels[1:])
    if levels[0] == "$share" and len(levels) > 2 and levels[1] and not set(levels[1]) & {"+", "#"}:
        return "/".join(levels[2:])
    return topic_filter


def matches(topic: str, topic_filter: str) -> bool:
    """Tell whether a message on *topic* reaches a subscription to *topic_filter* (both well formed)."""
    names, parts = topic.split("/"), topic_filter.split("/")
    if names[0].startswith("$") and parts[0] in {"+", "#"}:
        return False
    for index, part in enumerate(parts):
        if part == "#":
            return True
        if index >= len(names) or part not in {"+", names[index]}:
            return False
    return len(parts) == len(names)


def covers(rule_filter: str, asked_filter: str) -> bool:
    """
    Tell whether every topic that *asked_filter* matches is matched by *rule_filter* too.

    Exact: ``telemetry/+/live`` does not cover ``telemetry/#``, ``+`` does not cover ``#``, and a leading
    wildcard covers nothing that begins with ``$``. Malformed filters cover nothing and are not covered.
    """
    if not (is_valid_filter(rule_filter) and is_valid_filter(asked_filter)):
        return False
    rule, asked = _normal(rule_filter), _normal(asked_filter)
    if rule[0] == "+" and asked[0].startswith("$"):
        return False
    for index, level in enumerate(rule):
        if level == "#":
            return True
        if index >= len(asked) or asked[index] == "#":
            return False
        if level != "+" and level != asked[index]:
            return False
    return len(rule) == len(asked)


def overlaps(one: str, other: str) -> bool:
    """Tell whether some topic is matched by both filters (both well formed)."""
    left, right = _normal(one), _normal(other)
    for first, second in ((left, right), (right, left)):
        if first[0] == "+" and second[0].startswith("$"):
            return False
    for a, b in zip(left, right, strict=False):
        if "#" in {a, b}:
            return True
        if a != b and "+" not in {a, b}:
            return False
    if len(left) == len(right):
        return True
    shorter, longer = sorted((left, right), key=len)
    # "a" and "a/#": the multi-level wildcard also matches its parent.
    return len(longer) == len(shorter) + 1 and longer[-1] == "#"


def _is_valid_text(text: str) -> bool:
    if not text or "\x00" in text:
        return False
    try:
        return len(text.encode()) <= MAX_TOPIC_BYTES
    except UnicodeEncodeError:
        return False


def _normal(topic_filter: str) -> list[str]:
    """Split; spell out that the empty topic does not exist: ``#`` is ``+/#``, and ``/#`` is ``/+/#``."""
    levels = topic_filter.split("/")
    if levels in (["#"], ["", "#"]):
        return [*levels[:-1], "+", "#"]
    return levels

"""
The generated sections of ``docs/mqtt-topics.md``: topics, payload examples, and who may say what.

The page around them is written by hand; ``markdown`` puts the sections between their markers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..payloads import PAYLOADS
from ..rules import (
    PERMISSION_DESCRIPTIONS,
    PERMISSION_RULES,
    SEEDED_ROLES,
    Action,
    Permission,
    Rule,
    auth_api_rules,
    device_rules,
    ingest_rules,
)
from ..topics import TOPICS
from .markdown import replace_section, table


def topic_page(page: str, examples: Mapping[str, str]) -> str:
    """
    Return the page with its generated sections written anew.

    Args:
        page: The page as it is.
        examples: For each name in ``PAYLOADS`` a valid payload as JSON text.

    Raises:
        ValueError: A marker is missing.
        KeyError: A payload has no example.
    """
    sections = {
        "topics": _topics(),
        "payloads": _payloads(examples),
        "permissions": _permissions(),
        "roles": _roles(),
        "parts": _parts(),
    }
    for name, content in sections.items():
        page = replace_section(page, name, content)
    return page


def _topics() -> str:
    return table(
        ["topic", "from", "to", "payload", "retained"],
        (
            [
                _code(row.topic),
                row.sender,
                ", ".join(row.readers),
                f"[{row.payload}](#{row.payload.lower()})",
                "yes" if row.retained else "no",
            ]
            for row in TOPICS
        ),
    )


def _payloads(examples: Mapping[str, str]) -> str:
    return "\n\n".join(_payload(name, examples[name]) for name in PAYLOADS)


def _payload(name: str, example: str) -> str:
    summary = (PAYLOADS[name].__doc__ or "").strip().splitlines()[0].replace("``", "`")
    schema = f"[schema](../acl/generated/json-schema/{name}.schema.json)"
    return f"### {name}\n\n{summary} ({schema})\n\n```json\n{example.strip()}\n```"


def _permissions() -> str:
    return table(
        ["permission", "for", "subscribe", "publish"],
        (
            [
                _code(permission),
                PERMISSION_DESCRIPTIONS[permission],
                _filters(PERMISSION_RULES[permission], Action.SUBSCRIBE),
                _filters(PERMISSION_RULES[permission], Action.PUBLISH),
            ]
            for permission in Permission
        ),
    )


def _roles() -> str:
    return table(
        ["role", "permissions"],
        (
            [_code(role), ", ".join(_code(each) for each in Permission if each in permissions)]
            for role, permissions in SEEDED_ROLES.items()
        ),
    )


def _parts() -> str:
    parts = {
        "device `D1`": device_rules("D1"),
        "ingest, instance `1`": ingest_rules("1"),
        "auth API, instance `1`": auth_api_rules("1"),
    }
    return table(
        ["principal", "publish", "publish retained", "subscribe"],
        (
            [
                name,
                _filters([rule for rule in rules if not rule.retain], Action.PUBLISH),
                _filters([rule for rule in rules if rule.retain], Action.PUBLISH),
                _filters(rules, Action.SUBSCRIBE),
            ]
            for name, rules in parts.items()
        ),
    )


def _filters(rules: Iterable[Rule], action: Action) -> str:
    return "<br>".join(_code(rule.topic_filter) for rule in rules if rule.action is action) or "none"


def _code(text: str) -> str:
    return f"`{text}`"

"""
The decision table of ``acl/cases/decisions.yaml`` for whatever takes such decisions: functions and brokers.

Loads and checks the table; decides nothing. ``acl/tests`` runs it against ``decide``; a broker's tests give
each case's principal a token with ``to_claim(case.principal.rules)`` and compare what the broker does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pulse_acl.decide import Principal
from pulse_acl.rules import (
    PERMISSION_RULES,
    SEEDED_ROLES,
    Action,
    Permission,
    Rule,
    auth_api_rules,
    device_rules,
    ingest_rules,
    merge,
)

CASES_DIR = Path(__file__).parents[2] / "acl" / "cases"
_FIELDS = {"principal", "action", "topic", "retain", "expected", "malformed", "emqx", "why"}
_ANSWERS = {"allowed": True, "denied": False}


@dataclass(frozen=True, slots=True)
class DecisionCase:
    """
    One row: may *principal* do that there?

    ``on_emqx`` is what EMQX 5.8.9 answers; it differs from ``is_allowed`` in listed cases only. A ``malformed`` topic
    is one that no client library sends.
    """

    name: str
    principal: Principal
    action: Action
    topic: str
    retain: bool
    is_allowed: bool
    on_emqx: bool
    malformed: bool

    def __str__(self) -> str:
        retained = " retained" if self.retain else ""
        return f"{self.name} {self.action} {self.topic}{retained}"


@cache
def decision_cases() -> tuple[DecisionCase, ...]:
    """
    Return every row of the table in its order.

    Raises:
        ValueError: A row has an unknown field, action or answer.
        KeyError: A row names a principal that the table does not describe.
    """
    table = yaml.safe_load((CASES_DIR / "decisions.yaml").read_text(encoding="utf-8"))
    principals = {name: _principal(about) for name, about in table["principals"].items()}
    return tuple(_case(row, principals) for row in table["cases"])


@cache
def matching_cases() -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """Return the rows of ``matching.yaml`` by function: ``matches``, ``covers``, ``overlaps``, ``unwrap``."""
    table = yaml.safe_load((CASES_DIR / "matching.yaml").read_text(encoding="utf-8"))
    return {name: tuple(rows) for name, rows in table.items()}


def _case(row: Mapping[str, Any], principals: Mapping[str, Principal]) -> DecisionCase:
    if not row.keys() <= _FIELDS or row["expected"] not in _ANSWERS or row.get("emqx", "denied") not in _ANSWERS:
        raise ValueError(f"not a decision case: {row}")
    return DecisionCase(
        name=row["principal"],
        principal=principals[row["principal"]],
        action=Action(row["action"]),
        topic=row["topic"],
        retain=row.get("retain", False),
        is_allowed=_ANSWERS[row["expected"]],
        on_emqx=_ANSWERS[row.get("emqx", row["expected"])],
        malformed=row.get("malformed", False),
    )


def _principal(about: Mapping[str, Any]) -> Principal:
    return Principal(about["username"], about["client_id"], _rules(about))


def _rules(about: Mapping[str, Any]) -> tuple[Rule, ...]:
    match about["kind"]:
        case "role":
            return merge(PERMISSION_RULES[each] for each in Permission if each in SEEDED_ROLES[about["role"]])
        case "device":
            return device_rules(about["client_id"])
        case "ingest":
            return ingest_rules(about["instance"])
        case "auth-api":
            return auth_api_rules(about["instance"])
        case "rules":
            own = [Rule(Action(rule["action"]), rule["topic"]) for rule in about["rules"]]
            return merge([*(PERMISSION_RULES[Permission(each)] for each in about.get("permissions", [])), own])
    raise ValueError(f"no such kind of principal: {about['kind']}")

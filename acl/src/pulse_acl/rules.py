"""
Permissions, their topic rules, the seeded roles, and the rights of the parts themselves.

All of it is data. What a list of rules decides is in ``decide``; how it is written down for a broker is
in ``emit``. Every rule here allows: what no rule allows is denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from .matching import is_valid_filter, overlaps
from .topics import Topic, build, is_device_id


class Action(StrEnum):
    """What a client asks a broker for; ``ALL`` is for rules only."""

    PUBLISH = "publish"
    SUBSCRIBE = "subscribe"
    ALL = "all"


class Effect(StrEnum):
    """What a rule does where it applies."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rule:
    """
    Allow (or deny) *action* on what *topic_filter* covers.

    ``retain``: a publish may be retained; without it only unretained publishes are meant.
    ``exact``: the filter is compared letter by letter, wildcards included.
    """

    action: Action
    topic_filter: str
    retain: bool = False
    effect: Effect = Effect.ALLOW
    exact: bool = False


class Permission(StrEnum):
    """The permissions that the programs themselves ask for; further ones may be added as data."""

    VIEW_DASHBOARD = "VIEW_DASHBOARD"
    VIEW_LOGS = "VIEW_LOGS"
    FORCE_SYNC = "FORCE_SYNC"
    EDIT_CONFIG = "EDIT_CONFIG"
    DESKTOP_LOGIN = "DESKTOP_LOGIN"
    MANAGE_USERS = "MANAGE_USERS"
    MANAGE_ROLES = "MANAGE_ROLES"
    MANAGE_DEVICES = "MANAGE_DEVICES"
    MANAGE_INTEGRATIONS = "MANAGE_INTEGRATIONS"


def _publish(*topics: Topic, retain: bool = False, **params: str) -> tuple[Rule, ...]:
    return tuple(Rule(Action.PUBLISH, build(topic, **params), retain) for topic in topics)


def _subscribe(*topics: Topic, **params: str) -> tuple[Rule, ...]:
    return tuple(Rule(Action.SUBSCRIBE, build(topic, **params)) for topic in topics)


_ANY_STATUS = _subscribe(Topic.SERVICE_STATUS, service="+", instance="+")
_DEVICE_COMMANDS = (Topic.COMMAND_FORCE_SYNC, Topic.COMMAND_UPDATE_CONFIG, Topic.COMMAND_RELOAD)
_SYNC_TO_DEVICE = (
    Topic.SYNC_USER_CREATE,
    Topic.SYNC_USER_UPDATE,
    Topic.SYNC_USER_DELETE,
    Topic.SYNC_RBAC_UPDATE,
    Topic.SYNC_CONFIG_UPDATE,
    Topic.SYNC_STATE,
)
_SYNC_FROM_DEVICE = (Topic.SYNC_CHANGES, Topic.SYNC_REQUEST)

PERMISSION_RULES: dict[Permission, tuple[Rule, ...]] = {
    Permission.VIEW_DASHBOARD: (
        *_subscribe(
            Topic.TELEMETRY_LIVE, Topic.TELEMETRY_BUFFERED, Topic.HEARTBEAT, Topic.COMMAND_RESULT, client_id="+"
        ),
        *_ANY_STATUS,
    ),
    Permission.VIEW_LOGS: _subscribe(Topic.AUDIT_COMMAND),
    Permission.FORCE_SYNC: _publish(Topic.COMMAND_FORCE_SYNC, client_id="+"),
    Permission.EDIT_CONFIG: _publish(Topic.COMMAND_UPDATE_CONFIG, Topic.COMMAND_RELOAD, client_id="+"),
    Permission.DESKTOP_LOGIN: (),
    Permission.MANAGE_USERS: (),
    Permission.MANAGE_ROLES: (),
    Permission.MANAGE_DEVICES: (),
    Permission.MANAGE_INTEGRATIONS: (),
}
PERMISSION_DESCRIPTIONS: dict[Permission, str] = {
    Permission.VIEW_DASHBOARD: "See telemetry, devices and the state of the system",
    Permission.VIEW_LOGS: "Read the sync, audit and reject logs",
    Permission.FORCE_SYNC: "Tell a device to flush and catch up now",
    Permission.EDIT_CONFIG: "Change settings and make devices take them",
    Permission.DESKTOP_LOGIN: "Sign in on desktops",
    Permission.MANAGE_USERS: "Create, change and end users",
    Permission.MANAGE_ROLES: "Create, change and end roles and permissions",
    Permission.MANAGE_DEVICES: "Enroll and revoke devices",
    Permission.MANAGE_INTEGRATIONS: "Issue and revoke integration tokens",
}
SEEDED_ROLES: dict[str, frozenset[Permission]] = {
    "ADMIN": frozenset(Permission),
    "OPERATOR": frozenset({Permission.VIEW_DASHBOARD, Permission.FORCE_SYNC, Permission.DESKTOP_LOGIN}),
    "VIEWER": frozenset({Permission.VIEW_DASHBOARD, Permission.DESKTOP_LOGIN}),
}


def device_rules(client_id: str) -> tuple[Rule, ...]:
    """
    Return the rights of the device *client_id*: literal topics wherever the id is known.

    Raises:
        ValueError: *client_id* is no device id; a wildcard would be the rights of every device.
    """
    _require_id(client_id)
    return (
        *_publish(Topic.TELEMETRY_LIVE, Topic.TELEMETRY_BUFFERED, Topic.COMMAND_RESULT, client_id=client_id),
        *_publish(Topic.HEARTBEAT, client_id=client_id, retain=True),
        *_publish(*_SYNC_FROM_DEVICE, client_id=client_id),
        *_subscribe(Topic.RECEIPT, *_DEVICE_COMMANDS, *_SYNC_TO_DEVICE, client_id=client_id),
        *_ANY_STATUS,
    )


def ingest_rules(instance: str) -> tuple[Rule, ...]:
    """
    Return the rights of the ingest worker *instance*; ``$share/ingest/…`` is judged by what is behind it.

    Raises:
        ValueError: *instance* is not formed like a device id.
    """
    _require_id(instance)
    return (
        *_publish(Topic.RECEIPT, client_id="+"),
        *_publish(Topic.SERVICE_STATUS, service="ingest", instance=instance, retain=True),
        *_subscribe(
            Topic.TELEMETRY_LIVE, Topic.TELEMETRY_BUFFERED, Topic.HEARTBEAT, Topic.COMMAND_RESULT, client_id="+"
        ),
        *_subscribe(Topic.AUDIT_COMMAND),
        *_subscribe(Topic.SERVICE_STATUS, service="ingest", instance="+"),
    )


def auth_api_rules(instance: str) -> tuple[Rule, ...]:
    """
    Return the rights of the auth API *instance*.

    Raises:
        ValueError: *instance* is not formed like a device id.
    """
    _require_id(instance)
    return (
        *_publish(*_SYNC_TO_DEVICE, *_DEVICE_COMMANDS, client_id="+"),
        *_publish(Topic.SERVICE_STATUS, service="auth-api", instance=instance, retain=True),
        *_subscribe(*_SYNC_FROM_DEVICE, Topic.HEARTBEAT, client_id="+"),
    )


def refusal(rule: Rule) -> str | None:
    """
    Say why *rule* may not stand in a permission, or return ``None`` when it may.

    Refused: malformed filters and such as EMQX would read as something else, filters that reach ``sync/``,
    ``archive/`` or ``$`` topics, retained or non-command publishing, and a ``+`` at the end behind another
    wildcard, which EMQX would widen to whole subtrees.
    """
    return next((reason for is_refused, reason in _REFUSALS if is_refused(rule)), None)


def is_literal_filter(topic_filter: str) -> bool:
    """Tell whether EMQX takes *topic_filter* in a rule as it stands: no placeholder, no ``eq`` before it."""
    return "${" not in topic_filter and not topic_filter.startswith("eq ")


def merge(groups: Iterable[Iterable[Rule]]) -> tuple[Rule, ...]:
    """Join the rules of several permissions; each rule once, in the order first seen."""
    return tuple(dict.fromkeys(rule for group in groups for rule in group))


def _require_id(text: str) -> None:
    if not is_device_id(text):
        raise ValueError(f"{text!r} is not 1 to 64 of A-Z a-z 0-9 . _ -")


def _is_command_filter(levels: list[str]) -> bool:
    if len(levels) != 3 or levels[0] != "command":
        return False
    _, device, name = levels
    return (device == "+" or is_device_id(device)) and is_device_id(name) and name != "result"


def _allows_one_action(rule: Rule) -> bool:
    return rule.effect is Effect.ALLOW and not rule.exact and rule.action is not Action.ALL


def _is_kept(topic_filter: str) -> bool:
    return topic_filter.startswith("$") or any(overlaps(topic_filter, kept) for kept in ("sync/#", "archive/#"))


def _is_widened_beyond_repair(topic_filter: str) -> bool:
    *before, last = topic_filter.split("/")
    return last == "+" and "+" in before


_REFUSALS: tuple[tuple[Callable[[Rule], bool], str], ...] = (
    (
        lambda rule: not _allows_one_action(rule),
        "a permission's rule allows either publishing or subscribing",
    ),
    (
        lambda rule: not is_valid_filter(rule.topic_filter),
        "the topic filter is malformed",
    ),
    (
        lambda rule: not is_literal_filter(rule.topic_filter),
        "the topic filter holds ${…} or begins with eq, which a broker reads as something else",
    ),
    (
        lambda rule: _is_kept(rule.topic_filter),
        "the filter reaches sync/, archive/ or $ topics, which are kept for the parts themselves",
    ),
    (
        lambda rule: rule.retain,
        "people and integrations publish nothing retained",
    ),
    (
        lambda rule: rule.action is Action.PUBLISH and not _is_command_filter(rule.topic_filter.split("/")),
        "people publish commands only: command/<device or +>/<name>",
    ),
    (
        lambda rule: rule.action is Action.SUBSCRIBE and _is_widened_beyond_repair(rule.topic_filter),
        "a filter that ends in + may have no other wildcard",
    ),
)
"""Checked in this order; the first that holds is the reason."""

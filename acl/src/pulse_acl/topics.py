"""
Every topic of PrecisionPulse, once: name, sender, readers, payload and whether it is retained.

``TOPICS`` is the table that documentation, AsyncAPI and the TypeScript builders are generated from;
``build`` and ``parse`` are the only places where topic strings are put together and taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

DEVICE_ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
_DEVICE_ID = re.compile(DEVICE_ID_PATTERN[1:-1])


class Topic(StrEnum):
    """The kinds of topics; the value is the template."""

    TELEMETRY_LIVE = "telemetry/{client_id}/live"
    TELEMETRY_BUFFERED = "telemetry/{client_id}/buffered"
    RECEIPT = "archive/{client_id}/receipt"
    HEARTBEAT = "heartbeat/{client_id}"
    COMMAND_FORCE_SYNC = "command/{client_id}/force_sync"
    COMMAND_UPDATE_CONFIG = "command/{client_id}/update_config"
    COMMAND_RELOAD = "command/{client_id}/reload"
    COMMAND_RESULT = "command/{client_id}/result"
    SYNC_USER_CREATE = "sync/user/create/{client_id}"
    SYNC_USER_UPDATE = "sync/user/update/{client_id}"
    SYNC_USER_DELETE = "sync/user/delete/{client_id}"
    SYNC_RBAC_UPDATE = "sync/rbac/update/{client_id}"
    SYNC_CONFIG_UPDATE = "sync/config/update/{client_id}"
    SYNC_STATE = "sync/device/{client_id}/state"
    SYNC_CHANGES = "sync/device/{client_id}/changes"
    SYNC_REQUEST = "sync/device/{client_id}/request"
    AUDIT_COMMAND = "audit/command"
    SERVICE_STATUS = "system/{service}/{instance}/status"


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One row of the topic table; ``payload`` is the name of a type in ``payloads``."""

    topic: Topic
    sender: str
    readers: tuple[str, ...]
    payload: str
    retained: bool = False


TOPICS: tuple[TopicSpec, ...] = (
    TopicSpec(Topic.TELEMETRY_LIVE, "device", ("dashboard", "ingest", "integrators"), "Reading"),
    TopicSpec(Topic.TELEMETRY_BUFFERED, "device", ("dashboard", "ingest", "integrators"), "ReadingBatch"),
    TopicSpec(Topic.RECEIPT, "ingest", ("device",), "Receipt"),
    TopicSpec(
        Topic.HEARTBEAT, "device", ("dashboard", "ingest", "auth API", "integrators"), "Heartbeat", retained=True
    ),
    TopicSpec(Topic.COMMAND_FORCE_SYNC, "dashboard, auth API", ("device",), "Command"),
    TopicSpec(Topic.COMMAND_UPDATE_CONFIG, "dashboard, auth API", ("device",), "Command"),
    TopicSpec(Topic.COMMAND_RELOAD, "dashboard, auth API", ("device",), "Command"),
    TopicSpec(Topic.COMMAND_RESULT, "device", ("dashboard", "ingest"), "CommandResult"),
    TopicSpec(Topic.SYNC_USER_CREATE, "auth API", ("device",), "SyncEnvelope"),
    TopicSpec(Topic.SYNC_USER_UPDATE, "auth API", ("device",), "SyncEnvelope"),
    TopicSpec(Topic.SYNC_USER_DELETE, "auth API", ("device",), "SyncEnvelope"),
    TopicSpec(Topic.SYNC_RBAC_UPDATE, "auth API", ("device",), "SyncEnvelope"),
    TopicSpec(Topic.SYNC_CONFIG_UPDATE, "auth API", ("device",), "SyncEnvelope"),
    TopicSpec(Topic.SYNC_STATE, "auth API", ("device",), "SyncEnvelope"),
    TopicSpec(Topic.SYNC_CHANGES, "device", ("auth API",), "SyncEnvelope"),
    TopicSpec(Topic.SYNC_REQUEST, "device", ("auth API",), "SyncRequest"),
    TopicSpec(Topic.AUDIT_COMMAND, "broker", ("dashboard", "ingest"), "AuditRecord"),
    TopicSpec(
        Topic.SERVICE_STATUS, "auth API, ingest", ("dashboard", "device", "ingest"), "ServiceStatus", retained=True
    ),
)
_PATTERNS = tuple(
    (topic, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(topic.value)))) for topic in Topic
)


@dataclass(frozen=True, slots=True)
class ParsedTopic:
    """A concrete topic taken apart: its kind and the values of its placeholders."""

    topic: Topic
    params: Mapping[str, str]


def is_device_id(text: str) -> bool:
    """Tell whether *text* is 1 to 64 of ``A-Z a-z 0-9 . _ -``, the form of device ids and instances."""
    return _DEVICE_ID.fullmatch(text) is not None


def build(topic: Topic, **params: str) -> str:
    """
    Return the concrete topic, for example ``build(Topic.HEARTBEAT, client_id="D1")``.

    Raises:
        ValueError: A placeholder is missing, or a value is not a device id (or ``+``, for filters).
    """
    for name, value in params.items():
        if value != "+" and not is_device_id(value):
            raise ValueError(f"{name} {value!r} is not 1 to 64 of A-Z a-z 0-9 . _ -")
    try:
        return topic.value.format(**params)
    except KeyError as error:
        raise ValueError(f"{topic.value} needs {error.args[0]}") from error


def parse(topic: str) -> ParsedTopic | None:
    """Return what *topic* is, or ``None`` when it is no topic of ours or carries a malformed id."""
    for kind, pattern in _PATTERNS:
        found = pattern.fullmatch(topic)
        if found is not None:
            params = found.groupdict()
            return ParsedTopic(kind, params) if all(map(is_device_id, params.values())) else None
    return None

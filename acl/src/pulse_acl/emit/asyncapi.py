"""
``asyncapi.yaml``: every topic and payload and the servers, as AsyncAPI 3.0, for people and tools that integrate.

An operation takes the view of one part and names it in its tag: ``send`` is what that part publishes,
``receive`` what it subscribes to. Who may do so is in ``rules``; HTTP has its own OpenAPI document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from ..payloads import PAYLOADS
from ..topics import DEVICE_ID_PATTERN, TOPICS, TopicSpec
from .header import hash_header

_MQTT = "0.2.0"  # version of AsyncAPI's binding, not of MQTT
_ABOUT = (
    "Telemetry, commands and their acknowledgement over MQTT. QoS 1 everywhere. The embedded broker speaks MQTT 3.1.1, "
    "the production broker 3.1.1 and 5.0. The user name is that of the token, the password is the token, and the "
    "client id must be the one that the token was issued for."
)
_PARAMETERS = {
    "client_id": "The device's id",
    "service": "auth-api or ingest",
    "instance": "The name of one running instance of the service",
}


def asyncapi_yaml(examples: Mapping[str, str]) -> str:
    """Return the whole document; *examples*: payload → an example of it as JSON."""
    document = yaml.safe_dump(_document(examples), sort_keys=False, allow_unicode=True, width=110)
    return hash_header() + str(document)


def _document(examples: Mapping[str, str]) -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(PAYLOADS.values(), ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "PrecisionPulse", "version": "1", "description": _ABOUT, "license": {"name": "MIT"}},
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {_key(row): _channel(row) for row in TOPICS},
        "operations": dict(_operations()),
        "components": {
            "messages": {name: _message(name, examples[name]) for name in PAYLOADS},
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "userPassword", "description": "password: the token"}},
        },
    }


def _servers() -> dict[str, Any]:
    return {
        "embedded-mqtts": _server("127.0.0.1:8883", "secure-mqtt", "Embedded broker, MQTT 3.1.1 over TLS"),
        "embedded-ws": _server("127.0.0.1:8083", "ws", "Embedded broker, loopback only, clear text", "/mqtt"),
        "embedded-wss": _server("127.0.0.1:8084", "wss", "Embedded broker, secure WebSockets", "/mqtt"),
        "production-mqtts": _server("{host}:8883", "secure-mqtt", "EMQX, MQTT over TLS"),
        "production-wss": _server("{host}", "wss", "EMQX behind the same origin as the dashboard", "/mqtt"),
    }


def _server(host: str, protocol: str, about: str, path: str | None = None) -> dict[str, Any]:
    server: dict[str, Any] = {"host": host, "protocol": protocol, "description": about}
    if path:
        server["pathname"] = path
    if "{host}" in host:
        server["variables"] = {"host": {"description": "The name that the installation is reached by"}}
    return {**server, "security": [_ref("securitySchemes", "token")]}


def _channel(row: TopicSpec) -> dict[str, Any]:
    channel: dict[str, Any] = {"address": row.topic.value}
    names = re.findall(r"\{(\w+)\}", row.topic.value)
    if names:
        form = f"1 to 64 of A-Z a-z 0-9 . _ - ({DEVICE_ID_PATTERN})"
        channel["parameters"] = {name: {"description": f"{_PARAMETERS[name]}; {form}"} for name in names}
    return {**channel, "messages": {row.payload: _ref("messages", row.payload)}}


def _message(name: str, example: str) -> dict[str, Any]:
    return {
        "name": name,
        "contentType": "application/json",
        "payload": _ref("schemas", name),
        "examples": [{"name": "documented", "payload": json.loads(example)}],
    }


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for row in TOPICS:
        for part in row.sender.split(", "):
            yield f"{_slug(part)}.send.{_key(row)}", _operation(row, "send", part)
        for part in row.readers:
            yield f"{_slug(part)}.receive.{_key(row)}", _operation(row, "receive", part)


def _operation(row: TopicSpec, action: str, part: str) -> dict[str, Any]:
    binding: dict[str, Any] = {"qos": 1, "bindingVersion": _MQTT}
    if action == "send":
        binding["retain"] = row.retained
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_key(row)}"},
        "messages": [{"$ref": f"#/channels/{_key(row)}/messages/{row.payload}"}],
        "tags": [{"name": part}],
        "bindings": {"mqtt": binding},
    }


def _key(row: TopicSpec) -> str:
    return row.topic.name.lower()


def _slug(part: str) -> str:
    return part.replace(" ", "-")


def _ref(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}

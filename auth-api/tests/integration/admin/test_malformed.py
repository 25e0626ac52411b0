"""Every call meets junk in its body, path and query: it is refused by a problem document, never by a fault of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

JUNK: tuple[Any, ...] = (
    *(None, True, -1, 2**70, 1e308, "", "\x00", "\ud800", "a" * 300, "💥", "../..", "%00", "$argon2id$v=19$m=9"),
    *([], [None], ["\x00"], [[[]]], {}, {"\x00": 1}, {"a": {"b": "\x00"}}, [{"action": "publish", "topic": "\x00"}]),
)
PATHS = ("x", "%00", "%ff", str(uuid4()), "00000000-0000-0000-0000-000000000000", "a" * 300, "..%2f")
REAL = {"username": "ann", "password": "a-first-password-1", "name": "N", "topics": ["heartbeat/+"]}
# A real answer ends the session that the others need.
LEFT_OUT = {"/api/v1/auth/logout", "/api/v1/auth/login", "/api/v1/auth/password"}


@pytest.fixture
async def calls(api: Any) -> list[tuple[str, str, list[str], list[str]]]:
    """Method, path, names of the body's fields, names of query parameters; of every call."""
    document = (await api.client.get("/api/schema")).json()
    return [
        (method.upper(), path, list(_fields(document, call)), _queries(call))
        for path, item in document["paths"].items()
        for method, call in item.items()
        if path not in LEFT_OUT
    ]


def _fields(document: Any, call: Any) -> Iterator[str]:
    schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    yield from document["components"]["schemas"].get(name, {}).get("properties", {})


def _queries(call: Any) -> list[str]:
    return [one["name"] for one in call.get("parameters", []) if one["in"] == "query"]


def body_of(fields: list[str], field: str, junk: Any) -> bytes:
    real = {name: REAL[name] for name in fields if name in REAL}
    return json.dumps({**real, field: junk}).encode()


async def existing(api: Any, execute: Any) -> dict[str, str]:
    """Make a record of each kind; return what stands for it in a path."""
    await execute("INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ('D1', '{}', '{}')")
    made = {"client_id": "D1", "key": "own.key"}
    for kind in ("user", "role", "permission"):
        body = {"username": "bob", "password": REAL["password"]} if kind == "user" else {"name": "M"}
        answer = await api.client.post(f"/api/v1/{kind}s", json=body)
        made[f"{kind}_id"] = answer.json()["id"]
    return made


async def test_no_body_is_answered_by_a_fault(api: Any, calls: Any, execute: Any) -> None:
    faults = []
    made = await existing(api, execute)
    headers = {"content-type": "application/json", "if-match": "*"}
    for method, path, fields, _ in calls:
        target = re.sub(r"\{(\w+)\}", lambda found: made.get(found[1], str(uuid4())), path)
        for field in fields:
            for junk in JUNK:
                content = body_of(fields, field, junk)
                answer = await api.client.request(method, target, content=content, headers=headers)
                # No certificate is there, and no broker: 503.
                if answer.status_code >= 500 and answer.status_code != 503:
                    faults.append((method, path, field, junk, answer.status_code))
    assert faults == []
    assert (await api.client.get("/api/v1/auth/me")).status_code == 200, "the session ended on the way"
    assert sum(len(fields) for _, _, fields, _ in calls) > 20


async def test_no_path_and_no_query_is_answered_by_a_fault(api: Any, calls: Any) -> None:
    faults = []
    for method, path, _, queries in calls:
        targets = [re.sub(r"\{\w+\}", part, path) for part in PATHS] if "{" in path else [path]
        asked = [{}, *({name: junk} for name in queries for junk in ("", "\x00", "💥", "a" * 300, "-1", "1.5"))]
        for target in targets:
            for params in asked:
                headers = {"if-match": "*", "content-type": "application/json"}
                content = b"{}" if method in {"PUT", "PATCH"} else None
                answer = await api.client.request(method, target, params=params, headers=headers, content=content)
                if answer.status_code >= 500 and answer.status_code != 503:
                    faults.append((method, target, params, answer.status_code))
    assert faults == []
    assert (await api.client.get("/api/v1/auth/me")).status_code == 200, "the session ended on the way"

"""The access decision explained: for people, devices and services, allowed and denied."""

from __future__ import annotations

from typing import Any

import pytest

EXPLAIN = "/api/v1/acl/explain"


async def ask(client: Any, principal: str, action: str, topic: str, **more: Any) -> Any:
    return await client.get(EXPLAIN, params={"principal": principal, "action": action, "topic": topic, **more})


async def test_explain_allowed_names_role_permission_and_rule(api: Any) -> None:
    await api.add_user("otto", "OPERATOR", "VIEWER")
    found = (await ask(api.client, "user:otto", "subscribe", "telemetry/D1/live")).json()
    assert found["allowed"]
    assert found["rule"] == {"action": "subscribe", "topic": "telemetry/+/live"}
    assert [(one["role"], one["permission"]) for one in found["granted_by"]] == [
        ("OPERATOR", "VIEW_DASHBOARD"),
        ("VIEWER", "VIEW_DASHBOARD"),
    ]


async def test_explain_denied_says_why(api: Any) -> None:
    await api.add_user("vera", "VIEWER")
    for topic, reason in (("command/D1/force_sync", "no rule allows"), ("command/+/x", "malformed")):
        found = (await ask(api.client, "user:vera", "publish", topic)).json()
        assert (found["allowed"], found["rule"], found["granted_by"]) == (False, None, [])
        assert reason in found["reason"]
    retained = (await ask(api.client, "user:admin", "publish", "command/D1/reload", retain=True)).json()
    assert "not retained" in retained["reason"]


async def test_explain_deactivated_person_and_revoked_device_are_denied_everything(api: Any, execute: Any) -> None:
    await api.add_user("vera", "VIEWER")
    await execute("UPDATE users SET is_active = false WHERE username = 'vera'")
    await execute("INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ('D1', '{}', '{}')")
    assert (await ask(api.client, "device:D1", "publish", "telemetry/D1/live")).json()["allowed"]
    assert not (await ask(api.client, "device:D1", "publish", "telemetry/D2/live")).json()["allowed"]
    await execute("UPDATE devices SET revoked_at = now()")
    for principal, topic in (("user:vera", "heartbeat/+"), ("device:D1", "archive/D1/receipt")):
        found = (await ask(api.client, principal, "subscribe", topic)).json()
        assert not found["allowed"]
        assert "deactivated" in found["reason"] or "revoked" in found["reason"]


async def test_explain_services_have_their_own_rules(api: Any) -> None:
    assert (await ask(api.client, "service:ingest", "publish", "archive/D1/receipt")).json()["allowed"]
    assert not (await ask(api.client, "service:auth-api", "publish", "archive/D1/receipt")).json()["allowed"]


@pytest.mark.parametrize("principal", ["user:nobody", "device:D9", "device:a/b", "service:x", "nobody", "user:"])
async def test_explain_unknown_principal_is_named(api: Any, problem: Any, principal: str) -> None:
    assert problem(await ask(api.client, principal, "publish", "a")) == (404, "unknown-principal")


async def test_explain_wrong_parameters_are_malformed(api: Any, problem: Any) -> None:
    for wrong in (("user:admin", "all", "a"), ("user:admin", "publish", ""), ("user:\x00", "publish", "a")):
        assert problem(await ask(api.client, *wrong)) == (400, "invalid-request"), wrong


async def test_explain_of_oneself_is_open_and_of_others_needs_manage_roles(person: Any, problem: Any) -> None:
    viewer = await person("vera", "VIEWER")
    assert (await ask(viewer, "user:vera", "subscribe", "heartbeat/+")).json()["allowed"]
    assert problem(await ask(viewer, "user:admin", "subscribe", "heartbeat/+")) == (403, "permission-missing")

"""Commands over HTTP reach the device through a real broker, in the name of the person who gave them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest

from pulse_acl.payloads import Command
from pulse_acl.rules import device_rules
from support.waiting import eventually

DEVICES = "/api/v1/devices"


@pytest.fixture
async def device(api: Any, mint: Any, knock: Any) -> Any:
    """D1, enrolled and subscribed to its commands."""
    await api.fetch("INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ('D1', '{}', '{}')")
    token = await mint("D1", "device:D1", device_rules("D1"))
    client, code = await knock(api, {"client_id": "D1", "username": "device:D1", "password": token.password})
    assert code == 0
    assert await client.subscribe("command/D1/force_sync", "command/D1/reload") == [1, 1]
    yield client
    await client.close()


async def ready(api: Any) -> None:
    """Wait until the API has the broker."""

    async def has_broker() -> bool:
        return (await api.client.get("/readyz")).json()["checks"]["broker"] == "ok"

    await eventually(has_broker, what="the API has the broker", every_s=0.05)


async def test_command_reaches_the_device_and_the_audit_names_the_person(api: Any, device: Any) -> None:
    await ready(api)
    body = {"command": "FORCE_SYNC", "args": {"why": "test"}, "expires_in_s": 30}
    answer = await api.client.post(f"{DEVICES}/D1/commands", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["topic"] == "command/D1/force_sync"
    message = await device.expect()
    assert (message.topic, message.retain) == ("command/D1/force_sync", False)
    command = msgspec.json.decode(message.payload, type=Command)
    assert command.command_id == answer.json()["command_id"]
    assert (command.command, command.args, command.issued_by) == ("FORCE_SYNC", {"why": "test"}, "user:admin")
    assert command.expires_at == answer.json()["expires_at"]
    (row,) = (await api.client.get("/api/v1/logs/audit", params={"command_id": command.command_id})).json()["items"]
    assert (row["actor"], row["entity_id"], row["detail"]["command_id"]) == ("user:admin", "D1", command.command_id)


async def test_command_with_the_broker_away_is_refused_and_the_audit_says_so(
    api: Any, device: Any, broker: Any
) -> None:
    await ready(api)
    await asyncio.to_thread(broker.program.stop)
    answer = await api.client.post(f"{DEVICES}/D1/commands", json={"command": "RELOAD"})
    assert answer.status_code == 503
    assert answer.json()["type"].endswith(":broker-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    rows = (await api.client.get("/api/v1/logs/audit", params={"entity_type": "device"})).json()["items"]
    assert [row["action"] for row in rows] == ["command.not_published", "command.issued"]
    assert rows[0]["detail"]["command_id"] == rows[1]["detail"]["command_id"]


async def test_command_is_judged_by_the_callers_own_rules(api: Any, device: Any) -> None:
    await ready(api)
    await api.add_user("otto", "OPERATOR")
    await api.sign_in("otto")
    assert (await api.client.post(f"{DEVICES}/D1/commands", json={"command": "FORCE_SYNC"})).status_code == 202
    refused = await api.client.post(f"{DEVICES}/D1/commands", json={"command": "RELOAD"})
    assert (refused.status_code, refused.json()["topic"]) == (403, "command/D1/reload")
    assert (await device.expect()).topic == "command/D1/force_sync"
    rows = await api.fetch("SELECT detail->>'command' AS command FROM audit_log WHERE action = 'command.issued'")
    assert [row["command"] for row in rows] == ["FORCE_SYNC"]


async def test_command_that_cannot_be_is_refused_by_name(api: Any, device: Any) -> None:
    await api.fetch("INSERT INTO devices (client_id, signing_key, encryption_key, revoked_at)"
                    " VALUES ('gone', '{}', '{}', now())")  # fmt: skip

    async def ask(client_id: str, **body: Any) -> tuple[int, str]:
        answer = await api.client.post(f"{DEVICES}/{client_id}/commands", json={"command": "RELOAD", **body})
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    assert await ask("D9") == (404, "unknown-device")
    assert await ask("a%20b") == (404, "unknown-device")
    assert await ask("gone") == (403, "device-revoked")
    for wrong in (
        *({"command": "force_sync"}, {"command": "ERASE"}, {"expires_in_s": 0}, {"expires_in_s": 86_401}),
        *({"args": []}, {"args": {"a": "x" * 9_000}}, {"args": {"a": "\x00"}}, {"args": {"a": 2**64}}, {"extra": 1}),
    ):
        assert await ask("D1", **wrong) == (400, "invalid-request"), wrong
    assert await api.fetch("SELECT FROM audit_log WHERE action LIKE 'command.%'") == []

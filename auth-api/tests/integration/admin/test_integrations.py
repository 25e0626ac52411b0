"""Integrations: made within the maker's rights, shown once, listed, revoked, and ended when the maker loses rights."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import jwt
import pytest

from pulse_acl.decide import Principal, decide
from pulse_acl.emit.jwt_claim import from_claim
from pulse_acl.rules import Action

PATH = "/api/v1/integrations"
ERP = {"name": "erp", "topics": ["telemetry/+/live", "heartbeat/D1", "heartbeat/D1"], "lifetime_days": 30}


async def make(client: Any, **changes: Any) -> Any:
    return await client.request("POST", PATH, json=ERP | changes)


async def test_integration_token_is_bound_signed_by_its_own_key_and_only_subscribes(api: Any) -> None:
    answer = await make(api.client)
    assert answer.status_code == 201
    body = answer.json()
    claims = jwt.decode(body["password"], options={"verify_signature": False})
    assert (claims["username"], claims["client_id"]) == ("integration:erp", body["client_id"])
    assert body["client_id"].startswith("int:")
    assert claims["exp"] - claims["iat"] == 30 * 86_400
    asker = Principal(claims["username"], claims["client_id"], from_claim(claims["acl"]))
    assert decide(asker, Action.SUBSCRIBE, "$share/erp/telemetry/+/live")
    assert not decide(asker, Action.SUBSCRIBE, "telemetry/+/buffered")
    assert not decide(asker, Action.PUBLISH, "telemetry/D1/live")
    personal = (await api.client.post("/api/v1/broker/token", json={})).json()["password"]
    kid = jwt.get_unverified_header(body["password"])["kid"]
    assert kid != jwt.get_unverified_header(personal)["kid"]
    keys = (await api.client.get("/.well-known/jwks.json")).json()["keys"]
    assert kid in [key["kid"] for key in keys]


async def test_integration_is_listed_without_its_token_and_audited_by_name(api: Any) -> None:
    made = (await make(api.client)).json()
    listed = await api.client.get(PATH)
    assert made["password"] not in listed.text
    (item,) = listed.json()["items"]
    assert item == made["integration"]
    assert (item["state"], item["topics"]) == ("running", ["telemetry/+/live", "heartbeat/D1"])
    (row,) = await api.fetch("SELECT actor, entity_id, after::text FROM audit_log WHERE action = 'integration.created'")
    assert (row["actor"], row["entity_id"]) == ("user:admin", item["id"])
    assert made["password"] not in row["after"]


async def test_integration_revoked_bans_its_client_id_until_it_would_have_run_out(api: Any, problem: Any) -> None:
    made = (await make(api.client)).json()
    path = f"{PATH}/{made['integration']['id']}"
    assert (await api.client.delete(path)).status_code == 204
    assert (await api.client.delete(path)).status_code == 204
    assert problem(await api.client.delete(f"{PATH}/{uuid4()}")) == (404, "unknown-record")
    (ban,) = await api.fetch("SELECT who, reason, until - $1 AS rest FROM bans", api.clock())
    assert (ban["who"], ban["rest"].days) == (made["client_id"], 30)
    (item,) = (await api.client.get(PATH)).json()["items"]
    assert (item["state"], item["ended_by"], item["end_reason"]) == ("ended", "user:admin", "revoked")
    assert len(await api.fetch("SELECT FROM audit_log WHERE action = 'integration.revoked'")) == 1


async def test_integration_name_is_taken_while_it_runs_and_free_afterwards(api: Any, problem: Any) -> None:
    first = (await make(api.client, lifetime_days=1)).json()["integration"]
    assert problem(await make(api.client, name="ERP")) == (409, "name-taken")
    api.clock.move(86_401)
    await api.sign_in()
    second = (await make(api.client)).json()["integration"]
    await api.client.delete(f"{PATH}/{second['id']}")
    assert (await make(api.client)).status_code == 201
    page = (await api.client.get(PATH, params={"limit": 2})).json()
    assert [item["state"] for item in page["items"]] == ["running", "ended"]
    rest = (await api.client.get(PATH, params={"limit": 2, "cursor": page["next"]})).json()
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([first["id"]], None)
    assert rest["items"][0]["state"] == "expired"


@pytest.mark.parametrize(
    ("topic", "slug"),
    [
        *(("sync/#", "invalid-rule"), ("archive/D1/receipt", "invalid-rule"), ("$SYS/#", "invalid-rule")),
        *(("#", "invalid-rule"), ("a/#/b", "invalid-rule"), ("+/+", "invalid-rule"), ("${clientid}", "invalid-rule")),
        *(("telemetry/#", "cannot-grant"), ("plant/hall-1", "cannot-grant")),
    ],
)
async def test_integration_topic_outside_the_rules_is_refused_with_the_reason(
    api: Any, problem: Any, topic: str, slug: str
) -> None:
    answer = await make(api.client, topics=["heartbeat/+", topic])
    assert problem(answer)[1] == slug
    assert answer.json()["topic"] == topic
    assert topic in answer.json()["detail"]
    assert await api.fetch("SELECT FROM integrations") == []


@pytest.mark.parametrize(
    "wrong",
    [
        *({"name": ""}, {"topics": []}, {"topics": ["a"] * 65}, {"lifetime_days": 0}, {"lifetime_days": 366}),
        *({"topics": "telemetry/+/live"}, {"lifetime_days": 1.5}, {"extra": 1}),
    ],
)
async def test_integration_malformed_is_refused(api: Any, problem: Any, wrong: dict[str, Any]) -> None:
    assert problem(await make(api.client, **wrong)) == (400, "invalid-request")


async def test_integration_calls_need_the_permission_and_a_proper_name(api: Any, problem: Any, person: Any) -> None:
    assert problem(await make(api.client, name="a:b")) == (422, "invalid-name")
    viewer = await person("vera", "VIEWER")
    for answer in (await make(viewer), await viewer.get(PATH), await viewer.request("DELETE", f"{PATH}/{uuid4()}")):
        assert problem(answer) == (403, "permission-missing")


async def test_explain_knows_integrations(api: Any) -> None:
    made = (await make(api.client)).json()["integration"]

    async def allowed(topic: str) -> bool:
        asked = {"principal": "integration:erp", "action": "subscribe", "topic": topic}
        return bool((await api.client.get("/api/v1/acl/explain", params=asked)).json()["allowed"])

    assert await allowed("heartbeat/D1")
    assert not await allowed("heartbeat/D2")
    await api.client.delete(f"{PATH}/{made['id']}")
    assert not await allowed("heartbeat/D1")

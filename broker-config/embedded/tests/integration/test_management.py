"""The management interface: EMQX's paths and answers, its key, and what bans and kicks do."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from pulse_acl.payloads import AuditRecord, decode
from support.mqtt_client import Will

FOREVER = {"as": "clientid", "who": "D1"}


@pytest.fixture
async def api(bench):
    key, _, secret = bench.settings.management_key_file.read_text().strip().partition(":")
    base = f"http://127.0.0.1:{bench.running.api_port}/api/v5"
    async with httpx.AsyncClient(base_url=base, auth=(key, secret), trust_env=False) as client:
        yield client


async def test_management_key_file_is_private_and_the_key_is_asked_for(bench) -> None:
    path = bench.settings.management_key_file
    assert path.stat().st_mode & 0o777 == 0o600
    key, _, secret = path.read_text().strip().partition(":")
    base = f"http://127.0.0.1:{bench.running.api_port}"
    async with httpx.AsyncClient(base_url=base, trust_env=False) as client:
        wrong = [None, (key, "wrong"), ("wrong", secret), (key, ""), (key + ":", secret)]
        for auth in wrong:
            for method, path in (("GET", "/api/v5/clients"), ("POST", "/api/v5/banned"), ("GET", "/metrics")):
                answer = await client.request(method, path, auth=auth)
                assert answer.status_code == 401
        assert answer.json()["code"] == "BAD_API_KEY_OR_SECRET"
        assert (await client.get("/api/v5/clients")).json()["code"] == "AUTHORIZATION_HEADER_ERROR"
        for header in ("Basic", "Basic %%%", "Bearer x", "Basic " + base64.b64encode(b"\xff").decode()):
            assert (await client.get("/api/v5/clients", headers={"Authorization": header})).status_code == 401


async def test_management_foreign_host_or_any_origin_is_refused(api) -> None:
    for headers in (
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example:80"},
        {"Origin": "http://127.0.0.1:8080"},
    ):
        answer = await api.get("/clients", headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert (await api.get("/clients", headers={"Host": "localhost:18083"})).status_code == 200


async def test_management_without_keys_is_running_and_not_ready(bench) -> None:
    jwks = bench.settings.jwks_file
    kept = jwks.read_bytes()
    jwks.unlink()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bench.running.api_port}", trust_env=False) as stranger:
        first = await stranger.get("/readyz")
        assert (await stranger.get("/status")).status_code == 200
        jwks.write_bytes(kept)
        then = await stranger.get("/readyz")
    assert (first.status_code, first.json()["checks"]["keys"][:7]) == (503, "missing")
    assert (then.status_code, then.json()) == (200, {"checks": {"keys": "ok"}})


async def test_management_status_is_open_and_metrics_count(bench, api) -> None:
    await bench.join(bench.mint.device("D1"))
    root = f"http://127.0.0.1:{bench.running.api_port}"
    async with httpx.AsyncClient(trust_env=False) as stranger:
        answer = await stranger.get(f"{root}/status")
    assert (answer.status_code, "is running" in answer.text) == (200, True)
    metrics = (await api.get(f"{root}/metrics")).text
    assert "pulse_broker_connections 1.0" in metrics


async def test_management_clients_are_listed_and_described(bench, api) -> None:
    device = await bench.join(bench.mint.device("D1"), clean=False, keepalive=40)
    await device.subscribe("archive/D1/receipt")
    await bench.join(bench.mint.user("ann", client_id="web:1"))
    one = (await api.get("/clients/D1")).json()
    assert (one["clientid"], one["username"], one["connected"], one["keepalive"]) == ("D1", "device:D1", True, 40)
    assert (one["mqueue_len"], one["mqueue_dropped"], one["subscriptions_cnt"]) == (0, 0, 1)
    assert one["auth_expire_at"] / 1000 > bench.clock()
    listed = (await api.get("/clients", params={"username": "user:ann"})).json()
    assert [found["clientid"] for found in listed["data"]] == ["web:1"]
    assert (listed["meta"]["count"], listed["meta"]["hasnext"]) == (1, False)
    assert (await api.get("/clients")).json()["meta"]["count"] == 2
    await device.disconnect()
    assert (await api.get("/clients/D1")).json()["connected"] is False
    answer = await api.get("/clients/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "CLIENTID_NOT_FOUND")


async def test_management_kick_ends_connection_and_session_and_leaves_the_way_open(bench, api) -> None:
    watcher = await bench.join(bench.mint.ingest())
    await watcher.subscribe("heartbeat/+")
    identity = bench.mint.device("D1")
    device = await bench.join(identity, clean=False, will=Will("heartbeat/D1", b"kicked"))
    assert (await api.delete("/clients/D1")).status_code == 204
    await device.expect_closed()
    await watcher.expect_payloads(b"kicked")
    device = await bench.open()
    assert await device.connect(*identity, clean=False) == (0, False)
    answer = await api.delete("/clients/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "CLIENTID_NOT_FOUND")


async def test_management_kick_reaches_every_client_id_also_with_special_letters(bench, api) -> None:
    browser = await bench.join(bench.mint.user("ann", client_id="web:a.b_c-1"))
    assert (await api.delete("/clients/web%3Aa.b_c-1")).status_code == 204
    await browser.expect_closed()


async def test_management_bulk_kick_ends_all_that_are_there(bench, api) -> None:
    clients = [await bench.join(bench.mint.device(name)) for name in ("D1", "D2", "D3")]
    answer = await api.post("/clients/kickout/bulk", json=["D1", "D2", "nobody"])
    assert answer.status_code == 204
    for client in clients[:2]:
        await client.expect_closed()
    await clients[2].ping()


async def test_management_ban_by_client_id_ends_the_session_and_refuses_until_lifted(bench, api) -> None:
    watcher = await bench.join(bench.mint.ingest())
    await watcher.subscribe("heartbeat/+")
    identity = bench.mint.device("D1")
    device = await bench.join(identity, clean=False, will=Will("heartbeat/D1", b"never"))
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    answer = await api.post("/banned", json={**FOREVER, "reason": "revoked", "by": "test", "until": until})
    assert answer.status_code == 200
    assert {**answer.json(), "at": ""} == {**FOREVER, "reason": "revoked", "by": "test", "until": until, "at": ""}
    await device.expect_closed()
    assert bench.running.sessions.get("D1") is None
    again = await bench.open()
    assert await again.connect(*identity) == (5, False)
    assert (await api.get("/banned")).json()["data"][0]["who"] == "D1"
    assert (await api.delete("/banned/clientid/D1")).status_code == 204
    await bench.join(identity)
    other = await bench.join(bench.mint.device("D2"))
    await other.publish("heartbeat/D2", b"marker")
    await watcher.expect_payloads(b"marker")


async def test_management_ban_by_username_keeps_new_connections_out(bench, api) -> None:
    device = await bench.join(bench.mint.device("D1"))
    assert (await api.post("/banned", json={"as": "username", "who": "device:D1"})).status_code == 200
    again = await bench.open()
    assert await again.connect(*bench.mint.device("D1")) == (5, False)
    await device.ping()


async def test_management_ban_twice_and_unknown_ban_answer_as_emqx(api) -> None:
    assert (await api.post("/banned", json=FOREVER)).json()["until"] == "infinity"
    answer = await api.post("/banned", json=FOREVER)
    assert (answer.status_code, answer.json()["code"]) == (400, "ALREADY_EXISTS")
    answer = await api.delete("/banned/clientid/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_management_ban_runs_out_by_itself(bench, api) -> None:
    until = datetime.fromtimestamp(bench.clock() + 60, UTC).isoformat()
    await api.post("/banned", json={**FOREVER, "until": until})
    bench.clock.ahead_s = 61
    assert (await api.get("/banned")).json()["data"] == []
    await bench.join(bench.mint.device("D1"))
    assert (await api.post("/banned", json={**FOREVER, "until": "infinity"})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"as": "clientid"},
        {"as": "everybody", "who": "D1"},
        {"as": "clientid", "who": ""},
        {"as": "clientid", "who": 1},
        {**FOREVER, "until": "tomorrow"},
        {**FOREVER, "until": "2026-01-01T00:00:00"},
        [],
    ],
    ids=str,
)
async def test_management_malformed_ban_is_refused_and_changes_nothing(bench, api, body) -> None:
    answer = await api.post("/banned", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")
    assert bench.running.bans.list() == []


async def test_management_publish_reaches_subscribers_and_is_audited_as_the_auth_api(bench, api) -> None:
    device = await bench.join(bench.mint.device("D1"))
    await device.subscribe("command/D1/reload")
    watcher = await bench.join(bench.mint.ingest())
    await watcher.subscribe("audit/command")
    body = {"topic": "command/D1/reload", "payload": base64.b64encode(b"\x00x").decode(), "payload_encoding": "base64"}
    answer = await api.post("/publish", json={**body, "qos": 1})
    assert (answer.status_code, len(answer.json()["id"])) == (200, 32)
    message = await device.expect()
    assert (message.payload, message.qos, message.retain) == (b"\x00x", 1, False)
    assert decode(AuditRecord, (await watcher.expect()).payload).username == "service:auth-api"


async def test_management_publish_without_subscriber_or_with_a_bad_topic_answers_as_emqx(api) -> None:
    answer = await api.post("/publish", json={"topic": "command/D9/reload", "payload": "x"})
    assert (answer.status_code, answer.json()["reason_code"]) == (202, 16)
    for topic in ("a/#", "", "$SYS/x"):
        answer = await api.post("/publish", json={"topic": topic, "payload": "x"})
        assert (answer.status_code, answer.json()["reason_code"]) == (400, 144)
    answer = await api.post("/publish", json={"topic": "a", "payload": "%", "payload_encoding": "base64"})
    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_REQUEST")


async def test_management_body_too_large_or_unknown_path_is_refused(api) -> None:
    answer = await api.post("/publish", json={"topic": "a", "payload": "x" * 3_000_000})
    assert answer.status_code == 413
    assert (await api.get("/nodes")).status_code == 404
    assert (await api.put("/banned", json={})).status_code == 405

"""Tokens for devices: what they open, and which assertions get none."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest

from pulse_acl.decide import Principal, decide
from pulse_acl.emit.jwt_claim import from_claim
from pulse_acl.rules import Action


@pytest.fixture
async def enrolled(device: Any) -> Any:
    assert (await device.enroll()).status_code == 201
    return device


async def test_token_for_a_right_assertion_opens_the_devices_own_topics_for_an_hour(api: Any, enrolled: Any) -> None:
    answer = await enrolled.token()
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["client_id"], body["username"]) == ("D1", "device:D1")
    assert (body["server_time"], body["expires_at"]) == ("2026-02-07T10:00:00.000Z", "2026-02-07T11:00:00.000Z")
    claims = jwt.decode(body["password"], options={"verify_signature": False})
    assert (claims["aud"], claims["client_id"], claims["username"]) == ("pulse-broker", "D1", "device:D1")
    device = Principal("device:D1", "D1", from_claim(claims["acl"]))
    assert decide(device, Action.PUBLISH, "telemetry/D1/live")
    assert not decide(device, Action.PUBLISH, "telemetry/D2/live")
    assert not decide(device, Action.SUBSCRIBE, "telemetry/D1/live")


async def test_token_with_a_replayed_assertion_is_refused(enrolled: Any, problem: Any) -> None:
    assertion = enrolled.assertion()
    answers = await asyncio.gather(*(enrolled.post("/token", {"assertion": assertion}) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]
    assert problem(await enrolled.post("/token", {"assertion": assertion})) == (401, "assertion-refused")


async def test_token_with_a_wrong_clock_tells_the_servers_time(enrolled: Any, problem: Any) -> None:
    for offset_s in (-300, 300):
        now = int(enrolled.api.clock().timestamp()) + offset_s
        refused = await enrolled.token(iat=now, exp=now + 60)
        assert problem(refused) == (401, "clock-skew")
        assert refused.json()["server_time"] == "2026-02-07T10:00:00.000Z"


async def test_token_of_an_unknown_device_and_of_a_wrong_key_get_the_same_answer(
    enrolled: Any, make_device: Any, problem: Any
) -> None:
    for stranger in (make_device("D2"), make_device("D1")):
        assert problem(await stranger.token()) == (401, "assertion-refused")


async def test_token_with_a_wrong_claim_is_refused(enrolled: Any, problem: Any) -> None:
    wrong: list[dict[str, Any]] = [
        {"aud": "pulse-broker"},
        {"sub": "D2"},
        {"exp": 2**62},
        {"jti": "a\x00b"},
        {"iss": "service:ingest"},
    ]
    for changes in wrong:
        assert problem(await enrolled.token(**changes)) == (401, "assertion-refused"), changes


async def test_token_with_another_body_is_malformed(enrolled: Any, problem: Any) -> None:
    for body in ({}, {"assertion": 5}, [], {"assertion": None}):
        assert problem(await enrolled.post("/token", body)) == (400, "invalid-request"), body


async def test_token_with_an_overlong_assertion_is_refused(enrolled: Any, problem: Any) -> None:
    assert problem(await enrolled.post("/token", {"assertion": "a" * 9_000})) == (401, "assertion-refused")


async def test_token_of_a_revoked_device_is_refused_with_its_own_type(api: Any, enrolled: Any, problem: Any) -> None:
    revoked = await api.client.delete("/api/v1/devices/D1")
    assert revoked.status_code == 200
    assert problem(await enrolled.token()) == (403, "device-revoked")
    assert (await api.client.get("/api/v1/devices/D1")).json()["revoked_at"] == "2026-02-07T10:00:00.000Z"


async def test_token_of_a_revoked_device_enrolled_again_is_given(api: Any, enrolled: Any, make_device: Any) -> None:
    await api.client.delete("/api/v1/devices/D1")
    successor = make_device("D1")
    assert (await successor.enroll()).status_code == 201
    assert (await successor.token()).status_code == 200
    assert (await api.client.get("/api/v1/devices/D1")).json()["revoked_at"] is None

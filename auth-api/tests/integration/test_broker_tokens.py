"""Broker tokens of people and services: claims, rights, signature, rows, replays."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pulse_acl.decide import Principal, decide
from pulse_acl.emit.jwt_claim import from_claim
from pulse_acl.rules import Action

BROKER = "/api/v1/broker/token"
SERVICE = "/api/v1/services/token"
JWKS = "/.well-known/jwks.json"


async def verified(api: Any, token: str) -> dict[str, Any]:
    """Check a token as a broker does: any key of the set, exact issuer and audience."""
    keys = (await api.client.get(JWKS)).json()["keys"]
    key = next(one for one in keys if one["kid"] == jwt.get_unverified_header(token)["kid"])
    options: Any = {"verify_exp": False, "verify_iat": False, "strict_aud": True}
    claims: dict[str, Any] = jwt.decode(
        token, jwt.PyJWK(key), algorithms=["ES256"], audience="pulse-broker", issuer="precisionpulse", options=options
    )
    return claims


def may(claims: dict[str, Any], action: Action, topic: str, *, retain: bool = False) -> bool:
    principal = Principal(claims["username"], claims["client_id"], from_claim(claims["acl"]))
    return bool(decide(principal, action, topic, retain=retain))


async def test_broker_token_claims_are_complete_and_bound_to_a_fresh_client_id(api: Any) -> None:
    await api.sign_in()
    bodies = [(await api.client.post(BROKER, json={})).json() for _ in range(2)]
    assert bodies[0]["client_id"] != bodies[1]["client_id"]
    body, claims = bodies[0], await verified(api, bodies[0]["password"])
    assert claims.keys() == {"iss", "aud", "sub", "jti", "iat", "exp", "client_id", "username", "acl"}
    assert claims["client_id"] == body["client_id"]
    assert body["client_id"].startswith("web:")
    assert claims["username"] == claims["sub"] == body["username"] == "user:admin"
    assert type(claims["exp"]) is int
    assert claims["exp"] - claims["iat"] == 900
    assert body["acl"] == claims["acl"]
    assert body["server_time"] == "2026-02-07T10:00:00.000Z"
    assert body["expires_at"] == "2026-02-07T10:15:00.000Z"
    assert (body["ws_url"], body["mqtts_url"]) == (api.settings.ws_url, api.settings.mqtts_url)


@pytest.mark.parametrize(
    ("role", "action", "topic", "allowed"),
    [
        ("VIEWER", Action.SUBSCRIBE, "telemetry/+/live", True),
        ("VIEWER", Action.SUBSCRIBE, "telemetry/#", False),
        ("VIEWER", Action.SUBSCRIBE, "audit/command", False),
        ("VIEWER", Action.PUBLISH, "command/D1/force_sync", False),
        ("OPERATOR", Action.PUBLISH, "command/D1/force_sync", True),
        ("OPERATOR", Action.PUBLISH, "command/D1/reload", False),
        ("ADMIN", Action.SUBSCRIBE, "audit/command", True),
        ("ADMIN", Action.PUBLISH, "command/D1/reload", True),
        ("ADMIN", Action.SUBSCRIBE, "sync/device/D1/state", False),
        ("ADMIN", Action.PUBLISH, "telemetry/D1/live", False),
    ],
)
async def test_broker_token_carries_the_rights_of_the_role(
    api: Any, role: str, action: Action, topic: str, allowed: bool
) -> None:
    await api.add_user("ann", role)
    await api.sign_in("ann")
    claims = await verified(api, (await api.client.post(BROKER, json={})).json()["password"])
    assert may(claims, action, topic) is allowed


async def test_broker_token_after_a_rule_changed_in_the_database_carries_the_new_rights(api: Any) -> None:
    await api.sign_in()
    rules = json.dumps([{"action": "subscribe", "topic": "heartbeat/D1"}, {"action": "subscribe", "topic": "sync/#"}])
    await api.fetch("UPDATE permissions SET rules = $1::jsonb WHERE name = 'VIEW_DASHBOARD' RETURNING 1", rules)
    claims = await verified(api, (await api.client.post(BROKER, json={})).json()["password"])
    assert may(claims, Action.SUBSCRIBE, "heartbeat/D1")
    assert not may(claims, Action.SUBSCRIBE, "telemetry/+/live")
    assert not may(claims, Action.SUBSCRIBE, "sync/user/create/D1")


async def test_broker_token_of_a_person_without_roles_opens_nothing(api: Any) -> None:
    await api.add_user("ann")
    await api.sign_in("ann")
    claims = await verified(api, (await api.client.post(BROKER, json={})).json()["password"])
    assert claims["acl"] == [{"permission": "deny", "action": "all", "topic": "#"}]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE user_roles SET present = false",
        "UPDATE roles SET deleted_at = now() WHERE name = 'ADMIN'",
        "UPDATE role_permissions SET present = false",
        "UPDATE permissions SET deleted_at = now()",
    ],
)
async def test_broker_token_ended_memberships_and_records_give_no_rights(api: Any, change: str) -> None:
    await api.sign_in()
    await api.fetch(change + " RETURNING 1")
    body = (await api.client.post(BROKER, json={})).json()
    assert len(body["acl"]) == 1


async def test_broker_token_leaves_a_row_that_names_its_client_id(api: Any) -> None:
    await api.sign_in()
    body = (await api.client.post(BROKER, json={})).json()
    rows = await api.fetch("SELECT i.*, u.username AS person FROM issued_tokens i JOIN users u ON u.id = i.user_id")
    assert [(row["client_id"], row["username"], row["person"], row["kind"]) for row in rows] == [
        (body["client_id"], "user:admin", "admin", "user")
    ]
    assert str(rows[0]["jti"]) == (await verified(api, body["password"]))["jti"]


async def test_jwks_is_the_file_of_the_embedded_broker_and_verifies_no_access_token(api: Any) -> None:
    answer = await api.client.get(JWKS)
    assert answer.status_code == 200
    assert answer.content == api.settings.jwks_file.read_bytes()
    assert len(answer.json()["keys"]) == 2
    access = (await api.sign_in())["access_token"]
    for key in answer.json()["keys"]:
        with pytest.raises(jwt.InvalidSignatureError):
            jwt.decode(access, jwt.PyJWK(key), algorithms=["ES256"], options={"verify_aud": False})


class Service:
    """The worker's key, written where services put them."""

    def __init__(self, api: Any) -> None:
        self.key = Ed25519PrivateKey.generate()
        x = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).rstrip(b"=").decode()
        api.settings.service_keys_dir.mkdir()
        (api.settings.service_keys_dir / "ingest.jwk.json").write_text(
            json.dumps({"kty": "OKP", "crv": "Ed25519", "x": x})
        )
        self.at = int(api.clock().timestamp())

    def assertion(self, **changes: Any) -> str:
        claims = {"iss": "service:ingest", "sub": "service:ingest", "aud": "pulse-api", "jti": str(uuid4())}
        times = {"iat": self.at, "exp": self.at + 30, "instance": "1"}
        return jwt.encode({**claims, **times, **changes}, self.key, algorithm="EdDSA")


async def test_service_token_has_the_rights_of_the_instance_and_a_stable_client_id(api: Any) -> None:
    service = Service(api)
    bodies = [(await api.client.post(SERVICE, json={"assertion": service.assertion()})).json() for _ in range(2)]
    assert [body["client_id"] for body in bodies] == ["svc:ingest:1"] * 2
    claims = await verified(api, bodies[0]["password"])
    assert (claims["username"], claims["exp"] - claims["iat"]) == ("service:ingest", 86_400)
    assert may(claims, Action.PUBLISH, "archive/D1/receipt")
    assert may(claims, Action.PUBLISH, "system/ingest/1/status", retain=True)
    assert not may(claims, Action.PUBLISH, "system/ingest/2/status", retain=True)
    assert not may(claims, Action.PUBLISH, "command/D1/reload")
    rows = await api.fetch("SELECT kind, user_id FROM issued_tokens")
    assert {tuple(row) for row in rows} == {("service", None)}


async def test_service_is_told_the_shared_group_that_no_person_is_told(api: Any) -> None:
    service = Service(api)
    told = {(await api.client.post(SERVICE, json={"assertion": service.assertion()})).text for _ in range(2)}
    (name,) = {json.loads(one)["shared_group"] for one in told}
    assert name.encode() == (api.settings.keys_dir / "shared-group.secret").read_bytes()
    assert len(name) == len("ingest-") + 32
    await api.sign_in()
    integration = {"name": "erp", "topics": ["telemetry/+/live"], "lifetime_days": 30}
    for path, body in ((BROKER, {}), ("/api/v1/integrations", integration)):
        answer = await api.client.post(path, json=body)
        assert answer.is_success
        assert name not in answer.text
        assert "shared_group" not in answer.text


async def test_service_assertion_used_twice_is_refused(api: Any) -> None:
    assertion = Service(api).assertion()
    assert (await api.client.post(SERVICE, json={"assertion": assertion})).status_code == 200
    again = await api.client.post(SERVICE, json={"assertion": assertion})
    assert again.status_code == 401
    assert again.json()["type"].endswith(":assertion-refused")


async def test_service_assertion_replayed_at_once_gives_one_token(api: Any) -> None:
    assertion = Service(api).assertion()
    answers = await asyncio.gather(*(api.client.post(SERVICE, json={"assertion": assertion}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401, 401]


async def test_service_assertion_of_a_foreign_key_or_service_is_refused(api: Any) -> None:
    service = Service(api)
    right = service.assertion()
    service.key = Ed25519PrivateKey.generate()
    for assertion in (service.assertion(), service.assertion(iss="service:auth-api"), right[:-2], "", "x" * 9_000):
        answer = await api.client.post(SERVICE, json={"assertion": assertion})
        assert answer.status_code in {400, 401}
        assert answer.headers["content-type"] == "application/problem+json"


async def test_access_token_as_a_service_assertion_is_refused(api: Any) -> None:
    access = (await api.sign_in())["access_token"]
    assert (await api.client.post(SERVICE, json={"assertion": access})).status_code == 401

"""A person's signing keys on desktops: one live key each, registered and ended by the person."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PATH = "/api/v1/auth/operator-keys"


def jwk(**changes: Any) -> dict[str, Any]:
    raw = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode(), **changes}


async def enroll(execute: Any, client_id: str) -> None:
    await execute("INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ($1, '{}', '{}')", client_id)


async def put(client: Any, client_id: str, key: Any) -> Any:
    return await client.request("PUT", f"{PATH}/{client_id}", json={"public_key": key})


async def test_operator_key_registered_again_replaces_the_one_before(api: Any, execute: Any) -> None:
    await enroll(execute, "D1")
    first, second = jwk(), jwk()
    assert (await put(api.client, "D1", first)).status_code == 200
    answer = await put(api.client, "D1", {**second, "kid": "mine"})
    assert answer.json()["public_key"] == second
    rows = await api.fetch("SELECT public_key->>'x' AS x, ended_at FROM operator_keys ORDER BY id")
    assert [(row["x"], row["ended_at"] is None) for row in rows] == [(first["x"], False), (second["x"], True)]
    actions = await api.fetch("SELECT actor FROM audit_log WHERE action = 'operator_key.registered'")
    assert [row["actor"] for row in actions] == ["user:admin", "user:admin"]


async def test_operator_keys_of_two_people_and_two_desktops_live_beside_each_other(
    api: Any, execute: Any, person: Any
) -> None:
    await enroll(execute, "D1")
    await enroll(execute, "D2")
    vera = await person("vera", "VIEWER")
    for client, device in ((api.client, "D1"), (api.client, "D2"), (vera, "D1")):
        assert (await put(client, device, jwk())).status_code == 200
    assert (await vera.request("DELETE", f"{PATH}/D1")).status_code == 204
    assert (await vera.request("DELETE", f"{PATH}/D1")).status_code == 204
    assert (await vera.request("DELETE", f"{PATH}/a%20b")).status_code == 204
    assert await execute("SELECT count(*) FROM operator_keys WHERE ended_at IS NULL") == 2
    assert await execute("SELECT count(*) FROM audit_log WHERE action = 'operator_key.ended'") == 1


async def test_operator_key_that_may_not_be_registered_is_refused_by_name(
    api: Any, execute: Any, problem: Any, person: Any
) -> None:
    await enroll(execute, "D1")
    await enroll(execute, "gone")
    await execute("UPDATE devices SET revoked_at = now() WHERE client_id = 'gone'")
    for wrong in (jwk(d="private"), jwk(crv="X25519"), jwk(x="short"), {}):
        assert problem(await put(api.client, "D1", wrong)) == (422, "key-refused"), wrong
    assert problem(await put(api.client, "D1", "text")) == (400, "invalid-request")
    assert problem(await put(api.client, "D9", jwk())) == (404, "unknown-device")
    assert problem(await put(api.client, "gone", jwk())) == (403, "device-revoked")
    await execute("UPDATE role_permissions SET present = false WHERE permission_id IN"
                  " (SELECT id FROM permissions WHERE name = 'DESKTOP_LOGIN')")  # fmt: skip
    vera = await person("vera", "VIEWER")
    assert problem(await put(vera, "D1", jwk())) == (403, "permission-missing")
    assert await execute("SELECT count(*) FROM operator_keys") == 0

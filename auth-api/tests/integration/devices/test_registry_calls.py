"""The devices as people see them: list, presence, account, revoking."""

from __future__ import annotations

from typing import Any

import asyncpg

STREAM = "018f0000-0000-7000-8000-000000000001"


async def execute(api: Any, statement: str, *values: Any) -> None:
    connection = await asyncpg.connect(api.database.dsn())
    try:
        await connection.execute(statement, *values)
    finally:
        await connection.close()


async def beat(api: Any, client_id: str, heartbeat: str, status: str = "ONLINE") -> None:
    await execute(
        api,
        "INSERT INTO device_presence VALUES ($1, $2, $3::text::jsonb, $4, $4)",
        client_id,
        status,
        heartbeat,
        api.clock(),
    )


async def test_device_silent_for_three_intervals_is_offline_with_its_last_figures(api: Any, device: Any) -> None:
    await device.enroll()
    await beat(api, "D1", '{"pending": 9007199254740993, "heartbeat_interval_s": 5}')
    found = (await api.client.get("/api/v1/devices/D1")).json()
    assert (found["status"], found["last_heartbeat_at"]) == ("ONLINE", "2026-02-07T10:00:00.000Z")
    api.clock.move(15.5)
    answer = await api.client.get("/api/v1/devices/D1")
    assert answer.json()["status"] == "OFFLINE"
    assert '"pending": 9007199254740993' in answer.text


async def test_devices_come_in_pages_by_id(api: Any, make_device: Any) -> None:
    for number in range(5):
        await make_device(f"D{number}").enroll()
    first = (await api.client.get("/api/v1/devices", params={"limit": 2})).json()
    assert ([item["client_id"] for item in first["items"]], first["next"]) == (["D0", "D1"], "D1")
    rest = (await api.client.get("/api/v1/devices", params={"limit": 3, "cursor": "D1"})).json()
    assert ([item["client_id"] for item in rest["items"]], rest["next"]) == (["D2", "D3", "D4"], None)


async def test_devices_with_wrong_parameters_is_malformed(api: Any, problem: Any) -> None:
    for params in ({"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "a/b"}, {"cursor": "\x00"}):
        assert problem(await api.client.get("/api/v1/devices", params=params)) == (400, "invalid-request"), params


async def test_device_that_never_was_is_unknown(api: Any, problem: Any) -> None:
    for path in ["D9", "%00", "a%20b", "D9/integrity", "%00/integrity"]:
        assert problem(await api.client.get(f"/api/v1/devices/{path}")) == (404, "unknown-device"), path


async def test_revoke_of_a_device_bans_it_and_is_audited_once(api: Any, device: Any, problem: Any) -> None:
    await device.enroll()
    await api.add_user("vera", "VIEWER")
    await execute(
        api, "INSERT INTO operator_keys (user_id, client_id, public_key) SELECT id, 'D1', '{}' FROM users LIMIT 1"
    )
    first = await api.client.delete("/api/v1/devices/D1")
    assert (first.status_code, first.json()) == (200, {"client_id": "D1", "people": ["admin", "vera"]})
    assert (await api.client.delete("/api/v1/devices/D1")).json() == first.json()
    assert problem(await api.client.delete("/api/v1/devices/D9")) == (404, "unknown-device")
    connection = await asyncpg.connect(api.database.dsn())
    try:
        bans = await connection.fetch("SELECT banned_as, who, by FROM bans")
        rows = await connection.fetch("SELECT actor, entity_id FROM audit_log WHERE action = 'device.revoked'")
        assert await connection.fetchval("SELECT count(*) FROM operator_keys WHERE ended_at IS NULL") == 0
    finally:
        await connection.close()
    assert [tuple(row) for row in bans] == [("clientid", "D1", "user:admin")]
    assert [tuple(row) for row in rows] == [("user:admin", "D1")]


async def test_integrity_states_the_account_exactly(api: Any, device: Any) -> None:
    await device.enroll()
    top = 2**63 - 2
    await execute(
        api,
        "INSERT INTO telemetry_ledger VALUES ('D1', $1::text::uuid, '{[1,5),[8,11)}', '{[2,3)}', '{[9,11)}', $2, 4, 3,"
        " now(), now())",
        STREAM,
        top,
    )
    await beat(
        api,
        "D1",
        f'{{"stream": "{STREAM}", "last_sequence_no": 12, "latest": {{"v": 1e22}},'
        f' "held": [{{"stream": "{STREAM}", "first": 5, "last": 6, "count": 2}}]}}',
    )
    answer = await api.client.get("/api/v1/devices/D1/integrity")
    assert answer.json() == {
        "produced": top,
        "archived": 4,
        "rejected": 1,
        "declared_lost": 2,
        "on_device": 2,
        "missing": 3,
        "duplicates": 3,
        "streams": [
            {
                "stream": STREAM,
                "first": 1,
                "last": top,
                "archived": 4,
                "rejected": 1,
                "declared_lost": 2,
                "on_device": 2,
                "missing": [[7, 7], [11, 12]],
                "duplicates": 3,
            }
        ],
    }


async def test_device_calls_without_permission_are_refused(api: Any, device: Any, problem: Any) -> None:
    await device.enroll()
    await execute(api, "UPDATE role_permissions SET present = false")
    for method, path in (("GET", "devices"), ("GET", "devices/D1"), ("GET", "devices/D1/integrity"),
                         ("DELETE", "devices/D1"), ("POST", "devices/enrollment-codes")):  # fmt: skip
        answer = await api.client.request(method, f"/api/v1/{path}", json={} if method == "POST" else None)
        assert problem(answer) == (403, "permission-missing"), path

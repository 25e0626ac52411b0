"""Users over HTTP: making, changing, deleting, lists, entity tags, who may, and what is written down."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

USERS, ROLES = "/api/v1/users", "/api/v1/roles"
PASSWORD = "a-first-password-1"


async def make(client: Any, username: str = "ann", **more: Any) -> Any:
    return await client.request("POST", USERS, json={"username": username, "password": PASSWORD, **more})


async def change(client: Any, made: Any, **fields: Any) -> Any:
    path = f"{USERS}/{made.json()['id']}"
    return await client.request("PATCH", path, json=fields, headers={"if-match": made.headers["etag"]})


async def sign_in(api: Any, username: str, password: str) -> Any:
    return await api.client.post("/api/v1/auth/login", json={"username": username, "password": password})


async def test_user_made_signs_in_and_must_change_the_password_first(api: Any, problem: Any) -> None:
    made = await make(api.client, roles=["viewer", "OPERATOR"])
    assert made.status_code == 201
    body = made.json()
    assert (body["username"], body["roles"], body["is_active"]) == ("ann", ["OPERATOR", "VIEWER"], True)
    assert (body["updated_by"], body["source"]) == ("user:admin", "web")
    assert body.keys() == {
        *("id", "username", "is_active", "roles", "created_at", "updated_at", "updated_by", "source"),
    }
    signed_in = (await sign_in(api, "ann", PASSWORD)).json()
    assert signed_in["must_change_password"]
    headers = {"authorization": f"Bearer {signed_in['access_token']}"}
    refused = await api.client.post("/api/v1/broker/token", json={}, headers=headers)
    assert problem(refused) == (403, "password-change-required")


async def test_user_change_needs_the_tag_of_what_was_seen(api: Any, problem: Any) -> None:
    made = await make(api.client)
    path = f"{USERS}/{made.json()['id']}"
    assert problem(await api.client.patch(path, json={"is_active": False})) == (428, "precondition-required")
    assert problem(await api.client.delete(path)) == (428, "precondition-required")
    changed = await change(api.client, made, username="anna")
    assert (changed.status_code, changed.json()["username"]) == (200, "anna")
    stale = await change(api.client, made, username="anne")
    assert problem(stale) == (412, "precondition-failed")
    assert stale.json()["etag"] == changed.headers["etag"] != made.headers["etag"]
    got = await api.client.get(path)
    assert (got.headers["etag"], got.json()) == (changed.headers["etag"], changed.json())
    assert (await api.client.patch(path, json={"roles": ["VIEWER"]}, headers={"if-match": "*"})).status_code == 200
    several = {"if-match": f'"other", {(await api.client.get(path)).headers["etag"]}'}
    assert (await api.client.delete(path, headers=several)).status_code == 204


async def test_user_tag_changes_with_roles_that_others_change(api: Any, problem: Any) -> None:
    made = await make(api.client, roles=["VIEWER"])
    role = next(one for one in (await api.client.get(ROLES)).json()["items"] if one["name"] == "VIEWER")
    renamed = await api.client.patch(
        f"{ROLES}/{role['id']}", json={"name": "WATCHER"}, headers={"if-match": role["etag"]}
    )
    assert renamed.status_code == 200
    assert problem(await change(api.client, made, roles=[])) == (412, "precondition-failed")
    assert (await api.client.get(f"{USERS}/{made.json()['id']}")).json()["roles"] == ["WATCHER"]


async def test_user_deleted_is_gone_and_the_name_is_free(api: Any, problem: Any) -> None:
    made = await make(api.client)
    path = f"{USERS}/{made.json()['id']}"
    assert problem(await make(api.client, "ANN")) == (409, "name-taken")
    assert (await api.client.delete(path, headers={"if-match": made.headers["etag"]})).status_code == 204
    for answer in (await api.client.get(path), await change(api.client, made, username="x")):
        assert problem(answer) == (404, "unknown-record")
    assert problem(await api.client.get(f"{USERS}/{uuid4()}")) == (404, "unknown-record")
    assert (await sign_in(api, "ann", PASSWORD)).status_code == 401
    assert (await make(api.client, "ann")).json()["id"] != made.json()["id"]
    (row,) = await api.fetch("SELECT deleted_at, username FROM users WHERE deleted_at IS NOT NULL")
    assert row["username"] == "ann"


async def test_users_are_listed_by_name_in_pages_and_found_by_a_part_of_it(api: Any) -> None:
    for name in ("Zoë", "bob", "eva", "ann_1", "annx1"):
        assert (await make(api.client, name)).status_code == 201
    names, cursor = [], None
    while True:
        body = (await api.client.get(USERS, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        names += [item["username"] for item in body["items"]]
        cursor = body["next"]
        if cursor is None:
            break
    assert names == ["admin", "ann_1", "annx1", "bob", "eva", "Zoë"]
    found = (await api.client.get(USERS, params={"search": "N_1"})).json()["items"]
    assert [item["username"] for item in found] == ["ann_1"]
    tagged = await api.client.patch(
        f"{USERS}/{found[0]['id']}", json={"is_active": False}, headers={"if-match": found[0]["etag"]}
    )
    assert tagged.json()["is_active"] is False


async def test_every_change_of_a_user_is_audited_with_before_and_after_and_no_hash_anywhere(api: Any) -> None:
    made = await make(api.client, roles=["VIEWER"])
    changed = await change(api.client, made, username="anna", password="another-password-2", roles=["OPERATOR"])
    off = await change(api.client, changed, is_active=False)
    path = f"{USERS}/{made.json()['id']}"
    assert (await api.client.delete(path, headers={"if-match": off.headers["etag"]})).status_code == 204
    log = await api.client.get("/api/v1/logs/audit", params={"actor": "user:admin", "limit": 7})
    rows = list(reversed(log.json()["items"]))
    assert [row["action"] for row in rows] == [
        *("user.created", "user_role.added", "user.changed", "user_role.added", "user_role.removed"),
        *("user.deactivated", "user.deleted"),
    ]
    assert rows[0]["before"] is None
    assert rows[0]["after"]["password_hash"] == "changed"
    assert (rows[2]["before"]["username"], rows[2]["after"]["username"]) == ("ann", "anna")
    assert (rows[4]["before"], rows[4]["after"]) == ({"present": True}, {"present": False})
    assert (rows[4]["detail"]["user"], rows[4]["detail"]["role"]) == ("anna", "VIEWER")
    assert all(row["address"] for row in rows)
    tables = await api.fetch(
        "SELECT (SELECT json_agg(a) FROM audit_log a)::text || (SELECT json_agg(s) FROM sync_log s)::text"
        " || (SELECT json_agg(c) FROM change_log c)::text AS everything"
    )
    assert "argon2" not in tables[0]["everything"]
    assert "password-2" not in tables[0]["everything"]
    sync = (await api.client.get("/api/v1/logs/sync", params={"entity_id": made.json()["id"]})).text
    assert "argon2" not in sync


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        *(({"username": "a b"}, (422, "invalid-name")), ({"username": "a" * 65}, (422, "invalid-name"))),
        *(({"username": ""}, (400, "invalid-request")), ({"username": 7}, (400, "invalid-request"))),
        *(({"password": "short"}, (422, "password-refused")), ({"roles": ["NOBODY"]}, (422, "invalid-name"))),
        *(({"roles": "ADMIN"}, (400, "invalid-request")), ({"password_hash": "x"}, (400, "invalid-request"))),
        *(({"username": "ADMIN"}, (409, "name-taken")), ({"roles": ["A\x00"]}, (422, "invalid-name"))),
    ],
)
async def test_user_that_cannot_be_is_refused_and_nothing_is_left(
    api: Any, problem: Any, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    before = (await api.fetch("SELECT version FROM record_version"))[0]["version"]
    assert problem(await make(api.client, **{"username": "ann", **body})) == expected
    assert (await api.fetch("SELECT version FROM record_version"))[0]["version"] == before


async def test_password_set_by_an_administrator_ends_sessions_and_must_be_changed(api: Any, person: Any) -> None:
    vera = await person("vera", "VIEWER")
    (listed,) = (await api.client.get(USERS, params={"search": "vera"})).json()["items"]
    changed = await api.client.patch(
        f"{USERS}/{listed['id']}", json={"password": "reset-by-admin-1"}, headers={"if-match": listed["etag"]}
    )
    assert changed.status_code == 200
    assert (await vera.get("/api/v1/auth/me")).status_code == 401
    assert (await sign_in(api, "vera", "correct-horse-battery-1")).status_code == 401
    assert (await sign_in(api, "vera", "reset-by-admin-1")).json()["must_change_password"]


async def test_own_password_over_users_asks_for_no_second_change(api: Any) -> None:
    (admin,) = (await api.client.get(USERS, params={"search": "admin"})).json()["items"]
    path, seen = f"{USERS}/{admin['id']}", {"if-match": admin["etag"]}
    assert (await api.client.patch(path, json={"password": "my-own-new-one-1"}, headers=seen)).status_code == 200
    assert not (await sign_in(api, "admin", "my-own-new-one-1")).json()["must_change_password"]


async def test_deactivated_person_is_out_at_once_and_cannot_refresh(api: Any, person: Any) -> None:
    vera = await person("vera", "VIEWER")
    cookie = api.client.cookies["pulse_refresh"]
    (listed,) = (await api.client.get(USERS, params={"search": "vera"})).json()["items"]
    path = f"{USERS}/{listed['id']}"
    off = await api.client.patch(path, json={"is_active": False}, headers={"if-match": listed["etag"]})
    assert (await vera.get("/api/v1/auth/me")).status_code == 401
    api.client.cookies["pulse_refresh"] = cookie
    assert (await api.client.post("/api/v1/auth/refresh")).status_code == 401
    assert (await sign_in(api, "vera", "correct-horse-battery-1")).status_code == 401
    on = await api.client.patch(path, json={"is_active": True}, headers={"if-match": off.headers["etag"]})
    assert on.status_code == 200
    assert (await vera.get("/api/v1/auth/me")).status_code == 401
    assert (await sign_in(api, "vera", "correct-horse-battery-1")).status_code == 200


async def test_last_administrator_can_be_neither_ended_nor_demoted(api: Any, problem: Any) -> None:
    (admin,) = (await api.client.get(USERS, params={"search": "admin"})).json()["items"]
    path, seen = f"{USERS}/{admin['id']}", {"if-match": admin["etag"]}
    for patch in ({"is_active": False}, {"roles": []}, {"roles": ["OPERATOR"]}):
        answer = await api.client.patch(path, json=patch, headers=seen)
        assert problem(answer) == (409, "last-administrator"), patch
    assert problem(await api.client.delete(path, headers=seen)) == (409, "last-administrator")
    assert (await make(api.client, "second", roles=["ADMIN"])).status_code == 201
    assert (await api.client.patch(path, json={"roles": ["OPERATOR"]}, headers=seen)).status_code == 200


async def test_administrator_gives_up_all_roles_in_one_change(api: Any, person: Any) -> None:
    for number in range(6):
        role = {"name": f"R{number}", "permissions": ["VIEW_DASHBOARD"]}
        assert (await api.client.post(ROLES, json=role)).status_code == 201
    tired = await person("tired", "ADMIN", *(f"R{number}" for number in range(6)))
    (found,) = (await tired.get(USERS, params={"search": "tired"})).json()["items"]
    path, seen = f"{USERS}/{found['id']}", {"if-match": found["etag"]}
    answer = await tired.request("PATCH", path, json={"username": "rested", "roles": ["VIEWER"]}, headers=seen)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["username"], answer.json()["roles"]) == ("rested", ["VIEWER"])
    assert (await tired.get(USERS)).status_code == 403


async def test_nobody_grants_or_takes_over_more_than_they_hold(api: Any, person: Any, problem: Any) -> None:
    role = {"name": "USER_ADMIN", "permissions": ["MANAGE_USERS", "VIEW_DASHBOARD", "DESKTOP_LOGIN"]}
    assert (await api.client.post(ROLES, json=role)).status_code == 201
    uma = await person("uma", "USER_ADMIN")
    for name in ("OPERATOR", "ADMIN"):
        assert problem(await make(uma, roles=[name])) == (403, "cannot-grant"), name
    made = await make(uma, "bob", roles=["VIEWER"])
    assert made.status_code == 201
    assert problem(await change(uma, made, roles=["ADMIN"])) == (403, "cannot-grant")
    (admin,) = (await uma.get(USERS, params={"search": "admin"})).json()["items"]
    takeover = await uma.request(
        "PATCH", f"{USERS}/{admin['id']}", json={"password": "taken-over-by-uma"}, headers={"if-match": admin["etag"]}
    )
    assert problem(takeover) == (403, "cannot-grant")


async def test_refused_change_is_written_down_with_its_reason_and_a_lost_race_is_not(
    api: Any, person: Any, problem: Any
) -> None:
    role = {"name": "USER_ADMIN", "permissions": ["MANAGE_USERS"]}
    assert (await api.client.post(ROLES, json=role)).status_code == 201
    uma = await person("uma", "USER_ADMIN")
    assert problem(await make(uma, roles=["ADMIN"])) == (403, "cannot-grant")
    (admin,) = (await api.client.get(USERS, params={"search": "admin"})).json()["items"]
    stale = await api.client.delete(f"{USERS}/{admin['id']}", headers={"if-match": '"stale"'})
    assert stale.status_code == 412
    integration = {"name": "erp", "topics": ["plant/#"]}
    assert (await api.client.post("/api/v1/integrations", json=integration)).status_code == 403
    rows = (await api.client.get("/api/v1/logs/audit", params={"action": "change.refused"})).json()["items"]
    assert [(row["actor"], row["detail"]["reason"]) for row in rows] == [
        ("user:admin", "CANNOT_GRANT"),
        ("user:uma", "CANNOT_GRANT"),
    ]
    assert rows[1]["detail"]["message"]


async def test_user_calls_without_the_permission_are_refused(api: Any, person: Any, problem: Any) -> None:
    made = await make(api.client)
    otto = await person("otto", "OPERATOR")
    path = f"{USERS}/{made.json()['id']}"
    for answer in (
        await otto.get(USERS),
        await otto.get(path),
        await make(otto, "eve"),
        await change(otto, made, is_active=False),
        await otto.request("DELETE", path, headers={"if-match": "*"}),
    ):
        assert problem(answer) == (403, "permission-missing")
    assert json.dumps((await api.client.get(path)).json()) == json.dumps(made.json())

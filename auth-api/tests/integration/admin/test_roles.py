"""Roles and permissions over HTTP: topic rules as data, entity tags, who may grant what, narrowing."""

from __future__ import annotations

from typing import Any

import pytest

ROLES, PERMISSIONS = "/api/v1/roles", "/api/v1/permissions"
CALIBRATE = {"name": "CALIBRATE", "rules": [{"action": "publish", "topic": "command/+/calibrate"}]}


async def send(client: Any, method: str, path: str, body: Any = None, tag: str | None = None) -> Any:
    return await client.request(method, path, json=body, headers={"if-match": tag} if tag else {})


async def find(client: Any, path: str, name: str) -> Any:
    return next(one for one in (await client.get(path)).json()["items"] if one["name"] == name)


async def explained(client: Any, principal: str, action: str, topic: str) -> bool:
    asked = {"principal": principal, "action": action, "topic": topic}
    return bool((await client.get("/api/v1/acl/explain", params=asked)).json()["allowed"])


async def test_permission_and_role_open_a_new_topic_without_a_code_change(api: Any) -> None:
    made = await send(api.client, "POST", PERMISSIONS, {**CALIBRATE, "description": "Calibrate presses"})
    assert made.status_code == 201, made.text
    assert made.json()["rules"] == CALIBRATE["rules"]
    role = await send(api.client, "POST", ROLES, {"name": "METROLOGY", "permissions": ["calibrate", "VIEW_DASHBOARD"]})
    assert role.json()["permissions"] == ["CALIBRATE", "VIEW_DASHBOARD"]
    await api.add_user("mia", "METROLOGY")
    assert await explained(api.client, "user:mia", "publish", "command/D1/calibrate")
    assert not await explained(api.client, "user:mia", "publish", "command/D1/reload")
    narrowed = await send(
        api.client, "PATCH", f"{PERMISSIONS}/{made.json()['id']}", {"rules": []}, made.headers["etag"]
    )
    assert narrowed.json()["rules"] == []
    assert not await explained(api.client, "user:mia", "publish", "command/D1/calibrate")


async def test_roles_and_permissions_that_are_seeded_are_listed_by_name(api: Any) -> None:
    roles = (await api.client.get(ROLES, params={"limit": 2})).json()
    assert [one["name"] for one in roles["items"]] == ["ADMIN", "OPERATOR"]
    rest = (await api.client.get(ROLES, params={"cursor": roles["next"]})).json()
    assert ([one["name"] for one in rest["items"]], rest["next"]) == (["VIEWER"], None)
    assert rest["items"][0]["permissions"] == ["DESKTOP_LOGIN", "VIEW_DASHBOARD"]
    permissions = (await api.client.get(PERMISSIONS, params={"limit": 4})).json()
    assert [one["name"] for one in permissions["items"]] == ["DESKTOP_LOGIN", "EDIT_CONFIG", "FORCE_SYNC",
                                                             "MANAGE_DEVICES"]  # fmt: skip
    assert len((await api.client.get(PERMISSIONS, params={"cursor": permissions["next"]})).json()["items"]) == 5


async def test_role_and_permission_changes_need_the_tag_of_what_was_seen(api: Any, problem: Any) -> None:
    for path, name in ((ROLES, "VIEWER"), (PERMISSIONS, "VIEW_LOGS")):
        seen = await find(api.client, path, name)
        one = f"{path}/{seen['id']}"
        assert problem(await send(api.client, "PATCH", one, {"name": "X"})) == (428, "precondition-required")
        assert problem(await send(api.client, "DELETE", one)) == (428, "precondition-required")
        assert problem(await send(api.client, "PATCH", one, {"name": "X"}, '"0"')) == (412, "precondition-failed")
        got = await api.client.get(one)
        assert got.headers["etag"] == seen["etag"]
        changed = await send(api.client, "PATCH", one, {"description": "new words"}, seen["etag"])
        assert changed.json()["description"] == "new words"
        assert problem(await send(api.client, "DELETE", one, tag=seen["etag"])) == (412, "precondition-failed")


async def test_role_deleted_takes_its_rights_along_and_stays_as_a_tombstone(api: Any, problem: Any) -> None:
    await api.add_user("vera", "VIEWER")
    viewer = await find(api.client, ROLES, "VIEWER")
    assert (await send(api.client, "DELETE", f"{ROLES}/{viewer['id']}", tag=viewer["etag"])).status_code == 204
    assert problem(await api.client.get(f"{ROLES}/{viewer['id']}")) == (404, "unknown-record")
    assert not await explained(api.client, "user:vera", "subscribe", "heartbeat/+")
    (row,) = await api.fetch("SELECT deleted_at FROM roles WHERE name = 'VIEWER'")
    assert row["deleted_at"] is not None
    (vera,) = (await api.client.get("/api/v1/users", params={"search": "vera"})).json()["items"]
    assert vera["roles"] == []


@pytest.mark.parametrize(
    ("action", "topic", "why"),
    [
        *(("subscribe", "sync/#", "kept"), ("subscribe", "#", "kept"), ("subscribe", "archive/+/receipt", "kept")),
        *(("subscribe", "$SYS/#", "kept"), ("publish", "telemetry/D1/live", "commands only")),
        *(("publish", "command/+/result", "commands only"), ("publish", "command/+/+", "commands only")),
        *(("subscribe", "a/#/b", "malformed"), ("subscribe", "a/${x}", "reads as something else")),
        ("subscribe", "system/+/+", "no other wildcard"),
    ],
)
async def test_permission_with_a_reserved_or_malformed_rule_is_refused_with_the_reason(
    api: Any, problem: Any, action: str, topic: str, why: str
) -> None:
    rules = [{"action": "subscribe", "topic": "plant/hall-1"}, {"action": action, "topic": topic}]
    answer = await send(api.client, "POST", PERMISSIONS, {"name": "P", "rules": rules})
    assert problem(answer) == (422, "invalid-rule")
    assert (answer.json()["reason"], answer.json()["rule"]) == ("INVALID_RULE", 1)
    assert why in answer.json()["detail"]
    logs = await find(api.client, PERMISSIONS, "VIEW_LOGS")
    changed = await send(api.client, "PATCH", f"{PERMISSIONS}/{logs['id']}", {"rules": rules}, logs["etag"])
    assert (problem(changed), changed.json()["rule"]) == ((422, "invalid-rule"), 1)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        *((ROLES, {"name": "viewer"}, (409, "name-taken")), (PERMISSIONS, {"name": "view_logs"}, (409, "name-taken"))),
        *((ROLES, {"name": ""}, (400, "invalid-request")), (ROLES, {"name": " \t "}, (422, "invalid-value"))),
        *(
            (ROLES, {"name": "R", "permissions": ["NONE"]}, (422, "invalid-name")),
            (ROLES, {}, (400, "invalid-request")),
        ),
        (ROLES, {"name": "R", "permissions": "VIEW_LOGS"}, (400, "invalid-request")),
        (PERMISSIONS, {"name": "P", "rules": [{"action": "all", "topic": "a"}]}, (400, "invalid-request")),
        (PERMISSIONS, {"name": "P", "rules": [{"topic": "a"}]}, (400, "invalid-request")),
        (ROLES, {"name": "R\x00"}, (422, "invalid-value")),
    ],
)
async def test_role_or_permission_that_cannot_be_is_refused(
    api: Any, problem: Any, path: str, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert problem(await send(api.client, "POST", path, body)) == expected


async def test_administrators_role_cannot_lose_what_makes_the_last_administrator(api: Any, problem: Any) -> None:
    admin = await find(api.client, ROLES, "ADMIN")
    fewer = [name for name in admin["permissions"] if name != "VIEW_LOGS"]
    for answer in (
        await send(api.client, "PATCH", f"{ROLES}/{admin['id']}", {"permissions": fewer}, admin["etag"]),
        await send(api.client, "DELETE", f"{ROLES}/{admin['id']}", tag=admin["etag"]),
    ):
        assert problem(answer) == (409, "last-administrator")
    logs = await find(api.client, PERMISSIONS, "VIEW_LOGS")
    deleted = await send(api.client, "DELETE", f"{PERMISSIONS}/{logs['id']}", tag=logs["etag"])
    assert problem(deleted) == (409, "last-administrator")


async def test_role_that_lets_one_change_it_can_be_emptied_in_one_change(api: Any, person: Any) -> None:
    names = ["MANAGE_ROLES", "VIEW_DASHBOARD", "VIEW_LOGS", "FORCE_SYNC", "EDIT_CONFIG"]
    await send(api.client, "POST", ROLES, {"name": "MINE", "permissions": names})
    mia = await person("mia", "MINE")
    mine = await find(mia, ROLES, "MINE")
    emptied = await send(mia, "PATCH", f"{ROLES}/{mine['id']}", {"permissions": []}, mine["etag"])
    assert (emptied.status_code, emptied.json()["permissions"]) == (200, [])
    assert (await mia.get(ROLES)).status_code == 403


async def test_nobody_puts_into_a_role_what_they_do_not_hold(api: Any, person: Any, problem: Any) -> None:
    await send(api.client, "POST", ROLES, {"name": "ROLE_ADMIN", "permissions": ["MANAGE_ROLES", "VIEW_DASHBOARD"]})
    rita = await person("rita", "ROLE_ADMIN")
    assert (await send(rita, "POST", ROLES, {"name": "LOOK", "permissions": ["VIEW_DASHBOARD"]})).status_code == 201
    more = await send(rita, "POST", ROLES, {"name": "MORE", "permissions": ["VIEW_DASHBOARD", "EDIT_CONFIG"]})
    assert problem(more) == (403, "cannot-grant")
    assert [one["name"] for one in (await rita.get(ROLES)).json()["items"]] == [
        *("ADMIN", "LOOK", "OPERATOR", "ROLE_ADMIN", "VIEWER"),
    ]
    dashboard = await find(rita, PERMISSIONS, "VIEW_DASHBOARD")
    rules = [*dashboard["rules"], {"action": "publish", "topic": "command/+/reload"}]
    wider = await send(rita, "PATCH", f"{PERMISSIONS}/{dashboard['id']}", {"rules": rules}, dashboard["etag"])
    assert problem(wider) == (403, "cannot-grant")


async def test_role_calls_are_audited_and_need_their_permission(api: Any, person: Any, problem: Any) -> None:
    made = await send(api.client, "POST", ROLES, {"name": "LOOK", "permissions": ["VIEW_DASHBOARD"]})
    rows = (await api.client.get("/api/v1/logs/audit", params={"actor": "user:admin", "limit": 2})).json()["items"]
    assert [row["action"] for row in rows] == ["role_permission.added", "role.created"]
    assert rows[0]["detail"]["permission"] == "VIEW_DASHBOARD"
    assert rows[1]["after"]["name"] == "LOOK"
    otto = await person("otto", "OPERATOR")
    for path, one in ((ROLES, made.json()["id"]), (PERMISSIONS, made.json()["id"])):
        for method, where in (("GET", path), ("POST", path), ("PATCH", f"{path}/{one}"), ("DELETE", f"{path}/{one}")):
            body = {"name": "X"} if method in {"POST", "PATCH"} else None
            answer = await send(otto, method, where, body, '"x"')
            assert problem(answer) == (403, "permission-missing"), (method, where)

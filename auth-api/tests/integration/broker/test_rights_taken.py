"""The API and a real broker together: rights that are taken away reach connections, for people and integrations."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from support.waiting import eventually

PASSWORD = "correct-horse-battery-1"
API = "/api/v1"
INSTANTLY_S = 2


class Person:
    """A signed-in person with connections to the broker."""

    def __init__(self, api: Any, access_token: str) -> None:
        self.api, self.headers = api, {"authorization": f"Bearer {access_token}"}

    async def token(self) -> Any:
        answer = await self.api.client.post(f"{API}/broker/token", json={}, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def enter(api: Any, username: str, *roles: str) -> Person:
    await api.add_user(username, *roles)
    answer = await api.client.post(f"{API}/auth/login", json={"username": username, "password": PASSWORD})
    return Person(api, answer.json()["access_token"])


@pytest.fixture
def connect(api: Any, knock: Any) -> Any:
    async def let_in(token: dict[str, Any]) -> Any:
        client, code = await knock(api, token)
        assert code == 0
        return client

    return let_in


@pytest.fixture
def refused(api: Any, knock: Any) -> Any:
    async def is_refused(token: dict[str, Any]) -> bool:
        client, code = await knock(api, token)
        await client.close()
        return code != 0

    return is_refused


async def restart(broker: Any) -> None:
    await asyncio.to_thread(broker.program.stop)
    await asyncio.to_thread(broker.start)


async def patch(api: Any, path: str, found: Any, **fields: Any) -> None:
    answer = await api.client.patch(f"{API}/{path}/{found['id']}", json=fields, headers={"if-match": found["etag"]})
    assert answer.status_code == 200, answer.text


async def find(api: Any, path: str, name: str) -> Any:
    items = (await api.client.get(f"{API}/{path}")).json()["items"]
    return next(one for one in items if name in {one.get("username"), one.get("name")})


async def test_deactivated_person_is_cut_within_2_s_and_the_token_is_refused_after_a_broker_restart_case_30(
    api: Any, broker: Any, connect: Any, refused: Any
) -> None:
    vera, otto = await enter(api, "vera", "VIEWER"), await enter(api, "otto", "OPERATOR")
    tokens = [await vera.token(), await vera.token(), await otto.token()]
    links = [await connect(token) for token in tokens]
    await patch(api, "users", await find(api, "users", "vera"), is_active=False)
    await asyncio.gather(links[0].expect_closed(INSTANTLY_S), links[1].expect_closed(INSTANTLY_S))
    assert not links[2].is_closed
    assert await refused(tokens[0])
    await restart(broker)
    assert [await refused(token) for token in tokens] == [True, True, False]
    for link in links:
        await link.close()


async def test_own_password_changed_on_the_web_cuts_the_browsers_and_leaves_integrations(
    api: Any, broker: Any, connect: Any, refused: Any
) -> None:
    order = {"name": "erp", "topics": ["telemetry/+/live"]}
    integration = (await api.client.post(f"{API}/integrations", json=order)).json()
    admin = Person(api, (await api.sign_in())["access_token"])
    tokens = [await admin.token(), await admin.token()]
    links = [await connect(token) for token in (*tokens, integration)]
    changed = await api.client.post(
        f"{API}/auth/password", json={"current": PASSWORD, "new": "another-horse-battery-2"}, headers=admin.headers
    )
    assert changed.status_code == 200, changed.text
    await asyncio.gather(links[0].expect_closed(INSTANTLY_S), links[1].expect_closed(INSTANTLY_S))
    assert not links[2].is_closed
    fresh = await Person(api, changed.json()["access_token"]).token()
    assert [await refused(token) for token in (*tokens, fresh)] == [True, True, False]
    assert {row["by"] for row in await api.fetch("SELECT by FROM bans")} == {"user:admin"}
    for link in links:
        await link.close()


async def test_session_signed_out_or_seen_to_be_copied_cuts_its_own_browsers_and_no_other(
    api: Any, connect: Any, refused: Any
) -> None:
    copied = await enter(api, "vera", "VIEWER")
    cookie = {"cookie": f"pulse_refresh={api.client.cookies['pulse_refresh']}"}
    answer = await api.client.post(f"{API}/auth/login", json={"username": "vera", "password": PASSWORD})
    other = Person(api, answer.json()["access_token"])
    tokens = [await copied.token(), await other.token()]
    links = [await connect(token) for token in tokens]
    api.client.cookies.clear()
    assert (await api.client.post(f"{API}/auth/logout", headers=other.headers)).status_code == 204
    await links[1].expect_closed(INSTANTLY_S)
    assert not links[0].is_closed
    assert (await api.client.post(f"{API}/auth/refresh", headers=cookie)).status_code == 200
    api.client.cookies.clear()
    api.clock.move(31)
    assert (await api.client.post(f"{API}/auth/refresh", headers=cookie)).json()["reason"] == "REUSED"
    await links[0].expect_closed(INSTANTLY_S)
    assert [await refused(token) for token in tokens] == [True, True]
    for link in links:
        await link.close()


async def test_role_that_narrows_cuts_its_people_and_a_new_token_with_what_is_left_works_at_once(
    api: Any, broker: Any, connect: Any, refused: Any
) -> None:
    otto, vera = await enter(api, "otto", "OPERATOR"), await enter(api, "vera", "VIEWER")
    old, others = await otto.token(), await vera.token()
    link, other = await connect(old), await connect(others)
    await patch(api, "roles", await find(api, "roles", "OPERATOR"), permissions=["VIEW_DASHBOARD", "DESKTOP_LOGIN"])
    await link.expect_closed(INSTANTLY_S)
    assert not other.is_closed
    fresh = await otto.token()
    assert not any("force_sync" in str(rule) for rule in fresh["acl"])
    assert not await refused(fresh)
    await restart(broker)
    assert [await refused(token) for token in (old, fresh, others)] == [True, False, False]
    for one in (link, other):
        await one.close()


async def test_permission_that_loses_a_rule_and_a_deleted_role_cut_too(api: Any, connect: Any) -> None:
    otto = await enter(api, "otto", "OPERATOR")
    first = await otto.token()
    link = await connect(first)
    await patch(api, "permissions", await find(api, "permissions", "FORCE_SYNC"), rules=[])
    await link.expect_closed(INSTANTLY_S)
    await link.close()
    second = await otto.token()
    link = await connect(second)
    role = await find(api, "roles", "OPERATOR")
    gone = await api.client.delete(f"{API}/roles/{role['id']}", headers={"if-match": role["etag"]})
    assert gone.status_code == 204
    await link.expect_closed(INSTANTLY_S)
    await link.close()
    assert (await otto.token())["acl"] == [{"permission": "deny", "action": "all", "topic": "#"}]


async def test_change_that_takes_nothing_away_cuts_nobody(api: Any, connect: Any) -> None:
    otto = await enter(api, "otto", "OPERATOR")
    link = await connect(await otto.token())
    await patch(api, "roles", await find(api, "roles", "OPERATOR"), description="other words", permissions=[
        "VIEW_DASHBOARD", "DESKTOP_LOGIN", "FORCE_SYNC", "VIEW_LOGS"
    ])  # fmt: skip
    await patch(api, "users", await find(api, "users", "otto"), roles=["OPERATOR", "VIEWER"])
    assert await api.fetch("SELECT FROM bans") == []
    assert not link.is_closed
    await link.close()


async def test_integration_is_cut_when_revoked_and_when_its_maker_loses_what_it_reads(
    api: Any, broker: Any, connect: Any, refused: Any
) -> None:
    role = {"name": "INTEGRATOR", "permissions": ["VIEW_DASHBOARD", "MANAGE_INTEGRATIONS"]}
    assert (await api.client.post(f"{API}/roles", json=role)).status_code == 201
    ina = await enter(api, "ina", "INTEGRATOR")
    made = []
    for name, topics in (("erp", ["telemetry/+/live"]), ("mes", ["heartbeat/+"])):
        answer = await api.client.post(
            f"{API}/integrations", json={"name": name, "topics": topics}, headers=ina.headers
        )
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    links = [await connect(one) for one in made]
    revoked = await api.client.delete(f"{API}/integrations/{made[0]['integration']['id']}", headers=ina.headers)
    assert revoked.status_code == 204
    await links[0].expect_closed(INSTANTLY_S)
    assert not links[1].is_closed
    await patch(api, "users", await find(api, "users", "ina"), roles=[])
    await links[1].expect_closed(INSTANTLY_S)
    await restart(broker)
    assert [await refused(one) for one in made] == [True, True]
    states = {one["name"]: one["end_reason"] for one in (await api.client.get(f"{API}/integrations")).json()["items"]}
    assert states == {"erp": "revoked", "mes": "rights were taken away"}
    for link in links:
        await link.close()


async def test_rights_taken_while_the_broker_is_away_hold_as_soon_as_it_is_back(
    api: Any, broker: Any, refused: Any
) -> None:
    vera = await enter(api, "vera", "VIEWER")
    token = await vera.token()
    await asyncio.to_thread(broker.program.stop)
    await patch(api, "users", await find(api, "users", "vera"), is_active=False)
    await asyncio.to_thread(broker.start)
    await eventually(lambda: refused(token), 20, what="the broker refuses the token", every_s=0.05)
    assert await refused(token), "and it stays so"


async def test_role_of_many_people_that_narrows_cuts_all_of_them_within_2_s(
    api: Any, broker: Any, connect: Any, refused: Any
) -> None:
    otto = await enter(api, "otto", "OPERATOR")
    tokens = [await otto.token() for _ in range(50)]
    links = [await connect(token) for token in tokens[:5]]
    await patch(api, "roles", await find(api, "roles", "OPERATOR"), permissions=["DESKTOP_LOGIN"])
    await asyncio.gather(*(link.expect_closed(INSTANTLY_S) for link in links))
    assert await refused(tokens[-1])
    for link in links:
        await link.close()

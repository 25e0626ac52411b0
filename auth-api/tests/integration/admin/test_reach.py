"""What runs for a person: sessions, broker tokens, and the version that devices need; what of it an end takes away."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

USERS = "/api/v1/users"


async def seen(api: Any, username: str) -> Any:
    return (await api.client.get(USERS, params={"search": username})).json()["items"][0]


async def reach_of(api: Any, user_id: str) -> Any:
    answer = await api.client.get(f"{USERS}/{user_id}/reach")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_reach_counts_what_runs_and_nothing_runs_after_a_deactivation(api: Any, person: Any) -> None:
    vera = await person("vera", "VIEWER")
    for _ in range(2):
        assert (await vera.post("/api/v1/broker/token", json={})).is_success
    user = await seen(api, "vera")
    before = await reach_of(api, user["id"])
    assert (before["sessions"], before["connections"], before["integrations"]) == (1, 2, 0)
    match = {"if-match": user["etag"]}
    assert (await api.client.patch(f"{USERS}/{user['id']}", json={"is_active": False}, headers=match)).is_success
    after = await reach_of(api, user["id"])
    assert (after["sessions"], after["connections"]) == (0, 0)
    assert after["history"] == before["history"]
    (version,) = await api.fetch("SELECT version FROM record_version")
    assert after["version"] == version["version"] > before["version"]


async def test_reach_version_follows_the_persons_own_changes_and_roles_only(api: Any, person: Any) -> None:
    await person("vera", "VIEWER")
    user = await seen(api, "vera")
    first = (await reach_of(api, user["id"]))["version"]
    await person("walt", "VIEWER")
    assert (await reach_of(api, user["id"]))["version"] == first
    match = {"if-match": user["etag"]}
    assert (await api.client.patch(f"{USERS}/{user['id']}", json={"roles": []}, headers=match)).is_success
    assert (await reach_of(api, user["id"]))["version"] > first


async def test_reach_of_a_deleted_person_is_told_and_of_a_stranger_is_not(api: Any, person: Any, problem: Any) -> None:
    vera = await person("vera", "VIEWER")
    user = await seen(api, "vera")
    before = (await reach_of(api, user["id"]))["version"]
    assert (await api.client.delete(f"{USERS}/{user['id']}", headers={"if-match": user["etag"]})).is_success
    after = await reach_of(api, user["id"])
    assert (after["sessions"], after["version"] > before) == (0, True)
    assert problem(await api.client.get(f"{USERS}/{uuid4()}/reach")) == (404, "unknown-record")
    assert (await vera.get(f"{USERS}/{user['id']}/reach")).status_code == 401


async def test_reach_needs_the_right_to_manage_users(api: Any, person: Any, problem: Any) -> None:
    vera = await person("vera", "VIEWER")
    user = await seen(api, "vera")
    assert problem(await vera.get(f"{USERS}/{user['id']}/reach")) == (403, "permission-missing")


async def test_reach_a_session_that_ran_out_or_was_signed_out_does_not_count(api: Any, person: Any) -> None:
    vera = await person("vera", "VIEWER")
    user = await seen(api, "vera")
    assert (await vera.post("/api/v1/broker/token", json={})).is_success
    assert (await vera.post("/api/v1/auth/logout")).is_success
    assert (await reach_of(api, user["id"]))["sessions"] == 0
    api.clock.move(16 * 60)
    await api.sign_in()
    assert (await reach_of(api, user["id"]))["connections"] == 0

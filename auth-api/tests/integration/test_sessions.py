"""Sessions: access tokens, rotating refresh cookies with their grace, reuse, signing out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from pulse_auth.db.models import IssuedToken
from pulse_auth.db.session import make_engine, make_sessions
from pulse_auth.domain.access.guards import SignedIn
from pulse_auth.domain.access.revocation import Cut, hold_rights, revoke_tokens_of
from pulse_auth.domain.accounts.sessions import end_family
from support.database import LOCK_WAITERS
from support.waiting import eventually

COOKIE = "pulse_refresh"
REFRESH = "/api/v1/auth/refresh"
ME = "/api/v1/auth/me"


def slug(answer: Any) -> str:
    return str(answer.json()["type"].removeprefix("urn:precisionpulse:problem:"))


async def refresh(api: Any, token: str) -> Any:
    """Refresh with exactly this cookie, whatever the client holds."""
    api.client.cookies.clear()
    return await api.client.post(REFRESH, headers={"cookie": f"{COOKIE}={token}"})


async def first_token(api: Any) -> str:
    await api.sign_in()
    return str(api.client.cookies[COOKIE])


async def test_refresh_cookie_is_exchanged_for_a_successor_and_a_fresh_access_token(api: Any) -> None:
    one = await first_token(api)
    answer = await refresh(api, one)
    assert answer.status_code == 200
    two = answer.cookies[COOKIE]
    assert two != one
    assert answer.json()["user"]["username"] == "admin"
    api.client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
    assert (await api.client.get(ME)).status_code == 200
    assert (await refresh(api, two)).status_code == 200


async def test_refresh_same_cookie_within_the_grace_gives_the_same_successor(api: Any) -> None:
    one = await first_token(api)
    two = (await refresh(api, one)).cookies[COOKIE]
    api.clock.move(30)
    again = await refresh(api, one)
    assert (again.status_code, again.cookies[COOKIE]) == (200, two)
    assert (await refresh(api, two)).status_code == 200


async def test_refresh_two_tabs_at_once_get_the_same_successor(api: Any) -> None:
    one = await first_token(api)
    answers = await asyncio.gather(*(refresh(api, one) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.cookies[COOKIE] for answer in answers}) == 1


async def test_refresh_reuse_after_the_grace_ends_the_family_and_its_access_tokens(api: Any) -> None:
    one = await first_token(api)
    two = (await refresh(api, one)).cookies[COOKIE]
    api.clock.move(31)
    reused = await refresh(api, one)
    assert (reused.status_code, slug(reused), reused.json()["reason"]) == (401, "refresh-refused", "REUSED")
    after = await refresh(api, two)
    assert (after.status_code, after.json()["reason"]) == (401, "REUSED")
    assert (await api.client.get(ME)).status_code == 401
    rows = await api.fetch("SELECT entity_type FROM audit_log WHERE action = 'session.ended_by_reuse'")
    assert [row["entity_type"] for row in rows] == ["session"]


async def test_refresh_grandparent_is_reuse_even_within_the_grace(api: Any) -> None:
    one = await first_token(api)
    two = (await refresh(api, one)).cookies[COOKIE]
    three = (await refresh(api, two)).cookies[COOKIE]
    assert (await refresh(api, one)).status_code == 401
    assert (await refresh(api, three)).status_code == 401


async def test_refresh_reuse_does_not_end_another_session_of_the_same_person(api: Any) -> None:
    one = await first_token(api)
    other = await first_token(api)
    await refresh(api, one)
    api.clock.move(31)
    assert (await refresh(api, one)).status_code == 401
    assert (await refresh(api, other)).status_code == 200


async def test_refresh_idle_session_ends_after_seven_days_and_any_after_thirty(api: Any) -> None:
    idle = await first_token(api)
    busy = await first_token(api)
    for _ in range(5):
        api.clock.move(6 * 86_400)
        answer = await refresh(api, busy)
        if answer.status_code != 200:
            break
        busy = answer.cookies[COOKIE]
    for token in (idle, busy):
        answer = await refresh(api, token)
        assert (answer.status_code, answer.json()["reason"]) == (401, "EXPIRED")


@pytest.mark.parametrize("cookie", ["", "x", "..", "0" * 32 + ".1.AAAA", "x" * 5_000])
async def test_refresh_cookie_that_is_not_ours_is_refused(api: Any, cookie: str) -> None:
    answer = await refresh(api, cookie)
    assert (answer.status_code, slug(answer)) == (401, "refresh-refused")


async def test_refresh_without_a_cookie_is_refused(api: Any) -> None:
    answer = await api.client.post(REFRESH)
    assert (answer.status_code, answer.json()["reason"]) == (401, "NO_SESSION")


async def test_refresh_of_an_ended_session_says_why_it_ended(api: Any) -> None:
    signed_out = await first_token(api)
    await api.client.post("/api/v1/auth/logout", headers={"cookie": f"{COOKIE}={signed_out}"})
    assert (await refresh(api, signed_out)).json()["reason"] == "SIGNED_OUT"
    changed = await first_token(api)
    body = {"current": "correct-horse-battery-1", "new": "another-good-one-88"}
    assert (await api.client.post("/api/v1/auth/password", json=body)).status_code == 200
    assert (await refresh(api, changed)).json()["reason"] == "PASSWORD_CHANGED"
    await api.sign_in(password=body["new"])
    deactivated = str(api.client.cookies[COOKIE])
    await api.fetch("UPDATE users SET is_active = false RETURNING 1")
    assert (await refresh(api, deactivated)).json()["reason"] == "ACCOUNT_ENDED"


async def test_refresh_genuine_cookie_of_a_changed_number_is_refused(api: Any) -> None:
    family, _, mac = (await first_token(api)).split(".")
    assert (await refresh(api, f"{family}.2.{mac}")).status_code == 401


@pytest.mark.parametrize("change", ["is_active = false", "deleted_at = now()", "token_generation = 7"])
async def test_ended_account_refresh_and_access_token_are_refused_at_once(api: Any, change: str) -> None:
    token = await first_token(api)
    await api.fetch(f"UPDATE users SET {change} RETURNING 1")
    assert (await api.client.get(ME)).status_code == 401
    assert (await refresh(api, token)).status_code == 401


async def test_access_token_after_fifteen_minutes_is_refused(api: Any) -> None:
    await api.sign_in()
    api.clock.move(899)
    assert (await api.client.get(ME)).status_code == 200
    api.clock.move(1)
    answer = await api.client.get(ME)
    assert (answer.status_code, slug(answer), answer.json()["expired"]) == (401, "not-signed-in", True)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer a.b.c", "Bearer é"])
async def test_call_without_a_valid_bearer_token_is_refused(api: Any, header: str | None) -> None:
    headers = {} if header is None else {b"authorization": header.encode()}
    answer = await api.client.get(ME, headers=headers)
    assert (answer.status_code, slug(answer)) == (401, "not-signed-in")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_broker_token_does_not_open_the_api(api: Any) -> None:
    await api.sign_in()
    token = (await api.client.post("/api/v1/broker/token", json={})).json()["password"]
    answer = await api.client.get(ME, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_logout_with_the_cookie_ends_the_session_and_removes_the_cookie(api: Any) -> None:
    token = await first_token(api)
    answer = await api.client.post("/api/v1/auth/logout", headers={"cookie": f"{COOKIE}={token}"})
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert (await api.client.get(ME)).status_code == 401
    assert (await refresh(api, token)).status_code == 401


async def test_logout_with_the_bearer_token_alone_ends_the_session(api: Any) -> None:
    token = await first_token(api)
    api.client.cookies.clear()
    assert (await api.client.post("/api/v1/auth/logout")).status_code == 204
    assert (await refresh(api, token)).status_code == 401
    rows = await api.fetch("SELECT actor FROM audit_log WHERE action = 'session.ended'")
    assert [row["actor"] for row in rows] == ["user:admin"]


async def test_logout_of_nobody_succeeds(api: Any) -> None:
    assert (await api.client.post("/api/v1/auth/logout")).status_code == 204


async def test_token_of_another_installation_is_refused(start: Callable[..., Any], tmp_path: Any) -> None:
    api = await start()
    await api.sign_in()
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    foreign = await start(home=other)
    answer = await foreign.client.get(ME, headers={"authorization": api.client.headers["authorization"]})
    assert answer.status_code == 401


async def test_session_that_ends_waits_for_a_broker_token_that_is_being_given_out_and_ends_it_too(api: Any) -> None:
    await api.sign_in()
    family = (await api.fetch("SELECT id, user_id FROM refresh_families"))[0]
    person = SignedIn(family["user_id"], "admin", (), frozenset(), False, family["id"])
    engine = make_engine(api.database.dsn())
    sessions = make_sessions(engine)

    async def end() -> Cut:
        async with sessions.begin() as session:
            user_id = await end_family(session, person.session_id, api.clock(), "signed out")
            told = {"now": api.clock(), "by": "user:admin", "reason": "signed out"}
            return await revoke_tokens_of(session, user_id, session_id=person.session_id, **told)

    async with sessions.begin() as session:
        await hold_rights(session, person)
        ending = asyncio.create_task(end())
        await eventually(lambda: api.fetch(LOCK_WAITERS), what="the end waits for the token")
        assert not ending.done()
        token = IssuedToken(
            jti=uuid4(), kind="user", username="user:admin", client_id="web:late", user_id=person.user_id,
            session_id=person.session_id, kid="k", acl=[], issued_at=api.clock(),
            expires_at=api.clock() + timedelta(minutes=15),
        )  # fmt: skip
        session.add(token)
    assert (await ending).client_ids == ["web:late"]
    await engine.dispose()

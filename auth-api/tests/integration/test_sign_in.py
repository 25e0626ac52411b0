"""Signing in: grants, refusals that tell nothing, locks, audit rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

WRONG = {"username": "admin", "password": "not-the-password"}
LOGIN = "/api/v1/auth/login"


def slug(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == answer.status_code
    return str(body["type"].removeprefix("urn:precisionpulse:problem:"))


async def test_login_right_password_grants_a_token_that_opens_me(api: Any) -> None:
    body = await api.sign_in()
    assert body["expires_in"] == 900
    assert body["must_change_password"] is False
    assert body["user"]["roles"] == ["ADMIN"]
    assert "MANAGE_USERS" in body["user"]["permissions"]
    me = await api.client.get("/api/v1/auth/me")
    assert me.status_code == 200
    assert me.json() == {**body["user"], "must_change_password": False}


async def test_login_name_written_otherwise_is_the_same_person(api: Any) -> None:
    assert (await api.sign_in("ADMIN"))["user"]["username"] == "admin"


async def test_login_refresh_cookie_on_loopback_is_strict_and_hidden_from_scripts(api: Any) -> None:
    answer = await api.client.post(LOGIN, json={"username": "admin", "password": "correct-horse-battery-1"})
    name, *attributes = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert name.startswith("pulse_refresh=")
    assert {one.lower() for one in attributes} >= {"httponly", "samesite=strict", "path=/api/v1/auth"}
    assert "secure" not in [one.lower() for one in attributes]


async def test_login_refresh_cookie_behind_an_edge_is_secure_and_tied_to_the_host(start: Callable[..., Any]) -> None:
    api = await start(public_url="https://pulse.example", base_url="https://pulse.example")
    answer = await api.client.post(LOGIN, json={"username": "admin", "password": "correct-horse-battery-1"})
    name, *attributes = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert name.startswith("__Host-pulse_refresh=")
    assert {one.lower() for one in attributes} >= {"httponly", "samesite=strict", "path=/", "secure"}


class CountingHasher:
    """The test's hasher; counts what it is asked to do."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.calls: list[str] = []

    def hash(self, password: str) -> str:
        self.calls.append("hash")
        return str(self.inner.hash(password))

    def verify(self, hash: str, password: str) -> bool:  # noqa: A002 - argon2's own name
        self.calls.append(f"verify {'$'.join(hash.split('$')[1:4])}")
        return bool(self.inner.verify(hash, password))


async def test_login_unknown_user_gets_the_same_answer_for_the_same_work(start: Callable[..., Any]) -> None:
    from argon2 import PasswordHasher

    hasher = CountingHasher(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    api = await start(hasher=hasher)
    await api.add_user("ended", "VIEWER")
    connection_rows = await api.fetch("UPDATE users SET is_active = false WHERE username = 'ended' RETURNING 1")
    assert len(connection_rows) == 1
    work, answers = [], []
    for username in ("admin", "nobody", "ended", "not a possible name", "+"):
        hasher.calls.clear()
        answer = await api.client.post(LOGIN, json={"username": username, "password": "not-the-password"})
        answers.append((answer.status_code, answer.content, sorted(answer.headers.keys())))
        work.append(list(hasher.calls))
    assert answers == [answers[0]] * 5
    assert answers[0][0] == 401
    assert b"wrong-credentials" in answers[0][1]
    assert work == [work[0]] * 5
    assert len(work[0]) == 1


async def test_login_refusals_are_audited_without_what_was_typed(api: Any) -> None:
    await api.client.post(LOGIN, json={"username": "my-secret-typed-here", "password": "x"})
    await api.client.post(LOGIN, json=WRONG)
    await api.sign_in()
    rows = await api.fetch("SELECT actor, action FROM audit_log WHERE action LIKE 'session.%' ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("anonymous", "session.refused"),
        ("user:admin", "session.refused"),
        ("user:admin", "session.started"),
    ]
    everything = await api.fetch("SELECT a::text FROM audit_log a UNION ALL SELECT f::text FROM login_failures f")
    assert "my-secret-typed-here" not in " ".join(row[0] for row in everything)


async def test_login_repeated_failures_slow_down_then_lock_the_account_then_open_again(api: Any) -> None:
    waits = []
    for _ in range(5):
        answer = await api.client.post(LOGIN, json=WRONG)
        while answer.status_code == 429:
            waits.append(int(answer.headers["retry-after"]))
            assert slug(answer) == "too-many-attempts"
            api.clock.move(waits[-1])
            answer = await api.client.post(LOGIN, json=WRONG)
        assert slug(answer) == "wrong-credentials"
    assert waits == [2, 4]
    locked = await api.client.post(LOGIN, json={**WRONG, "password": "correct-horse-battery-1"})
    assert (locked.status_code, locked.headers["retry-after"]) == (429, "60")
    assert locked.json()["retry_after_s"] == 60
    api.clock.move(60)
    await api.sign_in()
    assert await api.fetch("SELECT * FROM login_failures WHERE scope = 'account'") == []


async def test_login_locked_account_answers_the_same_for_an_unknown_name(api: Any) -> None:
    async def last(username: str) -> tuple[int, bytes]:
        for _ in range(4):
            answer = await api.client.post(LOGIN, json={"username": username, "password": "not-the-password"})
        return answer.status_code, answer.content

    assert await last("admin") == await last("nobody")


async def test_login_many_at_once_get_no_further_than_many_in_a_row(api: Any) -> None:
    answers = await asyncio.gather(*(api.client.post(LOGIN, json=WRONG) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [401] * 3 + [429] * 5


async def test_login_failures_by_one_address_lock_it_for_every_account(api: Any) -> None:
    for number in range(21):
        answer = await api.client.post(LOGIN, json={"username": f"guess{number}", "password": "not-the-password"})
        assert answer.status_code == 401
    answer = await api.client.post(LOGIN, json={"username": "admin", "password": "correct-horse-battery-1"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "30")
    api.clock.move(30)
    await api.sign_in()


async def test_login_one_own_account_does_not_clear_the_address(api: Any) -> None:
    for number in range(20):
        await api.client.post(LOGIN, json={"username": f"guess{number}", "password": "not-the-password"})
    await api.sign_in()
    answer = await api.client.post(LOGIN, json={"username": "guess-more", "password": "not-the-password"})
    assert answer.status_code == 401
    answer = await api.client.post(LOGIN, json={"username": "guess-again", "password": "not-the-password"})
    assert answer.status_code == 429


@pytest.mark.parametrize(
    "origin", ["https://elsewhere.example", "null", "http://127.0.0.1:9999", "http://rebound.example:8080", "http://["]
)
@pytest.mark.parametrize("path", ["login", "refresh", "logout"])
async def test_cookie_calls_from_a_foreign_page_are_refused(api: Any, path: str, origin: str) -> None:
    headers = {"origin": origin, "host": "rebound.example:8080" if "rebound" in origin else "127.0.0.1:8080"}
    answer = await api.client.post(f"/api/v1/auth/{path}", json=WRONG, headers=headers)
    assert (answer.status_code, slug(answer)) == (403, "foreign-origin")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080"])
async def test_login_from_our_own_page_under_any_name_of_this_machine_works(api: Any, host: str) -> None:
    body = {"username": "admin", "password": "correct-horse-battery-1"}
    answer = await api.client.post(LOGIN, json=body, headers={"origin": f"http://{host}", "host": host})
    assert answer.status_code == 200

"""The first administrator, the forced first change, and changing one's password."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from argon2 import PasswordHasher
from litestar.testing import AsyncTestClient

from pulse_auth.app import create_app
from pulse_auth.clock import system_clock
from pulse_auth.db.session import make_engine, make_sessions
from pulse_auth.domain.accounts.passwords import Passwords
from pulse_auth.domain.broker_admin.enforcement import BanEnforcement
from pulse_auth.preparation import prepare_database
from pulse_auth.settings import Settings
from pulse_runtime.errors import ConfigError

PASSWORD = "/api/v1/auth/password"
NEW = "another-good-password"


def slug(answer: Any) -> str:
    return str(answer.json()["type"].removeprefix("urn:precisionpulse:problem:"))


@pytest.fixture
async def fresh(start: Callable[..., Any]) -> Any:
    """An application whose first administrator has a generated password."""
    return await start(admin_password=None)


def initial(api: Any) -> str:
    return str(api.settings.initial_password_file.read_text().strip())


async def test_first_start_generated_password_is_private_and_must_be_changed(fresh: Any) -> None:
    assert fresh.settings.initial_password_file.stat().st_mode & 0o777 == 0o600
    assert len(initial(fresh)) >= 20
    assert (await fresh.sign_in(password=initial(fresh)))["must_change_password"] is True


async def test_second_start_keeps_the_password_and_the_file(fresh: Any, start: Callable[..., Any]) -> None:
    password = initial(fresh)
    again = await start(admin_password=None)
    assert initial(again) == password
    await again.sign_in(password=password)
    assert len(await again.fetch("SELECT 1 FROM users")) == 1


async def test_before_the_first_change_everything_else_is_refused(fresh: Any) -> None:
    await fresh.sign_in(password=initial(fresh))
    closed = [
        (route.path_format, method)
        for route in fresh.app.routes
        for method, handler in _handlers(route)
        if not handler.opt.get("public") and not handler.opt.get("before_password_change")
    ]
    assert ("/api/v1/broker/token", "POST") in closed
    for path, method in closed:
        answer = await fresh.client.request(method, re.sub(r"\{\w+\}", "00000000-0000-7000-8000-000000000000", path))
        assert (answer.status_code, slug(answer)) == (403, "password-change-required"), path
    assert (await fresh.client.get("/api/v1/auth/me")).json()["must_change_password"] is True
    refreshed = await fresh.client.post("/api/v1/auth/refresh")
    assert refreshed.json()["must_change_password"] is True
    assert (await fresh.client.post("/api/v1/auth/logout")).status_code == 204


def _handlers(route: Any) -> list[tuple[str, Any]]:
    return [(method, found[0]) for method, found in route.route_handler_map.items() if method != "OPTIONS"]


async def test_first_change_opens_everything_and_removes_the_file(fresh: Any) -> None:
    await fresh.sign_in(password=initial(fresh))
    former = initial(fresh)
    answer = await fresh.client.post(PASSWORD, json={"current": former, "new": NEW})
    assert answer.status_code == 200
    assert answer.json()["must_change_password"] is False
    assert not fresh.settings.initial_password_file.exists()
    assert (await fresh.client.get("/api/v1/auth/me")).status_code == 401
    fresh.client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
    assert (await fresh.client.post("/api/v1/broker/token", json={})).status_code == 200
    await fresh.sign_in(password=NEW)
    login = await fresh.client.post("/api/v1/auth/login", json={"username": "admin", "password": former})
    assert login.status_code == 401


async def test_start_after_an_interrupted_change_removes_the_outdated_file(
    fresh: Any, start: Callable[..., Any]
) -> None:
    former = initial(fresh)
    await fresh.sign_in(password=former)
    await fresh.client.post(PASSWORD, json={"current": former, "new": NEW})
    fresh.settings.initial_password_file.write_text(former)
    await start(admin_password=None)
    assert not fresh.settings.initial_password_file.exists()


async def test_given_password_need_not_be_changed_and_is_written_nowhere(api: Any) -> None:
    assert (await api.sign_in())["must_change_password"] is False
    assert not api.settings.initial_password_file.exists()


async def test_given_password_at_a_later_start_changes_nothing(api: Any, start: Callable[..., Any]) -> None:
    again = await start(admin_password="something-quite-different")
    assert (await again.sign_in())["user"]["username"] == "admin"
    login = {"username": "admin", "password": "something-quite-different"}
    assert (await again.client.post("/api/v1/auth/login", json=login)).status_code == 401


async def test_given_password_that_breaks_the_rules_is_a_config_error(settings: Settings) -> None:
    engine = make_engine(settings.dsn())
    broken = replace(settings, admin_password="short")
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    with pytest.raises(ConfigError, match="at least 10"):
        await prepare_database(engine, make_sessions(engine), broken, passwords, system_clock)
    await engine.dispose()


async def test_password_change_ends_every_other_session(api: Any) -> None:
    await api.sign_in()
    other_access, other_cookie = api.client.headers["authorization"], api.client.cookies["pulse_refresh"]
    await api.sign_in()
    answer = await api.client.post(PASSWORD, json={"current": "correct-horse-battery-1", "new": NEW})
    new_cookie = answer.cookies["pulse_refresh"]
    me = await api.client.get("/api/v1/auth/me", headers={"authorization": other_access})
    assert me.status_code == 401
    api.client.cookies.clear()
    refreshed = await api.client.post("/api/v1/auth/refresh", headers={"cookie": f"pulse_refresh={other_cookie}"})
    assert refreshed.status_code == 401
    api.client.cookies.clear()
    refreshed = await api.client.post("/api/v1/auth/refresh", headers={"cookie": f"pulse_refresh={new_cookie}"})
    assert refreshed.status_code == 200


async def test_password_change_is_stamped_versioned_logged_and_audited_without_the_hash(api: Any) -> None:
    await api.sign_in()
    before = (await api.fetch("SELECT version FROM users"))[0]["version"]
    api.clock.move(5)
    await api.client.post(PASSWORD, json={"current": "correct-horse-battery-1", "new": NEW})
    user = (await api.fetch("SELECT version, clock::text, password_hash FROM users"))[0]
    assert user["version"] > before
    assert '"by": "user:admin"' in user["clock"]
    log = (await api.fetch("SELECT * FROM change_log ORDER BY version DESC LIMIT 1"))[0]
    assert (log["event"], log["record_type"], log["version"]) == ("USER_UPDATE", "user", user["version"])
    audit = (await api.fetch("SELECT * FROM audit_log WHERE action = 'user.password_changed'"))[0]
    assert audit["actor"] == "user:admin"
    texts = await api.fetch("SELECT a::text FROM audit_log a UNION ALL SELECT c::text FROM change_log c")
    assert user["password_hash"] not in " ".join(row[0] for row in texts)


@pytest.mark.parametrize(
    ("new", "rule"),
    [("short", "too-short"), ("x" * 257, "too-long"), ("correct-horse-battery-1", "unchanged")],
)
async def test_password_change_to_one_that_breaks_a_rule_says_which(api: Any, new: str, rule: str) -> None:
    await api.sign_in()
    answer = await api.client.post(PASSWORD, json={"current": "correct-horse-battery-1", "new": new})
    assert (answer.status_code, slug(answer), answer.json()["rule"]) == (422, "password-refused", rule)
    assert answer.json()["detail"]
    await api.sign_in()


async def test_password_change_with_a_wrong_present_one_is_refused_and_slowed_down(api: Any) -> None:
    await api.sign_in()
    statuses = []
    for _ in range(4):
        answer = await api.client.post(PASSWORD, json={"current": "not-the-password", "new": NEW})
        statuses.append((answer.status_code, slug(answer)))
    assert statuses == [(403, "wrong-password")] * 3 + [(429, "too-many-attempts")]
    assert (await api.client.get("/api/v1/auth/me")).status_code == 200


async def test_password_change_is_answered_before_the_broker_cuts_the_browser_that_asked(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await api.sign_in()
    assert (await api.client.post("/api/v1/broker/token", json={})).status_code == 200
    happened: list[str] = []

    async def apply(_self: BanEnforcement, **_what: Any) -> bool:
        happened.append("broker told")
        return True

    handle = api.app.asgi_handler

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def note(message: Any) -> None:
            happened.append(message["type"])
            await send(message)

        await handle(scope, receive, note)

    monkeypatch.setattr(BanEnforcement, "apply", apply)
    monkeypatch.setattr(api.app, "asgi_handler", noting)
    answer = await api.client.post(PASSWORD, json={"current": "correct-horse-battery-1", "new": NEW})
    assert answer.status_code == 200
    assert happened == ["http.response.start", "http.response.body", "broker told"]


async def test_password_changed_again_and_again_is_slowed_down_and_signing_in_is_not(api: Any) -> None:
    await api.sign_in()
    present, statuses = "correct-horse-battery-1", []
    for number in range(6):
        new = f"another-good-password-{number}"
        answer = await api.client.post(PASSWORD, json={"current": present, "new": new})
        statuses.append(answer.status_code)
        if answer.status_code == 200:
            present = new
            api.client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
    assert statuses == [200] * 5 + [429]
    assert (slug(answer), answer.headers["retry-after"]) == ("too-many-requests", "60")
    await api.sign_in(password=present)
    api.clock.move(60)
    answer = await api.client.post(PASSWORD, json={"current": present, "new": NEW})
    assert answer.status_code == 200


async def test_password_change_of_nobody_is_refused(api: Any) -> None:
    answer = await api.client.post(PASSWORD, json={"current": "x", "new": NEW})
    assert answer.status_code == 401


async def test_first_start_of_two_at_once_makes_one_administrator(settings: Settings, clock: Any) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    apps = [create_app(settings, clock=clock, hasher=hasher) for _ in range(2)]
    clients = [AsyncTestClient(app) for app in apps]
    await asyncio.gather(*(client.__aenter__() for client in clients))
    body = {"username": "admin", "password": "correct-horse-battery-1"}
    answers = [await client.post("/api/v1/auth/login", json=body) for client in clients]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["user"]["id"] == answers[1].json()["user"]["id"]
    for client in clients:
        await client.__aexit__(None, None, None)

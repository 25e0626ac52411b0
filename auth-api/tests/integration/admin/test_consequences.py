"""What follows from changes, whoever makes them: sessions, operator keys and tokens end; tokens wait for changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from pulse_acl.emit.jwt_claim import from_claim
from pulse_auth.db.models import User
from pulse_auth.db.session import Sessions, make_engine, make_sessions
from pulse_auth.domain.access.consequences import Consequences
from pulse_auth.domain.access.guards import SignedIn
from pulse_auth.domain.access.revocation import is_within
from pulse_auth.domain.accounts.operator_keys import register_operator_key
from pulse_auth.domain.accounts.sessions import end_all_families
from pulse_auth.domain.broker_admin.enforcement import BanEnforcement
from pulse_auth.domain.broker_tokens.for_people import issue_for_person
from pulse_auth.domain.broker_tokens.services import BrokerTokens
from pulse_auth.domain.sync.writing import Actor, writing
from pulse_auth.errors import NotSignedInError
from pulse_auth.keys.signing import load_keys
from pulse_sync.records import Key, Kind
from support.database import LOCK_WAITERS
from support.waiting import eventually

PASSWORD = "correct-horse-battery-1"
USERS = "/api/v1/users"
KEY_OF_RFC_8037 = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


@pytest.fixture
async def sessions(api: Any) -> AsyncIterator[Sessions]:
    engine = make_engine(api.database.dsn())
    yield make_sessions(engine)
    await engine.dispose()


class Broker:
    """Takes bans and kicks."""

    def __init__(self) -> None:
        self.banned: list[str] = []
        self.kicked: list[str] = []

    async def ban(self, ban: Any) -> bool:
        self.banned.append(ban.who)
        return True

    async def unban(self, _kind: str, _who: str) -> None: ...

    async def kick(self, client_ids: list[str]) -> None:
        self.kicked += client_ids


async def user_id(api: Any, username: str) -> UUID:
    return UUID(str((await api.fetch("SELECT id FROM users WHERE username = $1", username))[0]["id"]))


async def signed_in(api: Any, username: str) -> SignedIn:
    identity = await user_id(api, username)
    (family,) = await api.fetch("SELECT id FROM refresh_families WHERE user_id = $1", identity)
    return SignedIn(identity, username, (), frozenset(), must_change_password=False, session_id=family["id"])


async def somebody_waits(api: Any) -> None:
    await eventually(lambda: api.fetch(LOCK_WAITERS), what="somebody waits for a lock")


async def give_key(execute: Any, username: str, *devices: str) -> None:
    for device in devices:
        await execute(
            "INSERT INTO operator_keys (user_id, client_id, public_key) SELECT id, $2, '{}' FROM users"
            " WHERE username = $1",
            username,
            device,
        )


async def live_keys(api: Any) -> list[str]:
    rows = await api.fetch("SELECT client_id FROM operator_keys WHERE ended_at IS NULL ORDER BY client_id")
    return [row["client_id"] for row in rows]


async def desktop_change(sessions: Sessions, api: Any, actor: Actor, key: Key, **values: Any) -> Broker:
    """Make a change as the sync's inbox does: write, draw the consequences, commit, tell the broker."""
    broker: Any = Broker()
    consequences = Consequences(BanEnforcement(sessions, broker, api.clock), api.clock)
    async with sessions.begin() as session:
        async with writing(session, actor, api.clock()) as records:
            await records.edit(key, values)
        after = await consequences(session, actor, records.events)
    if after is not None:
        await after()
    return broker  # type: ignore[no-any-return]


async def test_deactivation_on_a_desktop_ends_sessions_and_tokens_like_one_on_the_web(
    api: Any, sessions: Sessions, person: Any
) -> None:
    vera = await person("vera", "VIEWER")
    token = (await vera.post("/api/v1/broker/token", json={})).json()
    admin = Actor("user:admin", str(await user_id(api, "admin")), "desktop:D1")
    broker = await desktop_change(sessions, api, admin, Key.user(await user_id(api, "vera")), is_active=False)
    assert broker.banned == broker.kicked == [token["client_id"]]
    assert (await vera.get("/api/v1/auth/me")).status_code == 401
    (row,) = (await api.client.get("/api/v1/logs/audit", params={"action": "user.deactivated"})).json()["items"]
    assert (row["actor"], row["detail"]["source"]) == ("user:admin", "desktop:D1")


async def test_password_changed_by_oneself_on_a_desktop_needs_no_second_change_and_keeps_that_desktops_key(
    api: Any, sessions: Sessions, person: Any, execute: Any
) -> None:
    vera = await person("vera", "VIEWER")
    await give_key(execute, "vera", "D1", "D2")
    identity = await user_id(api, "vera")
    (other,) = await api.fetch("SELECT password_hash FROM users WHERE username = 'admin'")
    actor = Actor("user:vera", str(identity), "desktop:D1")
    await desktop_change(sessions, api, actor, Key.user(identity), password_hash=other["password_hash"])
    assert await live_keys(api) == ["D1"]
    assert (await vera.get("/api/v1/auth/me")).status_code == 401
    assert await execute("SELECT must_change_password FROM users WHERE username = 'vera'") is False


async def test_user_made_on_a_desktop_signs_in_and_is_led_to_a_password_of_their_own(
    api: Any, sessions: Sessions, problem: Any
) -> None:
    (other,) = await api.fetch("SELECT password_hash FROM users WHERE username = 'admin'")
    values = {"username": "newcomer", "password_hash": other["password_hash"]}
    actor = Actor("user:admin", str(await user_id(api, "admin")), "desktop:D1")
    no_broker: Any = Broker()
    consequences = Consequences(BanEnforcement(sessions, no_broker, api.clock), api.clock)
    async with sessions.begin() as session:
        async with writing(session, actor, api.clock()) as records:
            await records.create(Kind.USER, values)
        await consequences(session, actor, records.events)
    assert (await api.sign_in("newcomer"))["must_change_password"]
    refused = await api.client.post("/api/v1/broker/token", json={})
    assert problem(refused) == (403, "password-change-required")
    body = {"current": PASSWORD, "new": "quite-another-one-2"}
    assert (await api.client.post("/api/v1/auth/password", json=body)).status_code == 200
    assert not (await api.sign_in("newcomer", "quite-another-one-2"))["must_change_password"]


async def test_operator_keys_end_with_a_new_password_a_reset_and_a_deactivation(
    api: Any, person: Any, execute: Any
) -> None:
    vera = await person("vera", "VIEWER")
    await give_key(execute, "vera", "D1")
    body = {"current": PASSWORD, "new": "quite-another-one-2"}
    assert (await vera.post("/api/v1/auth/password", json=body)).status_code == 200
    assert await live_keys(api) == []
    for patch in ({"password": "reset-by-admin-1"}, {"is_active": False}):
        await give_key(execute, "vera", "D1")
        (listed,) = (await api.client.get(USERS, params={"search": "vera"})).json()["items"]
        seen = {"if-match": listed["etag"]}
        assert (await api.client.patch(f"{USERS}/{listed['id']}", json=patch, headers=seen)).status_code == 200
        assert await live_keys(api) == [], patch


async def test_renamed_person_keeps_the_session_but_not_tokens_in_the_old_name(api: Any, person: Any) -> None:
    vera = await person("vera", "VIEWER")
    token = (await vera.post("/api/v1/broker/token", json={})).json()
    (listed,) = (await api.client.get(USERS, params={"search": "vera"})).json()["items"]
    seen = {"if-match": listed["etag"]}
    await api.client.patch(f"{USERS}/{listed['id']}", json={"username": "verena"}, headers=seen)
    assert [row["who"] for row in await api.fetch("SELECT who FROM bans")] == [token["client_id"]]
    fresh = (await vera.post("/api/v1/broker/token", json={})).json()
    assert fresh["username"] == "user:verena"


async def test_token_asked_for_while_rights_are_taken_waits_and_has_what_is_left(
    api: Any, sessions: Sessions, person: Any
) -> None:
    await person("otto", "OPERATOR")
    otto = await signed_in(api, "otto")
    tokens = BrokerTokens(load_keys(api.settings.keys_dir), api.settings, api.clock)
    (role,) = await api.fetch("SELECT id FROM roles WHERE name = 'OPERATOR'")
    async with sessions.begin() as session:
        async with writing(session, Actor.SYSTEM, api.clock()) as records:
            await records.edit(Key.user_role(otto.user_id, role["id"]), {"present": False})
            asked = asyncio.create_task(issue_for_person(sessions, tokens, otto, lifetime_s=60))
            await somebody_waits(api)
        assert not asked.done()
    assert is_within(from_claim((await asked).acl), [])


async def take_token(api: Any, sessions: Sessions, asking: SignedIn) -> None:
    await issue_for_person(
        sessions, BrokerTokens(load_keys(api.settings.keys_dir), api.settings, api.clock), asking, lifetime_s=60
    )


async def take_key(api: Any, sessions: Sessions, asking: SignedIn) -> None:
    async with sessions.begin() as session:
        await register_operator_key(session, asking, "D1", offered=KEY_OF_RFC_8037, now=api.clock())


@pytest.mark.parametrize("take", [take_token, take_key])
async def test_nothing_is_given_to_a_session_that_ends_while_it_asks(
    api: Any, sessions: Sessions, person: Any, execute: Any, take: Any
) -> None:
    await execute("INSERT INTO devices (client_id, signing_key, encryption_key) VALUES ('D1', '{}', '{}')")
    await person("otto", "OPERATOR")
    otto = await signed_in(api, "otto")
    (other,) = await api.fetch("SELECT password_hash FROM users WHERE username = 'admin'")
    async with sessions.begin() as session:
        async with writing(session, Actor.SYSTEM, api.clock()) as records:
            await records.edit(Key.user(otto.user_id), {"password_hash": other["password_hash"]})
            asked = asyncio.create_task(take(api, sessions, otto))
            await somebody_waits(api)
        await end_all_families(session, await session.get_one(User, otto.user_id), api.clock(), "password changed")
    with pytest.raises(NotSignedInError):
        await asked
    assert await live_keys(api) == []
    assert await api.fetch("SELECT FROM issued_tokens WHERE user_id = $1", otto.user_id) == []

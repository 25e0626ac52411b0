"""Validly signed changes that must not be: each has one outcome and a row in the log, and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pulse_acl.payloads import format_time
from pulse_auth.domain.sync.inbox import Inbox
from pulse_auth.domain.sync.writing import Actor
from pulse_sync.envelopes import Key as CryptoKey
from pulse_sync.records import Key, Kind
from support.sync_desk import Desk, fresh_keys

KEYS = fresh_keys()
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"
NOBODY = "00000000-0000-4000-8000-00000000000f"
TABLES = [
    "users",
    "roles",
    "permissions",
    "user_roles",
    "role_permissions",
    "system_config",
    "change_log",
    "record_version",
]
WANTED = tuple[Key, str, Any]


@pytest.fixture
async def hanne(books: Any) -> Actor:
    """A person who may manage users, and sign in, but not much else."""
    await books.add_user("ada", "ADMIN")
    async with books.writing() as records:
        role = await records.create(Kind.ROLE, {"name": "HR", "description": ""})
        for name in ("MANAGE_USERS", "MANAGE_ROLES", "DESKTOP_LOGIN"):
            ((permission,),) = await books.rows("SELECT id FROM permissions WHERE name = :name", name=name)
            await records.edit(Key(Kind.ROLE_PERMISSION, f"{role.key.id}/{permission}"), {"present": True})
    return await books.add_user("hanne", "HR")


@pytest.fixture
async def desk(books: Any, hanne: Actor) -> Desk:
    made = await Desk("D1", KEYS).enroll(books.sessions)
    await made.sign_in(books.sessions, hanne.user_id)
    return made


def new_permission(topic: str) -> Callable[..., WANTED]:
    rules = [{"action": "subscribe", "topic": topic}]
    return lambda **_: (Key(Kind.PERMISSION, NOBODY), "*", {"name": "MORE", "description": "", "rules": rules})


BAD: dict[str, tuple[Callable[..., WANTED], int, str]] = {
    "a user who does not exist": (lambda **_: (Key.user(NOBODY), "username", "x"), 0, "UNKNOWN_RECORD"),
    "a membership of nobody": (lambda admin, **_: (Key.user_role(NOBODY, admin), "present", True), 0, "UNKNOWN_RECORD"),
    "a role granted by who may not": (
        lambda hanne, admin, **_: (Key.user_role(hanne, admin), "present", True), 0, "CANNOT_GRANT"),
    "a clock that is ahead": (lambda hanne, **_: (Key.user(hanne), "username", "x"), 301, "CLOCK_SKEW"),
    "a name taken meanwhile": (
        lambda **_: (Key.user(NOBODY), "*", {"username": "ADA", "password_hash": HASH}), 0, "NAME_TAKEN"),
    "a reserved topic": (new_permission("sync/user/create/D1"), 0, "INVALID_RULE"),
    "a topic of the broker": (new_permission("$SYS/#"), 0, "INVALID_RULE"),
    "no topic": (new_permission("telemetry/#/live"), 0, "INVALID_RULE"),
    "what this person may not": (lambda **_: (Key.setting("line"), "config_value", 1), 0, "NOT_ALLOWED"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
async def test_inbox_bad_change_is_refused_changes_nothing_else_and_stands_in_the_log(
    books: Any, hanne: Actor, desk: Desk, name: str
):
    wanted, ahead_s, reason = BAD[name]
    inbox = Inbox(books.sessions, lambda: books.now, CryptoKey(KEYS.encryption_jwk()))
    before = await everything(books)
    key, field, value = wanted(hanne=hanne.user_id, admin=books.roles["ADMIN"])
    at = format_time(books.now + timedelta(seconds=1 + ahead_s))
    payload = desk.seal(desk.change(key, field, value, at=at))
    for _ in range(2):  # a replay gets the same answer and is no second row
        found = await inbox.handle("D1", payload)
        assert found is not None
        assert (found[1].status, found[1].reason) == ("REFUSED", reason)
    assert await everything(books) == before
    ((status, why, source, by),) = await books.rows(
        "SELECT status, error_message, source, by FROM sync_log WHERE entity_id = :id AND source <> 'web'", id=key.id
    )
    assert (status, source, by) == ("REFUSED", "desktop:D1", "user:hanne")
    assert why.startswith(f"{reason}: ")


async def everything(books: Any) -> dict[str, list[Any]]:
    return {name: await books.rows(f"SELECT t::text FROM {name} AS t ORDER BY 1") for name in TABLES}

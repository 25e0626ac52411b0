"""The one write path: versions, logs, who may, and who enters or leaves the devices' view."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from uuid_utils.compat import uuid7

from pulse_auth.db.models import OperatorKey
from pulse_auth.domain.sync.writing import Actor
from pulse_auth.errors import (
    CannotGrantError,
    InvalidRuleError,
    InvalidValueError,
    LastAdministratorError,
    NameTakenError,
    PermissionMissingError,
    UnknownRecordError,
)
from pulse_sync.records import Key, Kind

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"


def user_key(actor: Actor) -> Key:
    assert actor.user_id is not None
    return Key.user(actor.user_id)


async def logged(books: Any, key: Key) -> list[Any]:
    return await books.rows(
        "SELECT status, action, old_value, new_value FROM sync_log WHERE entity_id = :id ORDER BY id", id=key.id
    )


async def permission(books: Any, name: str) -> UUID:
    found: UUID = (await books.rows("SELECT id FROM permissions WHERE name = :name", name=name))[0].id
    return found


async def test_edit_change_version_and_logs_are_one_transaction(books: Any, admin: Actor):
    before = (await books.rows("SELECT version FROM record_version"))[0].version
    async with books.writing(admin) as records:
        made = await records.create(Kind.USER, {"username": "ben", "password_hash": HASH})
        await records.edit(made.key, {"username": "benno", "is_active": False})
    versions = [row.version for row in await books.rows("SELECT version FROM change_log ORDER BY version")]
    assert versions == list(range(1, before + 3))
    rows = await logged(books, made.key)
    assert [(row.status, row.action) for row in rows] == [
        ("APPLIED", "create"),
        ("APPLIED", "update"),
        ("APPLIED", "update"),
    ]
    assert rows[0].new_value["password_hash"] == "changed"
    assert {"username": "ben"} in [row.old_value for row in rows]
    with pytest.raises(NameTakenError):
        await edit_then_take_a_name(books, admin, made.key)
    assert len(await logged(books, made.key)) == 3


async def edit_then_take_a_name(books: Any, admin: Actor, key: Key) -> None:
    async with books.writing(admin) as records:
        await records.edit(key, {"username": "carl"})
        await records.create(Kind.USER, {"username": "CARL", "password_hash": HASH})


async def test_edit_invalid_values_and_unknown_records_are_refused_with_a_sentence(books: Any, admin: Actor):
    for key, values, error in (
        (Key.setting("sampling_interval"), {"config_value": 0.01}, InvalidValueError),
        (Key.user(uuid7()), {"username": "x"}, UnknownRecordError),
        (Key.user_role(uuid7(), books.roles["VIEWER"]), {"present": True}, UnknownRecordError),
        (
            Key.permission(await permission(books, "VIEW_LOGS")),
            {"rules": [{"action": "subscribe", "topic": "sync/#"}]},
            InvalidRuleError,
        ),
    ):
        with pytest.raises(error):
            async with books.writing(admin) as records:
                await records.edit(key, values)


async def test_edit_setting_made_deleted_and_set_again_keeps_its_row(books: Any, admin: Actor):
    key = Key.setting("flush_order", "D1")
    async with books.writing(admin) as records:
        await records.edit(key, {"config_value": "live_first"})
        await records.delete(key)
        assert await records.delete(key) is None
    async with books.writing(admin) as records:
        await records.edit(key, {"config_value": "live_first"})
        assert await records.edit(key, {"config_value": "live_first"}) is None
    events = await books.rows("SELECT event, audience FROM change_log WHERE record_id = 'flush_order/D1'")
    assert [(row.event, row.audience) for row in events] == [("CONFIG_UPDATE", "D1")] * 3


async def test_edit_by_somebody_without_the_permission_is_refused(books: Any, admin: Actor):
    viewer = await books.add_user("vera", "VIEWER")
    for key, values in (
        (user_key(admin), {"is_active": False}),
        (Key.role(books.roles["VIEWER"]), {"description": "x"}),
        (Key.setting("anything"), {"config_value": 1}),
    ):
        with pytest.raises(PermissionMissingError):
            async with books.writing(viewer) as records:
                await records.edit(key, values)
    async with books.writing(viewer) as records:
        assert await records.edit(user_key(viewer), {"password_hash": HASH}) is not None


async def test_edit_nobody_grants_what_they_do_not_hold(books: Any, admin: Actor):
    async with books.writing(admin) as records:
        clerk_role = await records.create(Kind.ROLE, {"name": "CLERK"})
        for name in ("MANAGE_USERS", "MANAGE_ROLES"):
            await records.edit(Key.role_permission(clerk_role.key.id, await permission(books, name)), {"present": True})
    clerk = await books.add_user("cleo", "CLERK")
    vera = await books.add_user("vera", "VIEWER")
    edit_config = await permission(books, "EDIT_CONFIG")
    manage_users = await permission(books, "MANAGE_USERS")
    for key, values in (
        (Key.user_role(user_key(clerk).id, books.roles["ADMIN"]), {"present": True}),
        (Key.role_permission(clerk_role.key.id, edit_config), {"present": True}),
        (Key.permission(manage_users), {"rules": [{"action": "subscribe", "topic": "telemetry/+/live"}]}),
        (user_key(admin), {"password_hash": HASH}),
        (user_key(vera), {"password_hash": HASH}),
    ):
        with pytest.raises(CannotGrantError):
            async with books.writing(clerk) as records:
                await records.edit(key, values)
    async with books.writing(clerk) as records:
        assert await records.edit(Key.user_role(user_key(vera).id, clerk_role.key.id), {"present": True}) is not None


async def test_edit_the_last_administrator_stays_in_every_way(books: Any, admin: Actor):
    manage_users = await permission(books, "MANAGE_USERS")
    role = books.roles["ADMIN"]
    ways = (
        (user_key(admin), {"is_active": False}),
        (Key.user_role(user_key(admin).id, role), {"present": False}),
        (Key.role_permission(role, manage_users), {"present": False}),
        (Key.permission(manage_users), {"name": "SOMETHING"}),
    )
    for key, values in ways:
        with pytest.raises(LastAdministratorError):
            async with books.writing(admin) as records:
                await records.edit(key, values)
    for key in (user_key(admin), Key.role(role), Key.permission(manage_users)):
        with pytest.raises(LastAdministratorError):
            async with books.writing(admin) as records:
                await records.delete(key)
    await books.add_user("zoe", "ADMIN")
    async with books.writing(admin) as records:
        assert await records.edit(user_key(admin), {"is_active": False}) is not None


async def test_finish_role_change_that_moves_many_into_the_view_gives_each_an_event(books: Any, admin: Actor):
    people = [await books.add_user(f"p{number}", "VIEWER") for number in range(5)]
    await books.add_user("outsider")
    login = Key.role_permission(books.roles["VIEWER"], await permission(books, "DESKTOP_LOGIN"))
    async with books.writing(admin) as records:
        await records.edit(login, {"present": False})
    moved = [event.key for event in records.events]
    assert moved == [login, *sorted(map(user_key, people))]
    assert [event.version for event in records.events] == list(
        range(records.version - len(people), records.version + 1)
    )
    async with books.writing(admin) as records:
        await records.edit(login, {"present": True})
        await records.edit(login, {"present": False})
    assert {event.key for event in records.events} == {login}


async def test_edit_password_or_end_of_an_account_ends_operator_keys(books: Any, admin: Actor):
    vera = await books.add_user("vera", "VIEWER")
    key = user_key(vera)
    for client_id in ("D1", "D2"):
        async with books.sessions.begin() as session:
            session.add(OperatorKey(user_id=UUID(key.id), client_id=client_id, public_key={}))
    async with books.writing(Actor(vera.by, vera.user_id, "desktop:D1")) as records:
        await records.edit(key, {"password_hash": HASH})
    live = "SELECT client_id FROM operator_keys WHERE ended_at IS NULL"
    assert [row.client_id for row in await books.rows(live)] == ["D1"]
    async with books.writing(admin) as records:
        await records.edit(key, {"is_active": False})
    assert await books.rows(live) == []

"""Who may change what, as a table of allowed and refused pairs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from pulse_acl.rules import PERMISSION_RULES, SEEDED_ROLES, Permission
from pulse_auth.domain.access.authority import judge, may_touch
from pulse_auth.domain.access.rules_data import to_data
from pulse_sync.records import Key, Kind, Record, Stamp
from pulse_sync.rights import Rights

STAMP = Stamp("2026-02-07T10:00:00.000Z", "system", "web", 1)
PERMISSIONS = {str(name): Key.permission(UUID(int=100 + index)) for index, name in enumerate(Permission)}
EXTRA = Key.permission(UUID(int=150))  # opens topics that nobody holds yet
ROLES = {name: Key.role(UUID(int=200 + index)) for index, name in enumerate([*SEEDED_ROLES, "HELPDESK", "CUSTOM"])}
ADA, HANNE, VERA, OTTO = (Key.user(UUID(int=300 + index)) for index in range(4))
# HELPDESK looks after users, and may what a viewer may.
HELPDESK = {"MANAGE_USERS", "VIEW_DASHBOARD", "DESKTOP_LOGIN"}


def record(key: Key, **fields: Any) -> Record:
    return Record(key, fields, dict.fromkeys(fields, STAMP), 1)


def given_by(role: str) -> set[str]:
    return HELPDESK if role == "HELPDESK" else {str(one) for one in SEEDED_ROLES.get(role, ())}


def state() -> dict[Key, Record]:
    found = [
        *(
            record(key, name=name, rules=to_data(PERMISSION_RULES[Permission(name)]), description="", deleted_at=None)
            for name, key in PERMISSIONS.items()
        ),
        record(EXTRA, name="EXTRA", rules=[{"action": "subscribe", "topic": "line/+/state"}], deleted_at=None),
        *(record(key, name=name, description="", deleted_at=None) for name, key in ROLES.items()),
        *(
            record(Key.role_permission(role.id, PERMISSIONS[permission].id), present=True)
            for name, role in ROLES.items()
            for permission in given_by(name)
        ),
    ]
    people = {ADA: "ADMIN", HANNE: "HELPDESK", VERA: "VIEWER", OTTO: "OPERATOR"}
    for user, role in people.items():
        found.append(record(user, username=user.id, password_hash="h", is_active=True, deleted_at=None))
        found.append(record(Key.user_role(user.id, ROLES[role].id), present=True))
    return {one.key: one for one in found}


def verdict(author: Key, key: Key, **values: Any) -> str | None:
    records = state()
    before = records.get(key)
    after = record(key, **values) if before is None else replace(before, fields={**before.fields, **values})
    refusal = judge(author.id, before, after, records)
    return None if refusal is None else str(refusal.reason)


NEW_USER = Key.user(UUID(int=999))
GONE = "2026-02-07T10:00:00.000Z"


@pytest.mark.parametrize(
    ("author", "key", "values", "reason"),
    [
        (ADA, ROLES["VIEWER"], {"description": "x"}, None),
        (HANNE, ROLES["VIEWER"], {"description": "x"}, "NOT_ALLOWED"),
        (VERA, VERA, {"password_hash": "new"}, None),
        (VERA, VERA, {"username": "new"}, "NOT_ALLOWED"),
        (VERA, OTTO, {"password_hash": "new"}, "NOT_ALLOWED"),
        (HANNE, NEW_USER, {"username": "n", "password_hash": "h", "is_active": True, "deleted_at": None}, None),
        (VERA, NEW_USER, {"username": "n", "password_hash": "h", "is_active": True, "deleted_at": None}, "NOT_ALLOWED"),
        (HANNE, VERA, {"password_hash": "new"}, None),
        (HANNE, OTTO, {"password_hash": "new"}, "CANNOT_GRANT"),
        (HANNE, ADA, {"password_hash": "new"}, "CANNOT_GRANT"),
        (HANNE, OTTO, {"username": "x"}, None),
        (HANNE, OTTO, {"is_active": False}, None),
        (HANNE, Key.user_role(OTTO.id, ROLES["VIEWER"].id), {"present": True}, None),
        (HANNE, Key.user_role(VERA.id, ROLES["OPERATOR"].id), {"present": True}, "CANNOT_GRANT"),
        (HANNE, Key.user_role(HANNE.id, ROLES["ADMIN"].id), {"present": True}, "CANNOT_GRANT"),
        (HANNE, Key.user_role(OTTO.id, ROLES["OPERATOR"].id), {"present": False}, None),
        (ADA, Key.user_role(VERA.id, ROLES["ADMIN"].id), {"present": True}, None),
        (ADA, Key.role_permission(ROLES["CUSTOM"].id, EXTRA.id), {"present": True}, None),
        (ADA, PERMISSIONS["VIEW_DASHBOARD"], {"rules": [{"action": "subscribe", "topic": "line/+/state"}]}, None),
        (ADA, Key.setting("x"), {"config_value": 1}, None),
        (OTTO, Key.setting("x"), {"config_value": 1}, "NOT_ALLOWED"),
        (ADA, ADA, {"is_active": False}, "LAST_ADMIN"),
        (HANNE, ADA, {"is_active": False}, "LAST_ADMIN"),
        (ADA, ADA, {"deleted_at": GONE}, "LAST_ADMIN"),
        (ADA, Key.user_role(ADA.id, ROLES["ADMIN"].id), {"present": False}, "LAST_ADMIN"),
        (ADA, ROLES["ADMIN"], {"deleted_at": GONE}, "LAST_ADMIN"),
        (ADA, PERMISSIONS["VIEW_LOGS"], {"deleted_at": GONE}, "LAST_ADMIN"),
        (ADA, PERMISSIONS["VIEW_LOGS"], {"name": "OTHER"}, "LAST_ADMIN"),
        (ADA, EXTRA, {"deleted_at": GONE}, None),
    ],
)
def test_judge_allows_and_refuses_by_table(author: Key, key: Key, values: dict[str, Any], reason: str | None):
    assert verdict(author, key, **values) == reason


def test_judge_taking_back_an_account_or_role_is_granting():
    records = state()
    for key, ended in ((OTTO, {"is_active": False}), (OTTO, {"deleted_at": GONE}), (ADA, {"is_active": False})):
        alive = records[key]
        before = replace(alive, fields={**alive.fields, **ended})
        refusal = judge(HANNE.id, before, alive, {**records, key: before})
        assert refusal is not None
        assert refusal.reason == "CANNOT_GRANT"


def ended(found: Record, **fields: Any) -> Record:
    return replace(found, fields={**found.fields, **fields})


@pytest.mark.parametrize("way", [{"is_active": False}, {"deleted_at": GONE}])
def test_judge_giving_the_ended_what_one_does_not_hold_is_granting(way: dict[str, Any]):
    records = state()
    manages = Key.role_permission(ROLES["HELPDESK"].id, PERMISSIONS["MANAGE_ROLES"].id)
    records[manages] = record(manages, present=True)
    records[VERA] = ended(records[VERA], **way)
    records[ROLES["CUSTOM"]] = ended(records[ROLES["CUSTOM"]], deleted_at=GONE)
    for key in (
        Key.user_role(VERA.id, ROLES["ADMIN"].id),
        Key.role_permission(ROLES["CUSTOM"].id, PERMISSIONS["MANAGE_DEVICES"].id),
    ):
        refusal = judge(HANNE.id, None, record(key, present=True), records)
        assert refusal is not None
        assert refusal.reason == "CANNOT_GRANT"
    harmless = Key.user_role(VERA.id, ROLES["VIEWER"].id)
    assert judge(HANNE.id, None, record(harmless, present=True), records) is None


@pytest.mark.parametrize("way", [{"is_active": False}, {"deleted_at": GONE}])
def test_judge_password_of_an_ended_account_that_may_do_more_is_not_set(way: dict[str, Any]):
    records = state()
    before = records[OTTO] = ended(records[OTTO], **way)
    refusal = judge(HANNE.id, before, ended(before, password_hash="known"), records)
    assert refusal is not None
    assert refusal.reason == "CANNOT_GRANT"


def test_judge_password_of_somebody_with_a_role_that_is_deleted_may_be_set():
    records = state()
    records[ROLES["OPERATOR"]] = ended(records[ROLES["OPERATOR"]], deleted_at=GONE)
    assert judge(HANNE.id, records[OTTO], ended(records[OTTO], password_hash="new"), records) is None


def test_judge_of_who_has_ended_holds_nothing():
    records = state()
    gone = ended(records[ADA], is_active=False)
    refusal = judge(ADA.id, records[VERA], ended(records[VERA], username="x"), {**records, ADA: gone})
    assert refusal is not None
    assert refusal.reason == "NOT_ALLOWED"


def test_judge_narrower_topics_than_one_holds_may_be_granted():
    records = state()
    before = records[EXTRA]
    rules = [{"action": "subscribe", "topic": "telemetry/D1/live"}]
    joined = Key.role_permission(ROLES["CUSTOM"].id, EXTRA.id)
    manages = Key.role_permission(ROLES["HELPDESK"].id, PERMISSIONS["MANAGE_ROLES"].id)
    with_role = {**records, **{key: record(key, present=True) for key in (manages, joined)}}
    held = Rights(with_role).of_user(HANNE.id)
    assert "MANAGE_ROLES" in held.permissions
    narrower = replace(before, fields={**before.fields, "rules": rules})
    wider = replace(before, fields={**before.fields, "rules": [{"action": "subscribe", "topic": "other/+/live"}]})
    assert judge(HANNE.id, before, narrower, with_role) is None
    refusal = judge(HANNE.id, before, wider, with_role)
    assert refusal is not None
    assert refusal.reason == "CANNOT_GRANT"


def test_may_touch_knows_every_kind():
    held = Rights(state()).of_user(VERA.id)
    for kind in Kind:
        refusal = may_touch(VERA.id, Key(kind, "x/y"), "present", held)
        assert refusal is not None
        assert refusal.reason == "NOT_ALLOWED"

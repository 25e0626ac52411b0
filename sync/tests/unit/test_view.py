"""What a device holds, and the digest of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_sync.records import Key, Kind, Record, Stamp
from pulse_sync.rights import Rights
from pulse_sync.view import audience, digest, event_name, from_wire, moved_users, to_wire, view

STAMP = Stamp("2026-02-07T10:00:00.000Z", "user:ann", "web", 7, str(UUID(int=1)))
ANN, BEN = Key.user(UUID(int=1)), Key.user(UUID(int=2))
VIEWER, LOGIN = Key.role(UUID(int=3)), Key.permission(UUID(int=4))
GIVES = Key.role_permission(VIEWER.id, LOGIN.id)
MEMBER = Key.user_role(ANN.id, VIEWER.id)


def record(key: Key, **fields: Any) -> Record:
    return Record(key, fields, dict.fromkeys(fields, STAMP), 7)


def state() -> dict[Key, Record]:
    found = [
        record(ANN, username="ann", password_hash="h1", is_active=True, deleted_at=None),
        record(BEN, username="ben", password_hash="h2", is_active=True, deleted_at=None),
        record(VIEWER, name="VIEWER", description="", deleted_at=None),
        record(LOGIN, name="DESKTOP_LOGIN", description="", rules=[], deleted_at=None),
        record(MEMBER, present=True),
        record(GIVES, present=True),
        record(Key.setting("a"), config_value=1, deleted_at=None),
        record(Key.setting("a", "D1"), config_value=2, deleted_at=None),
    ]
    return {one.key: one for one in found}


def with_field(key: Key, name: str, value: Any) -> dict[Key, Record]:
    records = state()
    return {**records, key: replace(records[key], fields={**records[key].fields, name: value})}


def test_view_has_hashes_only_of_who_may_sign_in_and_only_settings_that_concern_the_device():
    held = view(state(), "D2")
    assert held[ANN].get("password_hash") == "h1"
    assert "password_hash" not in held[BEN].fields
    assert "password_hash" not in held[BEN].clock
    assert Key.setting("a") in held
    assert Key.setting("a", "D1") not in held
    assert Key.setting("a", "D1") in view(state(), "D1")
    assert audience(Key.setting("a", "D1")) == "D1"
    assert audience(Key.setting("a")) is None
    assert audience(ANN) is None


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        (ANN, "is_active", False),
        (ANN, "deleted_at", "2026-02-07T10:00:00.000Z"),
        (VIEWER, "deleted_at", "2026-02-07T10:00:00.000Z"),
        (LOGIN, "deleted_at", "2026-02-07T10:00:00.000Z"),
        (LOGIN, "name", "OTHER"),
        (MEMBER, "present", False),
        (GIVES, "present", False),
    ],
)
def test_view_hash_leaves_with_whatever_gave_it_and_that_is_a_move(key: Key, name: str, value: Any):
    changed = with_field(key, name, value)
    assert "password_hash" not in view(changed, "D1")[ANN].fields
    assert view(changed, "D1")[ANN].get("username") == "ann"
    assert moved_users(Rights(state()), Rights(changed), [ANN.id, BEN.id]) == [ANN.id]


def test_view_shows_nothing_of_the_servers_own_marks():
    for one in view(state(), "D1").values():
        assert one.version == 0
        assert all((stamp.version, stamp.change_id) == (0, None) for stamp in one.clock.values())


def test_wire_form_is_read_back_as_it_was():
    for one in view(state(), "D1").values():
        assert from_wire(json.loads(json.dumps(to_wire(one)))) == one
    for bad in ({}, {"type": "user"}, {"type": "user", "id": "x", "fields": {}, "clock": {}}, {"type": 1}, []):
        with pytest.raises(ValueError, match="not a record"):
            from_wire(bad)  # type: ignore[arg-type]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), VALUES, min_size=1, max_size=4), st.randoms())
def test_digest_does_not_depend_on_order_nor_on_the_way_over_the_wire(values: dict[str, Any], random: Any):
    held = {Key.setting(name): record(Key.setting(name), config_value=value) for name, value in values.items()}
    held = view(held, "D1")
    shuffled = list(held.items())
    random.shuffle(shuffled)
    travelled = {key: from_wire(json.loads(json.dumps(to_wire(one)))) for key, one in shuffled}
    assert digest(travelled) == digest(held)


@given(VALUES, VALUES)
def test_digest_differs_when_anything_differs(first: Any, second: Any):
    key = Key.setting("a")
    one, other = ({key: record(key, config_value=value)} for value in (first, second))
    if json.dumps(first, sort_keys=True) != json.dumps(second, sort_keys=True):
        assert digest(one) != digest(other)
    later = {key: replace(one[key], clock={"config_value": replace(STAMP, at="2026-02-07T10:00:00.001Z")})}
    assert digest(later) != digest(one)
    assert digest({}) != digest(one)


def test_event_name_says_what_happened():
    ann = state()[ANN]
    gone = replace(ann, fields={**ann.fields, "deleted_at": STAMP.at})
    assert event_name(None, ann) == "USER_CREATE"
    assert event_name(ann, ann) == "USER_UPDATE"
    assert event_name(ann, gone) == "USER_DELETE"
    assert event_name(gone, ann) == "USER_UPDATE"
    assert event_name(gone, gone) == "USER_UPDATE"
    assert {event_name(None, state()[key]) for key in (VIEWER, LOGIN, GIVES)} == {"RBAC_UPDATE"}
    assert event_name(None, state()[MEMBER]) == "USER_UPDATE"
    assert event_name(None, state()[Key(Kind.SETTING, "a/")]) == "CONFIG_UPDATE"

"""The rules of merging, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from pulse_acl.payloads import format_time
from pulse_sync.changes import CREATE, Change
from pulse_sync.merge import Facts, merge
from pulse_sync.records import Key, Kind, Record, Stamp

HISTORY = "11111111-1111-4111-8111-111111111111"
OTHER_HISTORY = "22222222-2222-4222-8222-222222222222"
USER = Key.user(UUID(int=1))
ROLE = Key.role(UUID(int=2))
HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"
NOW = datetime(2026, 2, 7, 10, 0, tzinfo=UTC)
FACTS = Facts(history=HISTORY, version=20, now=NOW)


def at(seconds: float) -> str:
    return format_time(NOW + timedelta(seconds=seconds))


def stamp(seconds: float = -100, version: int = 5, source: str = "web", change_id: str | None = None) -> Stamp:
    return Stamp(at(seconds), "user:web", source, version, change_id)


def user(**fields: Any) -> Record:
    values = {"username": "ann", "password_hash": HASH, "is_active": True, "deleted_at": None, **fields}
    return Record(USER, values, dict.fromkeys(values, stamp()), 5)


def change(field: str, value: Any, *, key: Key = USER, seconds: float = -10, base: int = 20, **more: Any) -> Change:
    made: dict[str, Any] = {
        "change_id": str(UUID(int=7)),
        "type": key.kind,
        "id": key.id,
        "field": field,
        "value": value,
        "at": at(seconds),
        "base": base,
        "history": HISTORY,
        "by": "user:desk",
        "author": str(UUID(int=9)),
        "source": "desktop:D1",
    }
    return Change(**{**made, **more})


def verdict(present: Record | None, one: Change, facts: Facts = FACTS) -> tuple[str, str | None]:
    outcome = merge(present, one, facts)
    assert outcome.log
    assert (outcome.record is not None) <= (outcome.status == "APPLIED")
    return str(outcome.status), None if outcome.reason is None else str(outcome.reason)


def test_merge_later_change_wins_and_is_stamped_with_the_next_version():
    outcome = merge(user(), change("username", "anna"), FACTS)
    assert outcome.record is not None
    assert outcome.record.get("username") == "anna"
    assert outcome.record.clock["username"] == Stamp(at(-10), "user:desk", "desktop:D1", 21, str(UUID(int=7)))
    assert outcome.record.version == 21
    assert [(row.status, row.old_value, row.new_value) for row in outcome.log] == [
        ("APPLIED", {"username": "ann"}, {"username": "anna"})
    ]


def test_merge_earlier_change_is_a_conflict_with_both_values():
    outcome = merge(user(), change("username", "anna", seconds=-200), FACTS)
    assert (outcome.status, outcome.reason) == ("CONFLICT", "LATER_VALUE")
    assert (outcome.log[0].old_value, outcome.log[0].new_value) == ({"username": "ann"}, {"username": "anna"})


@pytest.mark.parametrize(
    ("source", "change_id", "ours", "wins"),
    [
        ("web", None, "desktop:D1", False),
        ("desktop:D2", str(UUID(int=6)), "desktop:D1", True),
        ("desktop:D2", str(UUID(int=8)), "desktop:D1", False),
        ("desktop:D2", str(UUID(int=8)), "web", True),
    ],
)
def test_merge_tie_goes_to_the_web_and_then_to_the_greater_change_id(
    source: Any, change_id: Any, ours: str, wins: bool
):
    present = user()
    present = replace(present, clock={**present.clock, "username": stamp(-10, 5, source, change_id)})
    assert (verdict(present, change("username", "anna", source=ours))[0] == "APPLIED") is wins


def test_merge_over_a_value_that_was_not_seen_is_applied_and_logged_as_conflict_too_S3():  # noqa: N802
    outcome = merge(user(), change("username", "anna", base=3), FACTS)
    assert (outcome.status, outcome.reason) == ("APPLIED", "OVERTOOK")
    assert [row.status for row in outcome.log] == ["APPLIED", "CONFLICT"]
    assert (outcome.log[1].old_value, outcome.log[1].new_value) == ({"username": "ann"}, {"username": "anna"})


@pytest.mark.parametrize(
    ("key", "fields", "field", "value"),
    [
        (USER, {}, "deleted_at", at(-300)),
        (USER, {}, "is_active", False),
        (Key.user_role(UUID(int=1), UUID(int=2)), {"present": True}, "present", False),
        (Key.setting("flush_order"), {"config_value": "live_first", "deleted_at": None}, "deleted_at", at(-300)),
    ],
)
def test_merge_ending_change_always_applies_case_25(key: Key, fields: dict[str, Any], field: str, value: Any):
    present = user() if key == USER else Record(key, fields, dict.fromkeys(fields, stamp()), 5)
    outcome = merge(present, change(field, value, key=key, seconds=-300, base=0, history=OTHER_HISTORY), FACTS)
    assert outcome.status == "APPLIED"
    assert outcome.record is not None
    assert outcome.record.is_ended
    assert outcome.record.clock[field].at > stamp().at


def ended(by: str = "web", *names: str) -> Record:
    values = {"deleted_at": at(-50), "is_active": False}
    chosen = {name: values[name] for name in names or ("deleted_at",)}
    return user().written(chosen, Stamp(at(-50), "user:x", by, 15))


@pytest.mark.parametrize(
    ("field", "value"), [("deleted_at", None), ("username", "anna"), ("is_active", True), ("password_hash", HASH)]
)
def test_merge_ended_record_is_not_touched_by_who_had_not_seen_the_end_S2_case_25(field: str, value: Any):  # noqa: N802
    blind = ({"base": 14}, {"base": 99}, {"base": 20, "history": OTHER_HISTORY}, {"base": 20, "history": None})
    for unseen in blind:
        assert verdict(ended(), change(field, value, **unseen)) == ("CONFLICT", "END_NOT_SEEN")
        assert verdict(ended("desktop:D2"), change(field, value, **unseen)) == ("CONFLICT", "END_NOT_SEEN")
    assert verdict(ended(), change(field, value, base=15))[0] == "APPLIED"
    assert verdict(ended("desktop:D1"), change(field, value, base=0))[0] == "APPLIED"


def test_merge_own_end_does_not_excuse_an_end_by_others_that_was_not_seen_S2():  # noqa: N802
    present = ended("web", "is_active").written({"deleted_at": at(-40)}, Stamp(at(-40), "user:x", "desktop:D1", 16))
    assert verdict(present, change("deleted_at", None, base=10)) == ("CONFLICT", "END_NOT_SEEN")
    assert verdict(ended("web"), change("deleted_at", at(-5), base=10)) == ("APPLIED", None)
    assert merge(ended("web"), change("deleted_at", at(-5), base=10), FACTS).record is None


@pytest.mark.parametrize("way", ["create", "rename", "revive"])
def test_merge_taken_name_is_refused(way: str):
    facts = replace(FACTS, is_name_taken=True)
    present, one = {
        "create": (None, change(CREATE, {"username": "ann", "password_hash": HASH})),
        "rename": (user(), change("username", "Ann")),
        "revive": (ended(), change("deleted_at", None)),
    }[way]
    assert verdict(present, one, facts) == ("REFUSED", "NAME_TAKEN")
    assert verdict(user(), change("is_active", False), facts)[0] == "APPLIED"


def test_merge_more_than_five_minutes_ahead_is_refused_case_24():
    assert verdict(user(), change("username", "anna", seconds=299.9))[0] == "APPLIED"
    assert verdict(user(), change("username", "anna", seconds=300.1)) == ("REFUSED", "CLOCK_SKEW")


@pytest.mark.parametrize(
    ("one", "facts", "reason"),
    [
        (change("username", "anna"), FACTS, "UNKNOWN_RECORD"),
        (change("username", "anna"), replace(FACTS, creation_refused=True), "RECORD_REFUSED"),
        (change("deleted_at", at(0), key=Key.setting("x")), FACTS, "UNKNOWN_RECORD"),
        (
            change("present", True, key=Key.user_role(UUID(int=1), UUID(int=2))),
            replace(FACTS, ends_exist=False),
            "UNKNOWN_RECORD",
        ),
        (change(CREATE, {"username": "ann"}), FACTS, "INVALID_VALUE"),
        (change(CREATE, {"username": "ann", "password_hash": "secret"}), FACTS, "INVALID_VALUE"),
        (change(CREATE, {"present": True}, key=Key.user_role(UUID(int=1), UUID(int=2))), FACTS, "INVALID_VALUE"),
        (change("username", "anna", key=Key(Kind.USER, "not-a-uuid")), FACTS, "INVALID_VALUE"),
        (change("config_value", 0.01, key=Key.setting("sampling_interval")), FACTS, "INVALID_VALUE"),
        (change("config_value", 1, key=Key.setting("x", "no device")), FACTS, "INVALID_VALUE"),
    ],
)
def test_merge_change_of_what_is_not_there_or_cannot_be_is_refused(one: Change, facts: Facts, reason: str):
    assert verdict(None, one, facts) == ("REFUSED", reason)


@pytest.mark.parametrize(
    ("field", "value"),
    [("nickname", "x"), ("username", "a b"), ("username", 7), ("is_active", 1), ("deleted_at", "soon"), ("*", {})],
)
def test_merge_field_that_cannot_hold_the_value_is_refused(field: str, value: Any):
    assert verdict(user(), change(field, value)) == ("REFUSED", "INVALID_VALUE")


def test_merge_existing_record_is_not_made_again():
    assert verdict(user(), change(CREATE, {"username": "b", "password_hash": HASH})) == ("REFUSED", "EXISTS")


def test_merge_setting_written_again_after_deletion_is_taken_back():
    key = Key.setting("flush_order")
    values = {"config_value": "live_first", "deleted_at": at(-50)}
    gone = Record(key, values, dict.fromkeys(values, stamp(-50, 15)), 15)
    outcome = merge(gone, change("config_value", "buffer_first", key=key), FACTS)
    assert outcome.record is not None
    assert not outcome.record.is_ended
    assert verdict(gone, change("config_value", "buffer_first", key=key, base=3)) == ("CONFLICT", "END_NOT_SEEN")


def test_log_never_shows_a_password_hash_nor_what_is_no_field():
    secret = HASH.replace("c29t", "SECR")
    changes = (
        (user(), change("password_hash", secret)),
        (user(), change("password_hash", secret, seconds=-500)),
        (user(), change("password_hash", "SECRET in clear")),
        (None, change(CREATE, {"username": "b", "password_hash": secret})),
        (None, change(CREATE, {"username": "b", "password_hash": secret, "password": "SECRET in clear"})),
    )
    for present, one in changes:
        text = msgspec.json.encode(
            [[row.old_value, row.new_value, row.message] for row in merge(present, one, FACTS).log]
        )
        assert b"SECR" not in text
        assert b"changed" in text

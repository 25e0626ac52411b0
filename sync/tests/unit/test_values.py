"""What fields may hold: names, hashes, rules, settings."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from pulse_sync import settings
from pulse_sync.names import name_key
from pulse_sync.records import Key
from pulse_sync.values import InvalidValueError, check_key, check_value

USER, PERMISSION = Key.user(UUID(int=1)), Key.permission(UUID(int=2))


def nested(depth: int) -> Any:
    found: Any = 1
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        (USER, "username", "ünïcode-ok"),
        (USER, "password_hash", "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo"),
        (PERMISSION, "rules", []),
        (PERMISSION, "rules", [{"action": "subscribe", "topic": "telemetry/D1/live"}]),
        (PERMISSION, "name", "A permission"),
    ],
)
def test_check_value_takes_what_is_right(key: Key, name: str, value: Any):
    check_value(key, name, value)


@pytest.mark.parametrize(
    ("key", "name", "value", "reason"),
    [
        (USER, "username", "a" * 65, "INVALID_VALUE"),
        (USER, "username", "", "INVALID_VALUE"),
        (USER, "username", "a+b", "INVALID_VALUE"),
        (USER, "username", "\ufb01sh", "INVALID_VALUE"),
        (USER, "username", "\ud800", "INVALID_VALUE"),
        (USER, "password_hash", "secret", "INVALID_VALUE"),
        (
            USER,
            "password_hash",
            "$argon2id$v=19$m=9999999,t=3,p=4$c29tZXNhbHRzb21lc2E$c29tZWhhc2hzb21laGFzaHNv",
            "INVALID_VALUE",
        ),
        (PERMISSION, "name", " x", "INVALID_VALUE"),
        (PERMISSION, "description", "x" * 1_001, "INVALID_VALUE"),
        (PERMISSION, "rules", "none", "INVALID_RULE"),
        (PERMISSION, "rules", [{"action": "subscribe"}], "INVALID_RULE"),
        (PERMISSION, "rules", [{"action": "all", "topic": "a"}], "INVALID_RULE"),
        (PERMISSION, "rules", [{"action": "subscribe", "topic": "#"}], "INVALID_RULE"),
        (PERMISSION, "rules", [{"action": "subscribe", "topic": "archive/+/receipt"}], "INVALID_RULE"),
        (PERMISSION, "rules", [{"action": "publish", "topic": "telemetry/D1/live"}], "INVALID_RULE"),
        (PERMISSION, "rules", [{"action": "subscribe", "topic": "a/#/b"}], "INVALID_RULE"),
    ],
)
def test_check_value_refuses_what_is_not(key: Key, name: str, value: Any, reason: str):
    with pytest.raises(InvalidValueError) as raised:
        check_value(key, name, value)
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    "text", ["", "1", "{00000000-0000-0000-0000-000000000001}", "00000000-0000-0000-0000-00000000000A"]
)
def test_check_key_takes_one_form_of_a_uuid_only(text: str):
    with pytest.raises(InvalidValueError):
        check_key(Key.user(text))
    with pytest.raises(InvalidValueError):
        check_key(Key.user_role(UUID(int=1), text))


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("sampling_interval", 0.05, None),
        ("sampling_interval", 3_600, None),
        ("sampling_interval", 0.049, "from 0.05 to 3600 s"),
        ("sampling_interval", True, "from 0.05 to 3600 s"),
        ("sampling_interval", "1", "from 0.05 to 3600 s"),
        ("buffer_limit", 1_000.5, "a whole number from 1000 to 100000000 readings"),
        ("flush_order", "live_first", None),
        ("flush_order", "newest_first", "buffer_first, live_first"),
        ("line/3/target", {"free": [1, 2.5, None, "text"]}, None),
        ("", 1, "key"),
        ("with space", 1, "key"),
        ("/lead", 1, "key"),
        ("free", 2**63, "64-bit"),
        ("free", 1e19, "64-bit"),
        ("free", float("nan"), "64-bit"),
        ("free", "a\0b", "64-bit"),
        ("free", "x" * 9_000, "8192 bytes"),
        ("free", nested(600), "64-bit"),
    ],
)
def test_setting_is_within_its_bounds_or_is_told_them(key: str, value: Any, words: str | None):
    found = settings.problem(key, value)
    assert found is None if words is None else words in (found or "")


def test_name_key_is_one_for_names_that_look_alike():
    assert name_key("STRASSE") == name_key("straße")
    assert name_key("Ａnn") == name_key("ann")  # noqa: RUF001
    assert name_key("ann") != name_key("anne")

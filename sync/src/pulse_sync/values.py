"""
What each field of a record may hold. Checked before a change is merged, wherever it comes from.

Pure; whether the author may make the change is not asked here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pulse_acl.payloads import ContractError, parse_time
from pulse_acl.rules import Action, Rule, refusal
from pulse_acl.topics import is_device_id

from . import settings
from .changes import Reason
from .names import label_problem, username_problem
from .records import DELETED_AT, FIELDS, MEMBERSHIPS, NAME_FIELDS, Key, Kind

MAX_DESCRIPTION_CHARS, MAX_RULES = 1_000, 200
MAX_RULES_BYTES = 48 * 1024  # of topics; signed twice and encrypted they stay below the contract's 256 KiB
# As argon2-cffi writes it. A device must not be able to make the server work for minutes at a sign-in.
_HASH = re.compile(r"\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{22,86}")
_MOST_MEMORY_KIB, _MOST_PASSES, _MOST_LANES = 262_144, 16, 16
_REQUIRED: Mapping[Kind, Mapping[str, Any]] = {
    # The fields of a new record and what they are when not given; ``...`` has to be given.
    Kind.USER: {"username": ..., "password_hash": ..., "is_active": True, DELETED_AT: None},
    Kind.ROLE: {"name": ..., "description": "", DELETED_AT: None},
    Kind.PERMISSION: {"name": ..., "description": "", "rules": [], DELETED_AT: None},
}


class InvalidValueError(ValueError):
    """A key, field or value that no record can have; ``str()`` is a sentence, ``reason`` is for programs."""

    def __init__(self, sentence: str, reason: Reason = Reason.INVALID_VALUE) -> None:
        super().__init__(sentence)
        self.reason = reason


def check_key(key: Key) -> None:
    """
    Check that *key* can name a record, in its one canonical form.

    Raises:
        InvalidValueError: It cannot.
    """
    if key.kind is Kind.SETTING:
        device = key.pair[1]
        if device and not is_device_id(device):
            raise InvalidValueError("The device of a setting is 1 to 64 of A-Z a-z 0-9 . _ -.")
        return
    ids = key.pair if key.kind in MEMBERSHIPS else (key.id,)
    if not all(map(_is_uuid, ids)):
        raise InvalidValueError(f"{key.kind} is not named by UUIDs in lower case.")


def check_value(key: Key, name: str, value: object) -> None:
    """
    Check that the field *name* of the record *key* may hold *value*.

    Raises:
        InvalidValueError: It may not, or there is no such field.
    """
    if name not in FIELDS[key.kind]:
        raise InvalidValueError(f"A {key.kind} has no field {name[:40]!r}.")
    sentence = _problem(key, name, value)
    if sentence is not None:
        raise InvalidValueError(sentence, Reason.INVALID_RULE if name == "rules" else Reason.INVALID_VALUE)


def complete(key: Key, given: object) -> dict[str, Any]:
    """
    Return all fields of a new user, role or permission from those *given*.

    Raises:
        InvalidValueError: A field is missing, unknown or wrong, or records of this kind are not made like this.
    """
    if key.kind not in _REQUIRED or not isinstance(given, dict):
        raise InvalidValueError(f"A {key.kind} is not made of its fields.")
    fields = with_defaults(key, given)
    missing = [name for name, value in fields.items() if value is ...]
    if missing:
        raise InvalidValueError(f"A new {key.kind} lacks {', '.join(missing)}.")
    if fields.get(DELETED_AT) is not None:
        raise InvalidValueError("A new record is not deleted.")
    for name, value in fields.items():
        check_value(key, name, value)
    return fields


def with_defaults(key: Key, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return *given* with the defaults of a new record of that kind; unchecked."""
    return {**_REQUIRED.get(key.kind, {}), **given}


def _problem(key: Key, name: str, value: object) -> str | None:
    match name:
        case "is_active" | "present":
            return None if isinstance(value, bool) else f"{name} is true or false."
        case "deleted_at":
            return None if value is None or _is_time(value) else "deleted_at is a time or null."
        case "config_value":
            return settings.problem(key.pair[0], value)
        case "rules":
            return rules_problem(value)
        case _:
            return _text_problem(key.kind, name, value)


def _text_problem(kind: Kind, name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return f"{name} is text."
    if not value.isascii() and _has_surrogates(value):
        return f"{name} is not Unicode text."
    if name == "description":
        fits = len(value) <= MAX_DESCRIPTION_CHARS and "\0" not in value
        return None if fits else f"A description has at most {MAX_DESCRIPTION_CHARS} characters."
    if name == "password_hash":
        return None if _is_usable_hash(value) else "password_hash is not an Argon2id hash within the bounds."
    return username_problem(value) if NAME_FIELDS[kind] == "username" else label_problem(value)


def rules_problem(value: object) -> str | None:
    """Say why *value* may not be a permission's rules (``[{"action", "topic"}, …]``), or return ``None``."""
    if not isinstance(value, list) or len(value) > MAX_RULES:
        return f"rules is a list of at most {MAX_RULES} topic rules."
    for entry in value:
        if not isinstance(entry, dict) or entry.keys() != {"action", "topic"}:
            return "A topic rule has an action and a topic."
        if entry["action"] not in {"publish", "subscribe"} or not isinstance(entry["topic"], str):
            return "A topic rule's action is publish or subscribe, and its topic is text."
        reason = refusal(Rule(Action(entry["action"]), entry["topic"]))
        if reason is not None:
            return f"{entry['action']} {entry['topic'][:200]!r}: {reason}."
    if sum(len(entry["topic"].encode()) for entry in value) > MAX_RULES_BYTES:
        return f"The topics of all rules have at most {MAX_RULES_BYTES} bytes together; make several permissions."
    return None


def _is_usable_hash(text: str) -> bool:
    found = _HASH.fullmatch(text)
    if found is None:
        return False
    memory, passes, lanes = map(int, found.groups())
    return 8 <= memory <= _MOST_MEMORY_KIB and 1 <= passes <= _MOST_PASSES and 1 <= lanes <= _MOST_LANES


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(parse_time(value))
    except ContractError:
        return False


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)

"""
A change of one field, as a desktop queues it and the server merges it, and what may become of it.

``CREATE`` instead of a field's name makes a user, role or permission of all its fields at once. Read next:
``merge``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from pulse_acl.payloads import Count, Timestamp, Uuid

from .records import Key, Kind

CREATE = "*"
_ShortText = Annotated[str, Meta(min_length=1, max_length=200)]


class Status(StrEnum):
    """What became of a change."""

    APPLIED = "APPLIED"
    CONFLICT = "CONFLICT"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class Reason(StrEnum):
    """Why a change was not applied (or, for ``OVERTOOK``, what it did)."""

    OVERTOOK = "OVERTOOK"  # applied over a value that its author had not seen
    LATER_VALUE = "LATER_VALUE"  # conflict: a later value stands
    END_NOT_SEEN = "END_NOT_SEEN"  # conflict: the record had ended, and the author had not seen that
    NAME_TAKEN = "NAME_TAKEN"
    CLOCK_SKEW = "CLOCK_SKEW"
    UNKNOWN_RECORD = "UNKNOWN_RECORD"
    RECORD_REFUSED = "RECORD_REFUSED"  # hangs on a record whose creation was refused
    EXISTS = "EXISTS"
    INVALID_VALUE = "INVALID_VALUE"
    INVALID_RULE = "INVALID_RULE"
    NOT_ALLOWED = "NOT_ALLOWED"
    CANNOT_GRANT = "CANNOT_GRANT"
    LAST_ADMIN = "LAST_ADMIN"
    KEY_ENDED = "KEY_ENDED"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    MALFORMED = "MALFORMED"
    INTERNAL = "INTERNAL"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """
    One change, exactly as its author's key signs it.

    ``base`` is the server version (of ``history``) that the author's screen showed; ``author`` is the person's id,
    ``by`` the name as in tokens (``user:ann``); ``source``: ``web`` or ``desktop:<client_id>``.
    """

    change_id: Uuid
    type: Kind
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    field: Annotated[str, Meta(min_length=1, max_length=40)]
    value: Any
    at: Timestamp
    base: Count
    history: Uuid | None
    by: _ShortText
    author: _ShortText
    source: _ShortText

    @property
    def key(self) -> Key:
        """Return the record that is changed."""
        return Key(self.type, self.id)

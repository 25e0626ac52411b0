"""The bodies of the log calls. Times are RFC 3339 in UTC with milliseconds; a password hash is never in a row."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

_SECRET = "password_hash"  # noqa: S105 - the name of a field
_SHOWN = "changed"


class AuditItem(Struct, frozen=True):
    """Who did what to which record; ``before`` and ``after``: its state, where there is one."""

    id: int
    at: str
    actor: str
    action: str
    entity_type: str
    entity_id: str
    before: Any
    after: Any
    detail: Any
    address: str | None


class SyncItem(Struct, frozen=True):
    """What became of a change; in a conflict both values stand in it."""

    id: int
    at: str
    entity_type: str
    entity_id: str
    action: str
    source: str
    by: str
    status: str
    reason: str | None
    old_value: Any
    new_value: Any
    change_id: str | None


class RejectItem(Struct, frozen=True):
    """A payload that broke the contract; ``superseded_at``: when a valid copy of the reading was archived."""

    id: int
    received_at: str
    client_id: str | None
    stream: str | None
    sequence_no: int | None
    topic: str
    reason: str
    excerpt: str
    superseded_at: str | None


class AuditPage(Struct, frozen=True):
    """A page of the audit log; ``next``: the cursor of the next page."""

    items: list[AuditItem]
    next: str | None


class SyncPage(Struct, frozen=True):
    """A page of the sync log."""

    items: list[SyncItem]
    next: str | None


class RejectPage(Struct, frozen=True):
    """A page of the rejects."""

    items: list[RejectItem]
    next: str | None


def without_hashes(document: Any) -> Any:
    """Return *document* with every password hash shown as "changed"; writers do so too, this is the second lock."""
    if isinstance(document, dict):
        return {key: _SHOWN if key == _SECRET else without_hashes(value) for key, value in document.items()}
    if isinstance(document, list):
        return [without_hashes(entry) for entry in document]
    if isinstance(document, str) and document.startswith("$argon2"):
        return _SHOWN
    return document

"""
What the sync's messages say inside their envelopes.

From the server: events, pages, snapshots and outcomes; from desktops: changes.
Read next: ``envelopes`` (signing and encryption), ``replica`` (what a desktop does with them).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from pulse_acl.payloads import ClientId, Count, Timestamp, Uuid

from .changes import Status

SERVER = "pulse-auth-api"  # the audience of what desktops send
PAGE_BYTES = 96 * 1024  # of records in one message; signed and encrypted it stays below the contract's 256 KiB
Part = Annotated[int, Meta(ge=1, le=100_000)]


class _FromServer(Struct, frozen=True, kw_only=True):
    aud: ClientId
    history: Uuid


class Event(_FromServer, tag_field="kind", tag="event", frozen=True, kw_only=True):
    """One record changed; ``previous``: the version before it, of any event, that concerned this device."""

    version: Count
    previous: Count
    event: str
    record: dict[str, Any]


class Page(_FromServer, tag_field="kind", tag="page", frozen=True, kw_only=True):
    """
    All records that changed behind ``previous`` and last at or before ``version``, as they are now.

    ``digest``: of the device's view at ``digest_version``, where the last page of the answer leads.
    """

    version: Count
    previous: Count
    records: list[dict[str, Any]]
    digest: str
    digest_version: Count
    nonce: str | None = None


class Snapshot(_FromServer, tag_field="kind", tag="snapshot", frozen=True, kw_only=True):
    """Part ``part`` of ``parts`` of the whole view at ``version``; parts of one ``snapshot`` belong together."""

    version: Count
    snapshot: Uuid
    part: Part
    parts: Part
    records: list[dict[str, Any]]
    digest: str
    nonce: str | None = None


class Answer(_FromServer, tag_field="kind", tag="outcome", frozen=True, kw_only=True):
    """
    What became of a change. ``version``: of the event that it made, where it made one.

    ``kept``: in a conflict, the value that stands (password hashes as "changed").
    """

    change_id: Uuid
    status: Status
    reason: str | None = None
    message: str = ""
    version: Count | None = None
    kept: Any = None
    at: Timestamp


FromServer = Event | Page | Snapshot | Answer


class FromDevice(Struct, frozen=True, kw_only=True):
    """
    The device's layer around a change.

    ``change`` is the author's compact JWS over a ``changes.Change``; ``after``: the change before it in this
    device's queue, null for the oldest that is unanswered.
    """

    aud: str
    client_id: ClientId
    change_id: Uuid
    after: Uuid | None
    author: Annotated[str, Meta(min_length=1, max_length=200)]
    change: Annotated[str, Meta(max_length=200_000)]


def pages_of(records: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Cut *records* into runs of at most ``PAGE_BYTES``, a record at least each; no records give an empty run."""
    runs: list[list[dict[str, Any]]] = [[]]
    size = 0
    for record in records:
        length = len(msgspec.json.encode(record)) + 1
        if runs[-1] and size + length > PAGE_BYTES:
            runs.append([])
            size = 0
        runs[-1].append(record)
        size += length
    return runs

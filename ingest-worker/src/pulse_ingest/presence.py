"""
Heartbeats, audited commands and their results, made into rows; several heartbeats of one device become one row.

Pure. A will tells the status and nothing else, so it never takes the place of figures; a retained heartbeat is old
and only counts when nothing newer is known. Read next: ``side_pipeline``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import msgspec

from pulse_acl import payloads
from pulse_acl.topics import Topic, parse

from .messages import Raw, Settleable, resolve
from .printable import storable, storable_json

StreamKey = tuple[str, UUID]
_TIMES = ("timestamp", "kept_since", "resent_since", "last_sync_at", "oldest_pending_at", "ingest_seen")


@dataclass(frozen=True, slots=True)
class Presence:
    """
    What is newly known of one device. ``heartbeat`` is JSON text, ``None`` when only the status is known (a will).

    ``retained``: it is the broker's old copy, whose time of coming says nothing.
    """

    client_id: str
    status: str
    heartbeat: str | None
    heartbeat_at: datetime | None
    received_at: datetime
    retained: bool

    def followed_by(self, later: Presence) -> Presence:
        """Return what is known after *later* came too."""
        if later.retained and not self.retained:
            return self
        if later.heartbeat is not None:
            return later
        return replace(self, status=later.status)


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row of the audit log; ``detail`` is JSON text."""

    at: datetime
    actor: str
    action: str
    entity_id: str
    detail: str


@dataclass(slots=True)
class SideBatch:
    """
    What goes to the database beside telemetry.

    ``claims``: highest number that each stream is known to have made; ``audit_chars``: how long the details of
    ``audits`` are; ``dones``: what to resolve once all is stored.
    """

    presences: dict[str, Presence] = field(default_factory=dict)
    claims: dict[StreamKey, tuple[int, datetime]] = field(default_factory=dict)
    audits: list[AuditRow] = field(default_factory=list)
    audit_chars: int = 0
    dones: list[Settleable] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not (self.presences or self.claims or self.audits)

    def take(self, raw: Raw) -> None:
        """
        Add a message from ``heartbeat/+``, ``audit/command`` or ``command/+/result``.

        Raises:
            ContractError: The payload breaks the contract, or names another device than its topic.
        """
        topic = parse(raw.topic)
        if topic is None:
            raise payloads.ContractError("the topic carries no valid client id")
        if topic.topic is Topic.HEARTBEAT:
            self._take_heartbeat(raw, topic.params["client_id"])
        elif topic.topic is Topic.AUDIT_COMMAND:
            self._add(_audited_command(raw))
        elif topic.topic is Topic.COMMAND_RESULT:
            self._add(_command_result(raw, topic.params["client_id"]))
        if raw.done is not None:
            self.dones.append(raw.done)

    def settle(self) -> None:
        """Let the broker know that all of it is dealt with; on MQTT 3.1.1 it was told at once."""
        for done in self.dones:
            resolve(done)

    def _add(self, audit: AuditRow) -> None:
        self.audits.append(audit)
        self.audit_chars += len(audit.detail)

    def _take_heartbeat(self, raw: Raw, client_id: str) -> None:
        beat = payloads.decode(payloads.Heartbeat, raw.payload)
        if beat.client_id != client_id:
            raise payloads.ContractError("the client id is not the topic's")
        found = _presence(beat, raw)
        known = self.presences.get(client_id)
        self.presences[client_id] = found if known is None else known.followed_by(found)
        for stream, number in _claims(beat):
            key = (client_id, UUID(stream))
            if number > self.claims.get(key, (0, raw.received_at))[0]:
                self.claims[key] = (number, raw.received_at)


def _presence(beat: payloads.Heartbeat, raw: Raw) -> Presence:
    if beat.timestamp is None:
        return Presence(beat.client_id, beat.status, None, None, raw.received_at, raw.retained)
    beat_at = payloads.parse_time(beat.timestamp)
    beat = msgspec.structs.replace(beat, **_times_of(beat))
    # The broker's old copy must not look as if it had just come.
    received_at = min(beat_at, raw.received_at) if raw.retained else raw.received_at
    encoded = storable_json(payloads.encode(beat))
    return Presence(beat.client_id, beat.status, encoded, beat_at, received_at, raw.retained)


def _times_of(beat: payloads.Heartbeat) -> dict[str, str]:
    """
    Return the times of *beat* in the one form that is written, for the database reads them again for all devices.

    Raises:
        ContractError: The contract looks at the form alone, and one of them is no time.
    """
    found: dict[str, str] = {}
    for name in _TIMES:
        given: str | None = getattr(beat, name)
        if given is None:
            continue
        try:
            found[name] = payloads.format_time(payloads.parse_time(given))
        except payloads.ContractError as error:
            raise payloads.ContractError(f"{name}: {error}") from error
    return found


def _claims(beat: payloads.Heartbeat) -> list[tuple[str, int]]:
    made = [(held.stream, held.last) for held in beat.held or ()]
    if beat.stream is not None and beat.last_sequence_no:
        made.append((beat.stream, beat.last_sequence_no))
    return made


def _audited_command(raw: Raw) -> AuditRow:
    record = payloads.decode(payloads.AuditRecord, raw.payload)
    return AuditRow(
        at=payloads.parse_time(record.at),
        actor=storable(record.username),
        action="command.published",
        entity_id=_commanded_device(record.topic),
        detail=storable_json(msgspec.json.encode(record)),
    )


def _commanded_device(topic: str) -> str:
    levels = storable(topic).split("/")
    return levels[1] if len(levels) == 3 else ""


def _command_result(raw: Raw, client_id: str) -> AuditRow:
    result = payloads.decode(payloads.CommandResult, raw.payload)
    payloads.parse_time(result.at)  # the contract looks at the form alone, and it may be no time
    return AuditRow(
        at=raw.received_at,  # a device's clock puts no row before or after those of others; its time is in the detail
        actor=f"device:{client_id}",
        action="command.result",
        entity_id=client_id,
        detail=storable_json(msgspec.json.encode(result)),
    )

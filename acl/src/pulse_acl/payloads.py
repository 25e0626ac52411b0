"""
The payloads of every topic as frozen msgspec structs, with bounds and units.

``decode`` and ``encode`` are the only way onto and off the wire. Unknown fields are ignored here; readers
that must count them compare with ``unknown_fields``. Times are RFC 3339 text in UTC with milliseconds:
``format_time`` makes it, ``parse_time`` reads it. Which topic carries what: ``topics.TOPICS``.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

MAX_BATCH_READINGS = 1_000
MAX_BATCH_LOSSES = 1_000
MAX_PAYLOAD_BYTES = 256 * 1024
MAX_METRICS = 256
MAX_HELD_STREAMS = 20
MAX_PENDING_SAMPLES = 20
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
EXACT_IN_TYPESCRIPT = {"typescript": "bigint"}  # other integers are counts, which JavaScript's numbers can hold

# ``$`` alone would let a trailing line feed through, and ``\d`` other scripts' digits, in Python's patterns.
_TIME_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$(?!\n)"
)
_TIME = re.compile(_TIME_PATTERN)

Timestamp = Annotated[
    str,
    Meta(
        pattern=_TIME_PATTERN,
        max_length=35,
        description="RFC 3339; written in UTC with milliseconds",
    ),
]
ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$(?!\n)")]
Uuid = Annotated[
    str,
    Meta(pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$(?!\n)"),
]
SequenceNo = Annotated[int, Meta(ge=1, le=INT64_MAX - 1, extra=EXACT_IN_TYPESCRIPT)]
LastSequenceNo = Annotated[int, Meta(ge=0, le=INT64_MAX - 1, extra=EXACT_IN_TYPESCRIPT)]  # 0: none yet
Count = Annotated[int, Meta(ge=0, le=INT64_MAX)]
MetricKey = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._/-]{1,100}$(?!\n)")]
Integer64 = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]
MetricValue = bool | Integer64 | float
Metrics = Annotated[dict[MetricKey, MetricValue], Meta(min_length=1, max_length=MAX_METRICS)]
Range = tuple[SequenceNo, SequenceNo]
NotNegative = Annotated[float, Meta(ge=0)]


class ContractError(ValueError):
    """A payload breaks the contract; ``str()`` says how, without repeating the payload."""


def _require_ordered(ranges: list[Range]) -> None:
    if any(first > last for first, last in ranges):
        raise ValueError("a range ends before it begins")


class Payload(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all payloads."""


class Reading(Payload, frozen=True, kw_only=True, omit_defaults=False):
    """One sample of a device's sources, as sent on ``/live``."""

    client_id: ClientId
    stream: Uuid
    sequence_no: SequenceNo
    timestamp: Timestamp
    metrics: Metrics
    source: Annotated[str, Meta(max_length=100)] = "desktop"
    clock_offset_ms: Integer64 | UnsetType = UNSET


class BatchReading(Payload, frozen=True, kw_only=True):
    """One sample inside a batch; client id and stream are the batch's."""

    sequence_no: SequenceNo
    timestamp: Timestamp
    metrics: Metrics
    clock_offset_ms: Integer64 | UnsetType = UNSET


class ReadingBatch(Payload, frozen=True, kw_only=True, omit_defaults=False):
    """0 to 1,000 samples of one stream in ascending order, and at most 1,000 declared ranges of lost ones."""

    client_id: ClientId
    stream: Uuid
    readings: Annotated[list[BatchReading], Meta(max_length=MAX_BATCH_READINGS)]
    lost: Annotated[list[Range], Meta(max_length=MAX_BATCH_LOSSES)] = []
    source: Annotated[str, Meta(max_length=100)] = "desktop"

    def __post_init__(self) -> None:
        """Refuse a range that ends before it begins."""
        _require_ordered(self.lost)


class RejectedNumber(Payload, frozen=True, kw_only=True):
    """A number that the archive will not take, and why."""

    sequence_no: SequenceNo
    reason: str


class Receipt(Payload, frozen=True, kw_only=True, omit_defaults=False):
    """What became of every number in the messages it answers; published after COMMIT only."""

    client_id: ClientId
    stream: Uuid | None
    archived: list[Range] = []
    rejected: list[RejectedNumber] = []
    lost: list[Range] = []
    wanted_since: Timestamp | None = None
    at: Timestamp

    def __post_init__(self) -> None:
        """Refuse a range that ends before it begins."""
        _require_ordered(self.archived)
        _require_ordered(self.lost)


class HeldStream(Payload, frozen=True, kw_only=True):
    """Rows of one stream on the device that have no fate yet."""

    stream: Uuid
    first: SequenceNo
    last: SequenceNo
    count: Count

    def __post_init__(self) -> None:
        """Refuse a stream that ends before it begins."""
        _require_ordered([(self.first, self.last)])


class HeldOlder(Payload, frozen=True, kw_only=True):
    """Summary of the held streams beyond the newest 20; *newest* is the newest of those streams."""

    newest: Uuid
    streams: Count
    count: Count


class PendingSample(Payload, frozen=True, kw_only=True):
    """A waiting row, for people to look at."""

    sequence_no: SequenceNo
    metrics: dict[MetricKey, MetricValue]


class Heartbeat(Payload, frozen=True, kw_only=True):
    """
    A device's sign of life. The will carries ``client_id`` and ``status`` only, so all else is optional.

    ``pending``: readings that no receipt has named; ``unarchived``: those of them already published;
    ``*_s`` seconds; ``buffer_used_pct`` may pass 100 after ``buffer_limit`` was lowered.
    """

    client_id: ClientId
    status: Literal["ONLINE", "SYNCING", "OFFLINE"]
    timestamp: Timestamp | None = None
    stream: Uuid | None = None
    last_sequence_no: LastSequenceNo | None = None
    held: Annotated[list[HeldStream], Meta(max_length=MAX_HELD_STREAMS)] | None = None
    held_older: HeldOlder | None = None
    kept_since: Timestamp | None = None
    resent_since: Timestamp | None = None
    pending: Count | None = None
    unarchived: Count | None = None
    quarantined: Count | None = None
    pending_sample: Annotated[list[PendingSample], Meta(max_length=MAX_PENDING_SAMPLES)] | None = None
    last_sync_at: Timestamp | None = None
    oldest_pending_at: Timestamp | None = None
    buffer_used_pct: NotNegative | None = None
    sampling_interval_s: NotNegative | None = None
    heartbeat_interval_s: NotNegative | None = None
    history: Uuid | None = None
    config_version: Count | None = None
    identity_version: Count | None = None
    ingest_seen: Timestamp | None = None
    app_version: str | None = None
    latest: dict[MetricKey, MetricValue] | None = None


class Command(Payload, frozen=True, kw_only=True, omit_defaults=False):
    """An order to a device; the topic decides which one, and it is void after ``expires_at``."""

    command_id: Uuid
    command: Literal["FORCE_SYNC", "UPDATE_CONFIG", "RELOAD"]
    args: dict[str, Any] = {}
    issued_by: str = ""
    issued_at: Timestamp
    expires_at: Timestamp


class CommandResult(Payload, frozen=True, kw_only=True, omit_defaults=False):
    """What became of a command."""

    command_id: Uuid
    command: str
    status: Literal["DONE", "FAILED", "REJECTED", "EXPIRED"]
    message: str = ""
    at: Timestamp


class AuditRecord(Payload, frozen=True, kw_only=True):
    """Who published which command, as attested by the broker."""

    username: str
    client_id: str
    topic: str
    payload: str
    at: Timestamp


class SyncEnvelope(Payload, frozen=True, kw_only=True):
    """An encrypted message of the identity and settings sync; devices send ``jwe`` alone."""

    jwe: str
    history: Uuid | None = None
    version: Count | None = None
    previous: Count | None = None


class SyncRequest(Payload, frozen=True, kw_only=True):
    """A device asks for what it has missed."""

    client_id: ClientId
    history: Uuid | None
    from_version: Count
    digest: str | None
    nonce: str


class ServiceStatus(Payload, frozen=True, kw_only=True):
    """A service's sign of life; the will carries ``service``, ``instance`` and ``status`` only."""

    service: ClientId
    instance: ClientId
    status: Literal["ONLINE", "DEGRADED", "OFFLINE"]
    checks: dict[str, str] = {}
    history: Uuid | None = None
    version: str | None = None
    started_at: Timestamp | None = None
    at: Timestamp | None = None


PAYLOADS: dict[str, type[Payload]] = {
    kind.__name__: kind
    for kind in (
        Reading,
        ReadingBatch,
        Receipt,
        Heartbeat,
        Command,
        CommandResult,
        AuditRecord,
        SyncEnvelope,
        SyncRequest,
        ServiceStatus,
    )
}
P = TypeVar("P", bound=Payload)
_DECODERS: dict[type[Payload], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in PAYLOADS.values()
}
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on hostile bytes; deep nesting ends in ``RecursionError``."""
_ENCODER = msgspec.json.Encoder()
_FIELD_NAMES = {
    kind: frozenset(field.encode_name for field in msgspec.structs.fields(kind)) for kind in PAYLOADS.values()
}


def decode(kind: type[P], data: bytes) -> P:
    """
    Read one payload.

    Args:
        kind: One of ``PAYLOADS``.
        data: UTF-8 JSON as it came from the broker, at most ``MAX_PAYLOAD_BYTES``.

    Raises:
        ContractError: Too large, not JSON, a field missing, mistyped or out of bounds.
    """
    if len(data) > MAX_PAYLOAD_BYTES:
        raise ContractError(f"{len(data)} bytes; at most {MAX_PAYLOAD_BYTES} are allowed")
    try:
        found: P = _DECODERS[kind].decode(data)
    except _UNREADABLE as error:
        raise ContractError(str(error)) from error
    return found


def encode(payload: Payload) -> bytes:
    """
    Write one payload as UTF-8 JSON; integers keep every digit, 72.0 stays ``72.0``.

    Bounds are not looked at again: check measured values with ``is_metric_value`` before (NaN would be written
    as ``null``, which no reader takes).
    """
    return _ENCODER.encode(payload)


def unknown_fields(kind: type[Payload], data: bytes) -> int:
    """Count the top-level fields of a JSON object that *kind* does not know; 0 when *data* is no JSON object."""
    try:
        return len(msgspec.json.decode(data, type=dict[str, msgspec.Raw]).keys() - _FIELD_NAMES[kind])
    except _UNREADABLE:
        return 0


def is_metric_value(value: object) -> bool:
    """Tell whether *value* is a boolean, a 64-bit integer or a finite double."""
    if isinstance(value, int):
        return INT64_MIN <= value <= INT64_MAX
    return isinstance(value, float) and math.isfinite(value)


def format_time(at: datetime) -> str:
    """Write an aware *at* as RFC 3339 in UTC with milliseconds, cut off and not rounded."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """
    Read an RFC 3339 time; the result is aware and in UTC. A leap second is taken for the second after it.

    Raises:
        ContractError: Another form, no such day or hour, or outside the years 1 to 9999 in UTC.
    """
    if _TIME.search(text) is None:
        raise ContractError("not an RFC 3339 time")
    is_leap = text[17:19] == "60"
    try:
        at = datetime.fromisoformat(f"{text[:17]}59{text[19:]}".upper() if is_leap else text.upper()).astimezone(UTC)
        if not is_leap:
            return at
        if (at.hour, at.minute) == (23, 59):
            return at + timedelta(seconds=1)
    except (ValueError, OverflowError) as error:
        raise ContractError("not an RFC 3339 time") from error
    raise ContractError("not an RFC 3339 time: a leap second is at the end of a day in UTC")

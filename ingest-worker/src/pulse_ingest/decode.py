"""
Telemetry payloads to samples, and everything that breaks the contract to rejects, each alone.

Pure: bytes in, records out, no exception for any bytes. The fast way (``usual``, else the contract) decodes a whole
message strictly; only when that fails is it taken apart, so that a bad reading costs its neighbours nothing.
The strict types are ``pulse_acl.payloads``. Read next: ``batcher``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

import msgspec

from pulse_acl import payloads
from pulse_acl.ranges import Range, Ranges, union
from pulse_acl.topics import Topic, parse

from . import usual
from .messages import Decoded, Raw, Reject, Sample
from .printable import excerpt_of, one_line, without_lone_surrogates

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_CLIENT_ID = msgspec.json.Decoder(payloads.ClientId)
_STREAM = msgspec.json.Decoder(payloads.Uuid)
_NUMBER = msgspec.json.Decoder(payloads.SequenceNo)
_RANGE = msgspec.json.Decoder(payloads.Range)
_READING = msgspec.json.Decoder(payloads.BatchReading)
_SOURCE = msgspec.json.Decoder(str)
_BATCH_FIELDS = frozenset(field.encode_name for field in msgspec.structs.fields(payloads.ReadingBatch))
T = TypeVar("T")
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _MessageFault(Exception):  # noqa: N818
    """The message as a whole cannot be used; ``str()`` is the reason."""


def decode(raw: Raw) -> Decoded:
    """
    Read one message from ``telemetry/{client_id}/live`` or ``…/buffered``.

    Returns:
        Its samples, rejects and declarations of loss. A fault of the whole message (too large, too many readings,
        a foreign client id, a stream or numbers that cannot be read) is one entry in ``faults`` and settles
        no number.
    """
    sender = _sender(raw.topic)
    if sender is None:
        return _fault(raw, None, None, "the topic carries no valid client id")
    client_id, live = sender
    try:
        return _decode_whole(raw, client_id, live=live)
    except payloads.ContractError as error:
        return _decode_apart(raw, client_id, one_line(str(error)), live=live)


# Devices are few, and their topics come again with every message.
@lru_cache(maxsize=4_096)
def _sender(text: str) -> tuple[str, bool] | None:
    """Return the client id of a telemetry topic and whether it is the live one."""
    topic = parse(text)
    if topic is None or topic.topic not in {Topic.TELEMETRY_LIVE, Topic.TELEMETRY_BUFFERED}:
        return None
    return topic.params["client_id"], topic.topic is Topic.TELEMETRY_LIVE


def _decode_whole(raw: Raw, client_id: str, *, live: bool) -> Decoded:
    """Decode strictly; any breach raises ``ContractError``."""
    found = usual.read(raw.payload, client_id, raw.received_at, live=live)
    if found is not None:
        return Decoded(client_id, found[0], raw.topic, raw.received_at, found[1], done=raw.done)
    kind: type[payloads.Reading | payloads.ReadingBatch]
    readings: Sequence[payloads.Reading | payloads.BatchReading]
    if live:
        kind = payloads.Reading
        reading = payloads.decode(kind, raw.payload)
        stream, owner, lost, readings = reading.stream, reading.client_id, [], [reading]
    else:
        kind = payloads.ReadingBatch
        batch = payloads.decode(kind, raw.payload)
        stream, owner, lost, readings = batch.stream, batch.client_id, union(batch.lost), batch.readings
    if owner != client_id:
        raise payloads.ContractError("the client id is not the topic's")
    samples = [_sample(one.sequence_no, one.timestamp, one.metrics, raw.received_at) for one in readings]
    for one in readings:
        usual.remember(one.metrics)
    return Decoded(
        client_id,
        UUID(stream),
        raw.topic,
        raw.received_at,
        samples,
        lost=lost,
        unknown_fields=payloads.unknown_fields(kind, raw.payload),
        done=raw.done,
    )


def _sample(number: int, timestamp: str, metrics: dict[str, payloads.MetricValue], received_at: datetime) -> Sample:
    return usual.sample(number, payloads.parse_time(timestamp), metrics, received_at)


def _decode_apart(raw: Raw, client_id: str, reason: str, *, live: bool) -> Decoded:
    """Take a message apart that failed as a whole for *reason*; every part is judged alone."""
    fields: dict[str, msgspec.Raw] = {}
    try:
        fields = _fields(raw.payload)
        stream = _checked_stream(fields, client_id)
        return (
            _one_reject(raw, client_id, stream, fields, reason)
            if live
            else _judge_parts(raw, client_id, stream, fields)
        )
    except _MessageFault as fault:
        return _fault(raw, client_id, _stream(fields), str(fault))


def _checked_stream(fields: dict[str, msgspec.Raw], client_id: str) -> UUID:
    if _read(_CLIENT_ID, fields.get("client_id")) != client_id:
        raise _MessageFault("the client id is not the topic's")
    stream = _stream(fields)
    if stream is None:
        raise _MessageFault("the stream cannot be read")
    return stream


def _fields(payload: bytes) -> dict[str, msgspec.Raw]:
    if len(payload) > payloads.MAX_PAYLOAD_BYTES:
        raise _MessageFault(f"{len(payload)} bytes; at most {payloads.MAX_PAYLOAD_BYTES} are allowed")
    try:
        return _OBJECT.decode(payload)
    except _UNREADABLE as error:
        # A lone surrogate spoils the whole text for the decoder; mended, it spoils only the reading it stands in.
        mended = without_lone_surrogates(payload)
        found = _read(_OBJECT, msgspec.Raw(mended)) if mended != payload else None
        if found is None:
            raise _MessageFault(one_line(str(error))) from error
        return found


def _stream(fields: dict[str, msgspec.Raw]) -> UUID | None:
    text = _read(_STREAM, fields.get("stream"))
    return None if text is None else UUID(text)


def _read(decoder: msgspec.json.Decoder[T], value: msgspec.Raw | None) -> T | None:
    """Return what *decoder* makes of *value*, or ``None`` when it cannot be read or is missing."""
    if value is None:
        return None
    try:
        return decoder.decode(value)
    except _UNREADABLE:
        return None


def _one_reject(raw: Raw, client_id: str, stream: UUID, fields: dict[str, msgspec.Raw], reason: str) -> Decoded:
    number = _read(_NUMBER, fields.get("sequence_no"))
    if number is None:
        raise _MessageFault("the sequence number cannot be read")
    reject = Reject(number, reason, excerpt_of(raw.payload))
    return Decoded(client_id, stream, raw.topic, raw.received_at, rejects=[reject], done=raw.done)


def _judge_parts(raw: Raw, client_id: str, stream: UUID, fields: dict[str, msgspec.Raw]) -> Decoded:
    readings = _read(_LIST, fields.get("readings"))
    if readings is None:
        raise _MessageFault("the readings cannot be read")
    if len(readings) > payloads.MAX_BATCH_READINGS:
        raise _MessageFault(f"{len(readings)} readings; at most {payloads.MAX_BATCH_READINGS} are allowed")
    made = Decoded(client_id, stream, raw.topic, raw.received_at, done=raw.done)
    made.samples, made.rejects, made.lost, made.faults = [], [], [], []
    for reading in readings:
        _judge_reading(reading, raw.received_at, made)
    made.lost, bad_ranges = _judge_lost(fields.get("lost"))
    made.faults.extend(bad_ranges)
    made.faults.extend(_judge_rest(fields))
    made.unknown_fields = len(fields.keys() - _BATCH_FIELDS)
    return made


def _judge_reading(reading: msgspec.Raw, received_at: datetime, made: Decoded) -> None:
    try:
        found = _READING.decode(reading)
        made.samples.append(_sample(found.sequence_no, found.timestamp, found.metrics, received_at))
        return
    except (*_UNREADABLE, payloads.ContractError) as error:
        reason = one_line(str(error))
    fields = _read(_OBJECT, reading)
    number = _read(_NUMBER, fields.get("sequence_no")) if fields else None
    excerpt = excerpt_of(bytes(reading))
    if number is not None:
        made.rejects.append(Reject(number, reason, excerpt))
    else:
        made.faults.append(Reject(None, f"a reading whose number cannot be read: {reason}", excerpt))


def _judge_lost(value: msgspec.Raw | None) -> tuple[Ranges, list[Reject]]:
    if value is None:
        return [], []
    entries = _read(_LIST, value)
    if entries is None:
        return [], [Reject(None, "the declaration of loss cannot be read", excerpt_of(bytes(value)))]
    if len(entries) > payloads.MAX_BATCH_LOSSES:
        reason = f"{len(entries)} declared ranges of losses; at most {payloads.MAX_BATCH_LOSSES} are allowed"
        return [], [Reject(None, reason, excerpt_of(bytes(value)))]
    good: list[Range] = []
    bad: list[Reject] = []
    for entry in entries:
        piece = _read(_RANGE, entry)
        if piece is not None and piece[0] <= piece[1]:
            good.append(piece)
        elif not bad:  # one row is enough to tell a person; the device's copy is still with the device
            bad.append(Reject(None, "a declared range of losses cannot be read", excerpt_of(bytes(entry))))
    return union(good), bad


def _judge_rest(fields: dict[str, msgspec.Raw]) -> Iterator[Reject]:
    """Judge what is not stored; it breaks the contract all the same and is recorded, but costs no reading."""
    source = fields.get("source")
    if source is None:
        return
    text = _read(_SOURCE, source)
    if text is None or len(text) > 100:
        yield Reject(None, "the source is not a text of at most 100 characters", excerpt_of(bytes(source)))


def _fault(raw: Raw, client_id: str | None, stream: UUID | None, reason: str) -> Decoded:
    fault = Reject(None, reason, excerpt_of(raw.payload))
    return Decoded(client_id, stream, raw.topic, raw.received_at, faults=[fault], done=raw.done)

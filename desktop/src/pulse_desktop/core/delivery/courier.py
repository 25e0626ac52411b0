"""
Decides what is sent when, and what an answer means: the state table of ``connection`` put into practice.

One thread calls everything here (``loop``), time and randomness are passed in, and the network is a ``Channel``;
so tests drive it step by step with a fake clock. It never deletes: it hands checked receipts to the outbox.
Source: delivery, "The device", points 2 to 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

import structlog

from pulse_acl.payloads import ContractError, ServiceStatus, decode, format_time
from pulse_acl.topics import Topic, build, parse

from ..clock import Clock
from ..connection import STATUS, Action, Event, State, step
from ..outbox import Committed, OutboxState, Settlement, StreamState
from ..ranges import Range, collapse
from ..readings import MetricValue, StoredReading
from ..settings import DeviceSettings
from . import messages
from .flight import Flight
from .ingest import IngestWatch
from .receipts import ReceiptRefusedError, read_receipt

log = structlog.get_logger()
AWAY_AFTER_S = 5.0
PROBE_EVERY_S = 30.0
START_JITTER_S = 10.0
SYNCING_BEAT_S = 0.5
NOTE_EVERY_S = 2.0
PUMP_AT_ONCE = 8  # batches before other events get their turn
SAMPLE_ROWS = 20
SAMPLE_BYTES = 32 * 1024  # of a heartbeat; wide rows are shown in smaller number


class Channel(Protocol):
    """The connection to the broker, QoS 1."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int:
        """Hand one message over; the number comes back with the broker's acknowledgement."""
        ...


class OutboxWriter(Protocol):
    """What the courier writes into the outbox."""

    def mark_sent(self, stream: str, ranges: Sequence[Range]) -> None:
        """Note that a broker acknowledged these rows."""
        ...

    def settle(self, settlement: Settlement) -> None:
        """Apply a checked receipt."""
        ...

    def note(self, **fields: Any) -> None:
        """Write how the client is."""
        ...


class Rows(Protocol):
    """What the courier reads from the outbox; see ``OutboxReader``."""

    def rows(self, stream: StreamState, first: int, last: int, limit: int, max_bytes: int) -> list[StoredReading]:
        """Return held rows of one stream."""
        ...

    def numbered(self, stream: StreamState, numbers: Sequence[int]) -> list[StoredReading]:
        """Return those that are still held."""
        ...

    def oldest(self, state: OutboxState, limit: int, max_bytes: int) -> list[StoredReading]:
        """Return the first held rows."""
        ...


@dataclass(frozen=True, slots=True)
class _Out:
    stream: str
    numbers: list[int]


class Courier:
    """Delivery of one device. ``state`` and ``ignored_receipts`` are for people and tests."""

    def __init__(
        self,
        client_id: str,
        writer: OutboxWriter,
        rows: Rows,
        *,
        settings: DeviceSettings,
        clock: Clock,
        random: Random,
        picture: OutboxState,
    ) -> None:
        self._id, self._writer, self._rows, self.settings = client_id, writer, rows, settings
        self._clock, self._random, self._picture = clock, random, picture
        self.state = State.DISCONNECTED
        self.flight = Flight()
        self.ingest = IngestWatch()
        self.ignored_receipts = 0
        self._clock_offset_ms: int | None = None
        self._channel: Channel | None = None
        self._out: dict[int, _Out] = {}
        self._latest: dict[str, MetricValue] = {}
        self._cursor = self._goal = (0, 0)
        self._live_from: tuple[int, int] | None = None
        self._beat_at = self._note_at = self._probe_at = clock.monotonic()
        self._has_more = False
        self._was_away = False
        self._live = build(Topic.TELEMETRY_LIVE, client_id=client_id)
        self._buffered = build(Topic.TELEMETRY_BUFFERED, client_id=client_id)
        self._heartbeat = build(Topic.HEARTBEAT, client_id=client_id)
        self._does: dict[Action, Callable[[], None]] = {
            Action.FORGET_FLIGHT: self._forget_flight,
            Action.START_SYNC: self._start_sync,
            Action.OPEN_LIVE: self._open_live,
            Action.TELL: self._beat,
        }

    def clock_measured(self, offset_ms: int) -> None:
        """The server's clock is *offset_ms* ahead of ours; live readings say so."""
        self._clock_offset_ms = offset_ms

    def link_up(self, channel: Channel) -> None:
        """The broker took us: begin with what is held."""
        self._channel = channel
        self._go(Event.LINK_UP)
        self._advance()

    def link_down(self) -> None:
        """The connection is gone."""
        self._channel = None
        self._out = {}
        self._go(Event.LINK_DOWN)

    def flush_wanted(self) -> None:
        """Somebody asked for a sync now."""
        self._go(Event.FLUSH_WANTED)
        self._advance()

    def committed(self, note: Committed) -> None:
        """Readings are on disk, or rows have their fate."""
        self._picture = note.state
        for row in note.added:
            self._latest |= messages.metrics_of(row)
            if self._is_live(row):
                self._send_live(row)
        self._advance()

    def acknowledged(self, number: int) -> None:
        """The broker took a message; that is shown, and nothing else follows from it."""
        out = self._out.pop(number, None)
        if out is None:
            return
        numbers = out.numbers if self.state is State.AWAY else [n for n in out.numbers if self._is_out(out.stream, n)]
        if numbers:
            self._writer.mark_sent(out.stream, collapse(numbers))

    def received(self, topic: str, payload: bytes) -> None:
        """A message came on one of our subscriptions."""
        kind = parse(topic)
        if kind is not None and kind.topic is Topic.RECEIPT:
            self._take_receipt(payload)
        elif kind is not None and kind.topic is Topic.SERVICE_STATUS and kind.params["service"] == "ingest":
            self._take_status(payload)

    def tick(self) -> None:
        """Do what is due; cheap when nothing is."""
        now = self._clock.monotonic()
        if self.state is State.DISCONNECTED:
            return
        if self.state is State.AWAY:
            self._probe(now)
        else:
            self._resend(now)
            self._look_for_archive(now)
        if self._has_more:
            self._advance()
        if now >= self._beat_at:
            self._beat()

    def next_wakeup(self) -> float:
        """Return the monotonic time at which ``tick`` has something to do."""
        now = self._clock.monotonic()
        if self.state is State.DISCONNECTED:
            return now + 60.0
        if self._has_more:
            return now
        due = self._probe_at if self.state is State.AWAY else self.flight.next_due()
        return min(self._beat_at, now + 1.0, now + 60.0 if due is None else due)

    def farewell(self) -> int | None:
        """Publish that the device goes; return the message's number, or ``None`` without a link."""
        if self._channel is None:
            return None
        return self._publish_beat(self._channel, "OFFLINE")

    def _go(self, event: Event) -> None:
        before = self.state
        taken = step(before, event)
        self.state = taken.state
        for action in taken.actions:
            self._does[action]()
        if before is not self.state:
            log.info("desktop.state_changed", before=before, after=self.state, cause=event, held=self._picture.held)
            self._writer.note(connection_status=self.state.value)

    def _forget_flight(self) -> None:
        self.flight.clear()
        self._has_more = False
        self._probe_at = self._clock.monotonic() + PROBE_EVERY_S

    def _start_sync(self) -> None:
        self._cursor, self._goal = (0, 0), self._picture.head
        self._live_from = self._goal if self.settings.flush_order == "live_first" else None

    def _open_live(self) -> None:
        if self._live_from is None:
            self._live_from = self._picture.head

    def _is_live(self, row: StoredReading) -> bool:
        return (
            self.state is not State.DISCONNECTED
            and self._live_from is not None
            and (row.ordinal, row.sequence_no) > self._live_from
        )

    def _advance(self) -> None:
        """Send what may be sent, and see whether the backlog has been answered."""
        if self.state is State.SYNCING and not self._picture.holds_up_to(self._goal):
            self._go(Event.CAUGHT_UP)
        if self.state not in {State.SYNCING, State.CONNECTED}:
            return
        sent = 0
        while sent < PUMP_AT_ONCE and self.flight.has_room() and (rows := self._next_rows()):
            self._send_batch(rows)
            self._cursor = (rows[-1].ordinal, rows[-1].sequence_no)
            sent += 1
        self._has_more = sent == PUMP_AT_ONCE

    def _next_rows(self) -> list[StoredReading]:
        ordinal, number = self._cursor
        end = self._live_from or self._picture.head
        if self._cursor >= end:
            return []
        for stream in self._picture.streams:
            if not stream.held or not ordinal <= stream.ordinal <= end[0]:
                continue
            first = max(stream.first_held, number + 1 if stream.ordinal == ordinal else 1)
            last = min(stream.last_held, end[1]) if stream.ordinal == end[0] else stream.last_held
            if first > last:
                continue
            rows = self._rows.rows(stream, first, last, self.settings.flush_batch_size, messages.BATCH_BYTES)
            if rows:
                return rows
        self._cursor = end
        return []

    def _send_live(self, row: StoredReading) -> None:
        payload = messages.live(self._id, row, self._clock_offset_ms)
        self._send(self._live, payload, [row], is_batch=False)

    def _send_batch(self, rows: Sequence[StoredReading]) -> None:
        self._send(self._buffered, messages.batch(self._id, rows), rows, is_batch=True)

    def _send(self, topic: str, payload: bytes, rows: Sequence[StoredReading], *, is_batch: bool) -> None:
        if self._channel is None:
            return
        stream, numbers = rows[0].stream, [row.sequence_no for row in rows]
        self._out[self._channel.publish(topic, payload)] = _Out(stream, numbers)
        if self.state is not State.AWAY:
            self.flight.sent(stream, numbers, len(payload), self._clock.monotonic(), is_batch=is_batch)

    def _resend(self, now: float) -> None:
        for stream_id, numbers in self.flight.due(now, self.settings.flush_batch_size):
            stream = self._picture.known(stream_id)
            rows = self._rows.numbered(stream, numbers) if stream is not None else []
            self.flight.drop(stream_id, set(numbers) - {row.sequence_no for row in rows})
            for part in messages.parts(rows):
                self._send_batch(part)

    def _look_for_archive(self, now: float) -> None:
        said_so = self.ingest.is_away(now) and self.ingest.said_at() > self.flight.answered_at
        if said_so or self.flight.silent_for(now) > AWAY_AFTER_S:
            self._was_away = said_so
            self._go(Event.ARCHIVE_AWAY)

    def _probe(self, now: float) -> None:
        if self._was_away and not self.ingest.is_away(now):
            self._was_away = False
            self._probe_soon(now)
        if now < self._probe_at:
            return
        self._probe_at = now + PROBE_EVERY_S
        rows = self._rows.oldest(self._picture, self.settings.flush_batch_size, messages.BATCH_BYTES)
        if rows:
            oldest = [row for row in rows if row.stream == rows[0].stream]
            self._send_batch(oldest)
        else:
            self._go(Event.FLUSH_WANTED)
            self._advance()

    def _probe_soon(self, now: float) -> None:
        self._probe_at = min(self._probe_at, now + self._random.uniform(0.0, START_JITTER_S))

    def _take_receipt(self, payload: bytes) -> None:
        try:
            answer = read_receipt(payload, self._id, self._picture)
        except ReceiptRefusedError as error:
            self.ignored_receipts += 1
            log.warning("desktop.receipt_ignored", reason=str(error))
            return
        if answer is None:
            return
        now = self._clock.monotonic()
        self._writer.settle(answer.settlement)
        self.flight.answered(answer.settlement.stream, answer.answered, now)
        self.flight.answered_at = now
        self._go(Event.ANSWERED)
        self._advance()

    def _take_status(self, payload: bytes) -> None:
        try:
            status = decode(ServiceStatus, payload)
        except ContractError as error:
            log.warning("desktop.status_ignored", reason=str(error))
            return
        now = self._clock.monotonic()
        if self.ingest.take(status, now):
            self.flight.restart(now, self._random.uniform(0.0, START_JITTER_S))
            self._probe_soon(now)

    def _is_out(self, stream: str, number: int) -> bool:
        return self.flight.is_out(stream, number)

    def _beat(self) -> None:
        if self._channel is None:
            return
        self._publish_beat(self._channel, STATUS[self.state])
        now = self._clock.monotonic()
        interval = SYNCING_BEAT_S if self.state is State.SYNCING else self.settings.heartbeat_interval
        self._beat_at = now + interval
        if now >= self._note_at:
            self._note_at = now + NOTE_EVERY_S
            self._writer.note(
                last_heartbeat=format_time(self._clock.now()),
                connection_status=self.state.value,
                ingest_seen=self.ingest.newest_online_at,
            )

    def _waiting_rows(self) -> list[StoredReading]:
        rows = self._rows.oldest(self._picture, SAMPLE_ROWS, SAMPLE_BYTES)
        return rows[: max(1, SAMPLE_BYTES // max((len(row.metrics) for row in rows), default=1))]

    def _publish_beat(self, channel: Channel, status: str) -> int:
        figures = messages.Figures(
            sampling_interval_s=self.settings.sampling_interval,
            heartbeat_interval_s=self.settings.heartbeat_interval,
            ingest_seen=self.ingest.newest_online_at,
            latest=self._latest,
            sample=self._waiting_rows() if status == "SYNCING" else (),
        )
        beat = messages.heartbeat(self._id, status, self._clock.now(), self._picture, figures)
        return channel.publish(self._heartbeat, beat, retain=True)

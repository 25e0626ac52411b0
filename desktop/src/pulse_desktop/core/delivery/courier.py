"""
Decides what is sent when, and what an answer means: the state table of ``connection`` put into practice.

One thread calls everything here (``loop``), time and randomness are passed in, and the network is a ``Channel``;
so tests drive it step by step with a fake clock. It never deletes: it hands checked receipts to the outbox.
What is sent goes through ``outgoing``; heartbeats, wishes of a restored archive and the drain rate are kept by the
modules of these names. Source: delivery, "The device", points 2 to 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import structlog

from pulse_acl.payloads import ContractError, Receipt, ServiceStatus, decode, format_time
from pulse_acl.ranges import from_numbers, highest
from pulse_acl.topics import Topic, parse

from ..clock import Clock
from ..connection import Action, Event, State, step
from ..outbox import Committed, OutboxState
from ..readings import StoredReading
from ..settings import DeviceSettings
from . import messages
from .aside import Aside
from .backlog import Backlog, Rows
from .declarations import Declarations, lane_of, stream_in
from .drain import Drain
from .flight import Flight
from .heartbeats import Heartbeats
from .ingest import IngestWatch
from .outgoing import Outgoing
from .ports import Channel, OutboxWriter
from .probe import Probe
from .receipts import Answer, ReceiptRefusedError, UnknownStreamError, answer_in, open_receipt
from .wishes import Wishes

log = structlog.get_logger()
AWAY_AFTER_S = 5.0
START_JITTER_S = 10.0
PUMP_AT_ONCE = 8  # batches before other events get their turn


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
        on_foreign_receipt: Callable[[], None] = lambda: None,
    ) -> None:
        """*on_foreign_receipt* is told of receipts for streams that this device never made."""
        self._id, self._writer, self._rows, self.settings = client_id, writer, rows, settings
        self._clock, self._random, self._picture = clock, random, picture
        self.state = State.DISCONNECTED
        self.flight = Flight()
        self.aside = Aside()
        self._backlog = Backlog(rows, self.aside)
        self._declarations = Declarations()
        self.ingest = IngestWatch()
        self.ignored_receipts = 0
        self._on_foreign_receipt = on_foreign_receipt
        self._wishes = Wishes()
        self._heartbeats = Heartbeats(client_id, writer, clock, self.ingest)
        self.mirrored = self._heartbeats.mirrored
        self.drain = Drain()
        self._outgoing = Outgoing(
            client_id, self.flight, self.aside, clock, is_awaited=lambda: self.state is not State.AWAY
        )
        self._probe = Probe(random, clock.monotonic())
        self._has_more = False
        self._forgot_at = picture.head
        self._does: dict[Action, Callable[[], None]] = {
            Action.FORGET_FLIGHT: self._forget_flight,
            Action.START_SYNC: self._start_sync,
            Action.OPEN_LIVE: self._open_live,
            Action.TELL: self._beat,
        }
        self._note_aside()  # what a former run noted was of its own

    def configure(self, settings: DeviceSettings) -> None:
        """Take other settings; the order of flushing counts from the next flush on."""
        self.settings = settings
        self._heartbeats.configured(settings)

    def clock_measured(self, offset_ms: int) -> None:
        """The server's clock is *offset_ms* ahead of ours; live readings say so."""
        self._outgoing.clock_offset_ms = offset_ms

    def link_up(self, channel: Channel) -> None:
        """The broker took us: begin with what is held."""
        self._outgoing.channel = channel
        self.flight.clear()
        self._go(Event.LINK_UP)
        self._advance()

    def link_down(self) -> None:
        """The connection is gone."""
        self._outgoing.link_down()
        self._go(Event.LINK_DOWN)

    def flush_wanted(self) -> None:
        """Somebody asked for a sync now; what was rejected is offered again with it."""
        if self._picture.quarantined:
            self._writer.offer_quarantined(None)
        self._go(Event.FLUSH_WANTED)
        self._advance()

    def committed(self, note: Committed) -> None:
        """Readings are on disk, or rows have their fate."""
        before, self._picture = self._picture, note.state
        self._declarations.committed(note.state)
        if note.state.reopened != before.reopened:
            self._begin_anew()
        for row in note.added:
            self._heartbeats.recorded(row)
            if self.state is not State.DISCONNECTED and self._backlog.is_live(row):
                self._outgoing.live(row)
        self._advance()

    def _begin_anew(self) -> None:
        """Rows came back that were answered already: flush from the oldest on."""
        self._declarations.reopen()
        if self.state is State.SYNCING:
            self._forget_flight()
            self._start_sync()
        else:
            self._go(Event.FLUSH_WANTED)

    def acknowledged(self, number: int) -> None:
        """The broker took a message; that is shown, and nothing else follows from it."""
        taken = self._outgoing.acknowledged(number)
        if taken is None:
            return
        stream, numbers = taken.stream, taken.numbers
        if self.state is not State.AWAY:
            numbers = [number for number in numbers if self.flight.is_out(stream, number)]
        if numbers:
            self._writer.mark_sent(stream, from_numbers(numbers))

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
            self._ask_archive(now)
        else:
            self._resend(now)
            self._offer_aside(now)
            self._look_for_archive(now)
        if self._has_more:
            self._advance()
        if now >= self._heartbeats.due_at:
            self._beat()

    def next_wakeup(self) -> float:
        """Return the monotonic time at which ``tick`` has something to do."""
        now = self._clock.monotonic()
        if self.state is State.DISCONNECTED:
            return now + 60.0
        if self._has_more:
            return now
        dues = (self._probe.due_at,) if self.state is State.AWAY else (self.flight.next_due(), self.aside.next_offer())
        return min(self._heartbeats.due_at, now + 1.0, *(due for due in dues if due is not None))

    def farewell(self) -> int | None:
        """Publish that the device goes, as the last heartbeat; return its number, or ``None`` without a link."""
        return self._heartbeats.farewell(self._outgoing.channel, self._picture, self.settings)

    def _go(self, event: Event) -> None:
        before = self.state
        taken = step(before, event)
        self.state = taken.state
        for action in taken.actions:
            self._does[action]()
        if before is not self.state:
            log.info("desktop.state_changed", before=before, after=self.state, cause=event, held=self._picture.held)
            self._writer.note(connection_status=self.state.value)
        if before is State.SYNCING and self.state is not State.SYNCING:
            self._say_how_it_drained()

    def _say_how_it_drained(self) -> None:
        self.drain.end()
        if (per_s := self.drain.per_s) is not None:
            log.info("desktop.backlog_drained", readings=self.drain.readings, per_s=round(per_s))
            self._writer.note(drain_per_s=f"{per_s:.0f}")

    def _forget_flight(self) -> None:
        self.flight.forget()
        self._forgot_at = self._picture.head
        self._has_more = False
        self._probe.put_off(self._clock.monotonic())

    def _start_sync(self) -> None:
        self.drain.begin(self._clock.monotonic())
        self._backlog.begin(self._picture, live_first=self.settings.flush_order == "live_first")

    def _open_live(self) -> None:
        self._backlog.open_live(self._picture)

    def _advance(self) -> None:
        """Send what may be sent, and see whether the backlog has been answered."""
        if self.state is State.SYNCING and self._backlog.is_done(self._picture):
            self._go(Event.CAUGHT_UP)
            # With a fast source something is always held, so that the buffer alone would never show a sync.
            self._writer.note(last_sync_at=format_time(self._clock.now()))
        if self.state not in {State.SYNCING, State.CONNECTED}:
            return
        sent = self._declare_losses()
        while sent < PUMP_AT_ONCE and self.flight.has_room():
            rows = self._backlog.next_batch(self._picture, self.settings.flush_batch_size)
            if not rows:
                break
            self._outgoing.batch(rows)
            sent += 1
        self._has_more = sent >= PUMP_AT_ONCE

    def _declare_losses(self) -> int:
        sent = 0
        while sent < PUMP_AT_ONCE and self.flight.has_room():
            if (found := self._declarations.next_batch(self._picture, self.flight)) is None:
                break
            self._outgoing.losses(*found)
            sent += 1
        return sent

    def _resend(self, now: float) -> None:
        due = self.flight.due(now, self.settings.flush_batch_size)
        for stream_id, numbers in due.resend:
            if self._declared_again(stream_id, numbers):
                continue
            rows = self._still_held(stream_id, numbers)
            self.flight.drop(stream_id, set(numbers) - {row.sequence_no for row in rows})
            for part in messages.parts(rows):
                self._outgoing.batch(part)
        for stream_id, number in due.aside:
            if self._declared_again(stream_id, [number]):
                continue
            log.warning("desktop.reading_set_aside", stream=stream_id, sequence_no=number)
            self.flight.drop(stream_id, [number])
            self.aside.add(stream_id, number, now)
        if due.aside:
            self._note_aside()
            self._advance()

    def _note_aside(self) -> None:
        self._writer.note(set_aside=str(len(self.aside)))

    def _declared_again(self, lane: str, firsts: Sequence[int]) -> bool:
        """Send declarations again when *lane* is one of theirs; tell whether it is."""
        stream = stream_in(lane)
        if stream is None:
            return False
        ranges = self._declarations.beginning_at(self._picture, stream, firsts)
        self.flight.drop(lane, set(firsts) - {first for first, _ in ranges})
        if ranges:
            self._outgoing.losses(stream, ranges)
        return True

    def _offer_aside(self, now: float) -> None:
        for stream_id, number in self.aside.offers(now):
            rows = self._still_held(stream_id, [number])
            if rows:
                self._outgoing.batch(rows)
            else:
                self.aside.drop([(stream_id, number)])
                self._note_aside()

    def _still_held(self, stream_id: str, numbers: Sequence[int]) -> list[StoredReading]:
        stream = self._picture.known(stream_id)
        return self._rows.numbered(stream, numbers) if stream is not None else []

    def _look_for_archive(self, now: float) -> None:
        said_so = self.ingest.is_away(now) and self.ingest.said_at() > self.flight.answered_at
        if said_so or self.flight.silent_for(now) > AWAY_AFTER_S:
            self._probe.archive_went(said_so=said_so)
            self._go(Event.ARCHIVE_AWAY)

    def _ask_archive(self, now: float) -> None:
        if not self.ingest.is_away(now):
            self._probe.archive_speaks(now)
        if now < self._probe.due_at:
            return
        self._probe.put_off(now)
        rows = self._backlog.oldest(self._picture, self.settings.flush_batch_size)
        if rows:
            self._outgoing.batch(rows)
        elif (losses := self._declarations.oldest(self._picture)) is not None:
            self._outgoing.losses(*losses)
        else:
            self._go(Event.FLUSH_WANTED)
            self._advance()

    def _take_receipt(self, payload: bytes) -> None:
        try:
            receipt = open_receipt(payload, self._id)
            answer = self._answer_in(receipt)
        except ReceiptRefusedError as error:
            self.ignored_receipts += 1
            log.warning("desktop.receipt_ignored", reason=str(error))
            return
        if answer is not None:
            self._settle(answer)
        wish = self._wishes.new_in(receipt)
        if wish is not None:
            self._writer.put_back(wish)

    def _answer_in(self, receipt: Receipt) -> Answer | None:
        try:
            return answer_in(receipt, self._picture)
        except UnknownStreamError:
            if self._rows.knows((receipt.stream or "").lower()):
                return None  # answered again: nothing of the stream is held any more
            self._on_foreign_receipt()
            raise

    def _settle(self, answer: Answer) -> None:
        now = self._clock.monotonic()
        self._writer.settle(answer.settlement)
        count = self.flight.answered(answer.settlement.stream, answer.answered, now)
        self.drain.answered(count, now)
        self.flight.answered(lane_of(answer.settlement.stream), answer.named, now)
        if self.aside.answered(answer.settlement.stream, answer.answered):
            self._note_aside()
        self._declarations.named(answer.settlement.stream, answer.named)
        self.flight.answered_at = now
        if self.state is State.AWAY and self._is_later(answer):
            self.flight.overtaken()
        self._go(Event.ANSWERED)
        self._advance()

    def _is_later(self, answer: Answer) -> bool:
        """Tell whether a reading is answered that was made after the flight was forgotten."""
        stream = self._picture.known(answer.settlement.stream)
        return stream is not None and (stream.ordinal, highest(answer.answered)) > self._forgot_at

    def _take_status(self, payload: bytes) -> None:
        try:
            status = decode(ServiceStatus, payload)
        except ContractError as error:
            log.warning("desktop.status_ignored", reason=str(error))
            return
        now = self._clock.monotonic()
        if self.ingest.is_new_version(status):
            self._writer.offer_quarantined(status.version or "")
        if self.ingest.take(status, now):
            delay_s = self._random.uniform(0.0, START_JITTER_S)
            self.flight.restart(now, delay_s)
            self.aside.offer_soon(now + delay_s)
            self._probe.soon(now)

    def _beat(self) -> None:
        channel = self._outgoing.channel
        if channel is not None:
            sample = self._backlog.sample(self._picture) if self.state is State.SYNCING else ()
            self._heartbeats.beat(channel, self.state, self._picture, self.settings, sample)

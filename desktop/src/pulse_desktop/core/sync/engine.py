"""
The sync of one device with its server: asks, applies what comes, sends what was changed here.

Called from one thread; time comes in through the clock. What may be applied is decided in ``pulse_sync.replica``, what
is stored in ``store`` and ``change_queue``. Nothing that is not validly signed for this device changes anything.
Source: the identity document. Read next: ``loop``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from uuid import uuid4

import structlog

from pulse_acl.payloads import (
    ContractError,
    ServiceStatus,
    SyncEnvelope,
    SyncRequest,
    decode,
    encode,
    format_time,
)
from pulse_acl.topics import Topic, build
from pulse_sync.changes import Reason
from pulse_sync.envelopes import EnvelopeError, open_from_server, seal_to_server
from pulse_sync.messages import SERVER, Answer, Event, FromDevice, FromServer, Page, Snapshot
from pulse_sync.records import Record
from pulse_sync.replica import Position, Verdict, judge, shown
from pulse_sync.view import digest, from_wire

from ..clock import Clock
from .change_queue import ChangeQueue, Queued
from .corrected_time import CorrectedTime
from .holdings import Holdings
from .keys import SyncKeys
from .ports import Channel, Hooks
from .retry import Retry
from .snapshots import SnapshotParts
from .store import SyncStore

log = structlog.get_logger()
SERVICE = "auth-api"


class SyncEngine:
    """
    One device's sync; ``link_up``, ``link_down``, ``received``, ``look`` and ``tick`` are called from one thread.

    ``on_key_ended``: told the user and the signature that the server no longer takes.
    """

    def __init__(
        self,
        client_id: str,
        db: sqlite3.Connection,
        keys: SyncKeys,
        clock: Clock,
        hooks: Hooks,
        *,
        on_key_ended: Callable[[str, str], None] = lambda _user, _signed: None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._id, self._keys, self._clock, self._hooks = client_id, keys, clock, hooks
        self._store, self._queue, self._time = SyncStore(db), ChangeQueue(db), CorrectedTime(db, clock)
        self._on_key_ended, self._new_id = on_key_ended, new_id
        self._channel: Channel | None = None
        self._offset_ms = 0
        self._nonce: str | None = None
        self._asking, self._sending = Retry(), Retry()
        self._sent: set[str] = set()
        self._parts = SnapshotParts()
        self.is_changed = True  # since the last look of whoever depends on the records
        self.reload()

    def reload(self) -> None:
        """Read the state anew from the file."""
        self._held = self._store.held()
        self._position = self._store.position()
        self._api_started_at = self._store.state()["api_started_at"]
        self._tell()
        self._hooks.on_settings(self._store.state()["config_version"])

    def link_up(self, channel: Channel, offset_ms: int) -> None:
        """Ask over a new connection for what was missed, and send what is unanswered."""
        self._channel, self._offset_ms = channel, offset_ms
        self._store.note(connection_status="CONNECTED")
        self._asking.settled()
        self.ask()
        self._send_again()

    def link_down(self) -> None:
        """Wait for the next connection."""
        self._channel = None
        self._asking.pause()
        self._sending.pause()
        self._store.note(connection_status="DISCONNECTED")

    def holdings(self) -> Holdings:
        """Return what the device shows now."""
        return Holdings(shown(self._held, [queued.change for queued in self._queue.all()]), self._position)

    @property
    def is_caught_up(self) -> bool:
        """Tell whether the last request has been answered in full."""
        return self._channel is not None and not self._asking.is_open

    def ask(self, *, from_nothing: bool = False) -> None:
        """Ask the server for what was missed; *from_nothing*: for a snapshot."""
        if self._channel is None:
            return
        self._nonce = self._new_id()
        is_new = from_nothing or self._position.history is None
        request = SyncRequest(
            client_id=self._id,
            history=self._position.history,
            from_version=0 if is_new else self._position.version,
            digest=None if is_new else digest(self._held),
            nonce=self._nonce,
        )
        self._channel.publish(build(Topic.SYNC_REQUEST, client_id=self._id), encode(request))
        self._asking.sent(self._clock.monotonic())

    def look(self) -> None:
        """Send what others have queued in the file, and ask when they want that."""
        if self._store.state()["ask_wanted"] and self._channel is not None:
            self._store.note(ask_wanted=0)
            self.ask()
        self.is_changed = True
        self._send()

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock.monotonic()
        if now >= self._asking.due_at:
            self.ask()
        if now >= self._sending.due_at:
            self._send_again()

    def due_at(self) -> float:
        """Return when ``tick`` has something to do, in seconds of the monotonic clock."""
        return min(self._asking.due_at, self._sending.due_at)

    def status(self, payload: bytes) -> None:
        """Take a status of the auth API: after its restart, or in another history, begin anew."""
        try:
            found = decode(ServiceStatus, payload)
        except ContractError as error:
            log.warning("desktop.status_refused", reason=str(error))
            return
        if found.started_at is not None and found.started_at != self._api_started_at:
            self._api_started_at = found.started_at
            self._store.note(api_started_at=found.started_at)
            self.ask()
            self._send_again()
        elif found.history is not None and found.history != self._position.history and not self._asking.is_open:
            self.ask()

    def received(self, payload: bytes) -> None:
        """Take an envelope from one of the sync's topics."""
        try:
            envelope = decode(SyncEnvelope, payload)
            message = open_from_server(envelope.jwe, self._keys.server_signing, self._keys.encryption, self._id)
        except (ContractError, EnvelopeError) as error:
            # It may have been meant for an older key of this device, so what it said has to be asked for.
            log.warning("desktop.sync_message_refused", reason=str(error))
            self._ask_unless_open()
            return
        self._take(message)

    def _take(self, message: FromServer) -> None:
        if isinstance(message, Answer):
            self._answered(message)
            return
        position = Position(self._position.history, self._position.version, self._nonce)
        verdict = judge(position, message)
        if verdict is Verdict.ASK:
            self._ask_unless_open()
            return
        answers = isinstance(message, Page | Snapshot) and message.nonce is not None and message.nonce == self._nonce
        try:
            if verdict is Verdict.APPLY:
                self._apply(message)
        except ValueError as error:
            log.warning("desktop.sync_message_unreadable", version=message.version, reason=str(error))
            return
        if isinstance(message, Page):
            self._page_done(message, answers=answers)

    def _apply(self, message: Event | Page | Snapshot) -> None:
        if isinstance(message, Snapshot):
            self._take_part(message)
            return
        wires = [message.record] if isinstance(message, Event) else message.records
        records = [from_wire(one) for one in wires]
        self._store.apply(records, message.version, format_time(self._clock.now()))
        self._held.update({record.key: record for record in records})
        self._moved(message.history, message.version, has_settings=any(one["type"] == "setting" for one in wires))

    def _take_part(self, message: Snapshot) -> None:
        wires = self._parts.add(message)
        if wires is None:
            return
        records: Sequence[Record] = [from_wire(one) for one in wires]
        self._store.replace(records, message.history, message.version, format_time(self._clock.now()))
        self._held = {record.key: record for record in records}
        self._queue.arrived(None)
        self._moved(message.history, message.version, has_settings=True)
        log.info("desktop.snapshot_applied", version=message.version, records=len(records))
        if digest(self._held) != message.digest:
            log.error("desktop.sync_digest_differs", version=message.version)
            self._asking.sent(self._clock.monotonic())  # asks again when that is due, ever more rarely
        else:
            self._is_in_contact(answers=message.nonce is not None and message.nonce == self._nonce)

    def _page_done(self, page: Page, *, answers: bool) -> None:
        if page.history != self._position.history or not page.version == page.digest_version == self._position.version:
            return
        if digest(self._held) != page.digest:
            log.warning("desktop.sync_digest_differs", version=page.version)
            self.ask(from_nothing=True)
        else:
            self._is_in_contact(answers=answers)

    def _is_in_contact(self, *, answers: bool) -> None:
        if answers:
            self._time.contact(self._offset_ms)
            self._asking.settled()
            self.is_changed = True  # what waited for a contact is judged now
            self._store.note(last_sync_at=format_time(self._time.now()))

    def _moved(self, history: str, version: int, *, has_settings: bool) -> None:
        self._position = Position(history, version)
        self._queue.arrived(version)
        self.is_changed = True
        self._tell()
        if has_settings:
            self._hooks.on_settings(version)

    def _tell(self) -> None:
        self._hooks.on_position(self._position.history, self._position.version)

    def _answered(self, answer: Answer) -> None:
        version = self._position.version if answer.history == self._position.history else 2**62
        queued = self._queue.answered(answer, version)
        if queued is None:
            return
        self.is_changed = True
        log.info("desktop.change_answered", change_id=answer.change_id, status=answer.status, reason=answer.reason)
        if answer.reason == Reason.KEY_ENDED:
            self._on_key_ended(queued.change.author, queued.signed)
        if not self._unanswered():
            self._sending.settled()

    def _unanswered(self) -> list[Queued]:
        return [queued for queued in self._queue.all() if queued.applied_as is None]

    def _send_again(self) -> None:
        self._sent.clear()
        self._send()

    def _send(self) -> None:
        """Send, in order, what was not sent on this connection since it was last due."""
        if self._channel is None:
            return
        after: str | None = None
        is_sending = False
        for queued in self._unanswered():
            change = queued.change
            if change.change_id not in self._sent:
                self._publish(self._channel, queued, after)
                self._sent.add(change.change_id)
                is_sending = True
            after = change.change_id
        if is_sending:
            self._sending.sent(self._clock.monotonic())

    def _publish(self, channel: Channel, queued: Queued, after: str | None) -> None:
        change = queued.change
        layer = FromDevice(
            aud=SERVER,
            client_id=self._id,
            change_id=change.change_id,
            after=after,
            author=change.author,
            change=queued.signed,
        )
        sealed = seal_to_server(layer, self._keys.signing, self._keys.server_encryption)
        channel.publish(build(Topic.SYNC_CHANGES, client_id=self._id), encode(SyncEnvelope(jwe=sealed)))

    def _ask_unless_open(self) -> None:
        if not self._asking.is_open:
            self.ask()

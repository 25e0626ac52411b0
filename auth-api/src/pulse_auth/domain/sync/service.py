"""
The sync service: what devices ask and send is handled, what changed is published, who lags is caught up.

Hears three topics through the API's one connection to the broker. Read next: ``publication`` (outgoing events),
``answers`` (catch-up), ``inbox`` (changes).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from pulse_acl.payloads import ContractError, Heartbeat, SyncRequest, decode
from pulse_acl.topics import Topic, build, parse
from pulse_sync.envelopes import Key as CryptoKey

from ...background import Loop
from ...clock import Clock
from ...db.models import Device
from ...db.session import Sessions
from ..devices.sync_keys import SyncKeys
from .answers import Whereabouts, answer
from .device_views import DeviceViews, snapshot
from .inbox import Consequences, Inbox, no_consequences
from .publication import Messages, Publication
from .sealing import seal

FILTERS = tuple(build(topic, client_id="+") for topic in (Topic.SYNC_CHANGES, Topic.SYNC_REQUEST, Topic.HEARTBEAT))
LAGS_AFTER_S = 10.0
# A device that asks in a loop gets an answer so often: a snapshot of 2,000 people is 11 ms and 1.6 MB.
ANSWERS_APART_S = 2.0
# One of each device may wait beside the queue; real ones have 300 bytes.
MOST_REQUEST_BYTES = 4_096
MOST_WAITING, MOST_WAITING_BYTES = 10_000, 64 * 1024 * 1024
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Heard:
    topic: Topic
    client_id: str
    payload: bytes


class SyncService:
    """One for the application; ``take`` is given every message, ``loops`` run beside the API."""

    def __init__(
        self,
        sessions: Sessions,
        dsn: str,
        clock: Clock,
        keys: SyncKeys,
        *,
        send: Callable[[Messages], Awaitable[bool]],
        consequences: Consequences = no_consequences,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Publish through *send*; *consequences*: see ``Inbox``."""
        self._sessions, self._send, self._monotonic = sessions, send, monotonic
        self._signing = CryptoKey(keys.signing_jwk())
        self._views = DeviceViews()
        self._inbox = Inbox(sessions, clock, CryptoKey(keys.encryption_jwk()), consequences)
        self._waiting: asyncio.Queue[_Heard | Whereabouts] = asyncio.Queue(MOST_WAITING)
        self._waiting_bytes = 0
        self._requests: dict[str, _Heard] = {}
        self._answered_at: dict[str, float] = {}
        self._lagging: dict[str, float] = {}
        self.publication = Publication(sessions, dsn, self._views, self._signing, send)

    @property
    def loops(self) -> Mapping[str, Loop]:
        """Return what has to run, by name."""
        return {"sync-publisher": self.publication.run, "sync-inbox": self._run}

    def take(self, topic: str, payload: bytes) -> None:
        """Take a message from the broker; returns at once."""
        parsed = parse(topic)
        if parsed is None:
            return
        client_id = parsed.params.get("client_id", "")
        if parsed.topic is Topic.HEARTBEAT:
            self._notice(client_id, payload)
        elif parsed.topic is Topic.SYNC_CHANGES:
            self._queue(_Heard(parsed.topic, client_id, payload))
        elif parsed.topic is Topic.SYNC_REQUEST:
            self._queue_request(_Heard(parsed.topic, client_id, payload))

    def _queue_request(self, request: _Heard) -> None:
        """
        Let only the newest request of a device wait: an answer to one that it has replaced would be ignored.

        One that comes soon after an answer waits until its time has come.
        """
        client_id = request.client_id
        if len(request.payload) > MOST_REQUEST_BYTES:
            _log.warning("sync.request_refused", client_id=client_id, why="it is too large")
            return
        if client_id in self._requests:
            self._requests[client_id] = request
            return
        wait_s = self._answered_at.get(client_id, float("-inf")) + ANSWERS_APART_S - self._monotonic()
        if wait_s > 0:
            self._requests[client_id] = request
            asyncio.get_running_loop().call_later(wait_s, self._queue_delayed, client_id)
        elif self._queue(request):
            self._requests[client_id] = request

    def _queue_delayed(self, client_id: str) -> None:
        if not self._queue(self._requests[client_id]):
            del self._requests[client_id]

    def _note_answer(self, client_id: str) -> None:
        """Remember when the device was answered, and forget those whose next request need not wait any more."""
        now = self._monotonic()
        self._answered_at.pop(client_id, None)  # the oldest stand first
        self._answered_at[client_id] = now
        while self._answered_at[oldest := next(iter(self._answered_at))] + ANSWERS_APART_S <= now:
            del self._answered_at[oldest]

    def _queue(self, item: _Heard | Whereabouts) -> bool:
        if self._waiting.full() or self._waiting_bytes + _size(item) > MOST_WAITING_BYTES:
            # Devices send and ask again.
            _log.warning("sync.too_much_waiting", client_id=item.client_id)
            return False
        self._waiting.put_nowait(item)
        self._waiting_bytes += _size(item)
        return True

    def _notice(self, client_id: str, payload: bytes) -> None:
        """Catch up a device whose heartbeats stay behind what concerned it."""
        reached = self.publication.reached
        try:
            heartbeat = decode(Heartbeat, payload)
        except ContractError:
            return
        version = heartbeat.identity_version
        if reached is None or version is None or heartbeat.client_id != client_id:
            return
        if version >= reached.for_device(client_id):
            self._lagging.pop(client_id, None)
            return
        since = self._lagging.setdefault(client_id, self._monotonic())
        if self._monotonic() - since >= LAGS_AFTER_S:
            self._lagging[client_id] = self._monotonic()
            self._queue(Whereabouts(client_id, heartbeat.history, version))

    async def _run(self) -> None:
        """Handle what waits, one after the other, until cancelled."""
        while True:
            item = await self._waiting.get()
            self._waiting_bytes -= _size(item)
            try:
                await self.handle(item)
            except (SQLAlchemyError, OSError) as error:
                # The device asks or sends again.
                _log.warning("sync.database_away", error=type(error).__name__, client_id=item.client_id)
            except Exception:  # noqa: BLE001 - one bad message must not hold up the others
                _log.exception("sync.message_failed", client_id=item.client_id)

    async def handle(self, item: _Heard | Whereabouts) -> None:
        """Handle one message, or one device that lags."""
        if isinstance(item, Whereabouts):
            _log.info("sync.device_lags", client_id=item.client_id, version=item.version)
            await self._catch_up(item)
        elif item.topic is Topic.SYNC_CHANGES:
            answered = await self._inbox.handle(item.client_id, item.payload)
            if answered is not None:
                device, message = answered
                await self._send([seal(message, device, self._signing)])
        else:
            self._note_answer(item.client_id)
            await self._answer_request(self._requests.pop(item.client_id, item))

    async def _answer_request(self, item: _Heard) -> None:
        try:
            request = decode(SyncRequest, item.payload)
        except ContractError as error:
            _log.warning("sync.request_refused", client_id=item.client_id, why=str(error))
            return
        if request.client_id != item.client_id:
            _log.warning("sync.request_refused", client_id=item.client_id, why="it names another device")
            return
        where = Whereabouts(item.client_id, request.history, request.from_version, request.digest, request.nonce)
        await self._catch_up(where)

    async def _catch_up(self, where: Whereabouts) -> None:
        async with snapshot(self._sessions) as (session, counter):
            device = await session.get(Device, where.client_id)
            if device is None or device.revoked_at is not None:
                _log.warning("sync.request_refused", client_id=where.client_id, why="not an enrolled device")
                return
            messages = await answer(session, counter, self._views, where)
        await self._send(seal(message, device, self._signing) for message in messages)


def _size(item: _Heard | Whereabouts) -> int:
    return len(item.payload) if isinstance(item, _Heard) else 0

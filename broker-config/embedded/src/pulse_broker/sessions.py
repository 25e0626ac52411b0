"""
The sessions: what is kept under a client id while its connections come and go.

A session belongs to one user name; somebody else's token under the same client id begins a new one. Whoever
changes who is connected under a client id holds its ``turn``. Everything here is in memory and bounded; a
session without a connection ends after ``EXPIRY_S``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from pulse_acl.decide import Principal

from .access import Access
from .hub import Hub, Link
from .messages import Message
from .metrics import Metrics
from .outgoing import Budget, OutgoingQueue

log = structlog.get_logger()
EXPIRY_S = 2 * 3600
MAX_SESSIONS = 2_000
MAX_SESSIONS_OF_ONE = 100  # user name: people get a fresh client id for each of their connections
MAX_SUBSCRIPTIONS = 500


class End(StrEnum):
    """Why a connection ended."""

    DISCONNECT = "disconnect"
    PEER_GONE = "peer_gone"
    KEEPALIVE = "keepalive"
    PROTOCOL = "protocol"
    TAKEN_OVER = "taken_over"
    KICKED = "kicked"
    BANNED = "banned"
    EXPIRED = "expired"
    SLOW = "slow_consumer"
    HUB = "hub"
    SHUTDOWN = "shutdown"


# EMQX publishes no will of an expired token either; who is banned has no say any more.
WITHOUT_WILL = frozenset({End.DISCONNECT, End.BANNED, End.EXPIRED, End.SHUTDOWN})


class Consumer(Protocol):
    """The connection of a session, as far as the session needs it."""

    finished: asyncio.Event
    peer: str
    keepalive_s: int
    expires_at: int
    connected_at: float

    def wake(self) -> None:
        """Something waits in the queue."""

    def end(self, why: End) -> None:
        """Close the connection; ``finished`` is set when that is done, its will included."""


class SessionLimitError(Exception):
    """There are too many sessions."""


class Session:
    """One MQTT session; ``granted`` are its filters with their QoS, allowed by the present token or not."""

    def __init__(
        self,
        principal: Principal,
        *,
        clean: bool,
        budget: Budget,
        metrics: Metrics,
        at: float,
        relieve: Callable[[], None],
    ) -> None:
        """*relieve* frees some of the *budget*, where most of it is held."""
        self.clean, self.created_at = clean, at
        self.granted: dict[str, int] = {}
        self.access = Access(principal, self.granted)
        self.queue = OutgoingQueue(budget)
        self.awaiting_release: set[int] = set()
        self.connection: Consumer | None = None
        self.disconnected_at: float | None = None
        self.dropped = 0
        self.link: Link | None = None
        self._metrics, self._relieve = metrics, relieve

    @property
    def principal(self) -> Principal:
        """Whom the session's newest token is for."""
        return self.access.principal

    def renew(self, principal: Principal) -> None:
        """Put the session under a new token: what that one does not allow is gone from the queue."""
        self.access = Access(principal, self.granted)
        forgotten = self.queue.resume(self.access.receiving)
        self._count_dropped("not_allowed", forgotten)

    def deliver(self, message: Message) -> None:
        """Queue a message for the client, if its token and subscriptions are for it."""
        granted_qos = self.access.receiving(message.topic)
        if granted_qos is None:
            self._count_dropped("not_allowed", 1)
            return
        qos = min(message.qos, granted_qos)
        if self.connection is None and not qos:
            return
        if not self._put(message, qos):
            self._make_room(message, qos)
        if self.connection is not None:
            self.connection.wake()

    def _put(self, message: Message, qos: int) -> bool:
        """Queue *message*; when all queues together are full, whoever holds most pays for it."""
        if self.queue.put(message, qos):
            return True
        if self.queue.has_room(message):
            self._relieve()
        return self.queue.put(message, qos)

    def give_up_queue(self) -> None:
        """Forget all that waits; a client that is connected loses its connection and begins anew."""
        self._count_dropped("queue_full", len(self.queue) + self.queue.in_flight)
        self.queue.clear()
        if self.connection is not None:
            self.connection.end(End.SLOW)

    def _make_room(self, message: Message, qos: int) -> None:
        """The oldest goes first, as on EMQX; a client that is connected is too slow and loses its connection."""
        dropped, placed = 0, False
        while not placed and self.queue.drop_oldest():
            dropped += 1
            placed = self.queue.put(message, qos)
        self._count_dropped("queue_full", dropped + (not placed))
        if self.connection is not None:
            self.connection.end(End.SLOW)

    def _count_dropped(self, reason: str, number: int) -> None:
        if number:
            self.dropped += number if reason == "queue_full" else 0
            self._metrics.deliveries_dropped.labels(reason).inc(number)

    def lost(self) -> None:
        """The hub gave the session up: the client has to begin anew."""
        self.link = None
        if self.connection is not None:
            self.connection.end(End.HUB)


class Sessions:
    """All sessions by client id."""

    def __init__(self, hub: Hub, metrics: Metrics, now: Callable[[], float]) -> None:
        """Take *now* as the clock, seconds since 1970."""
        self._hub, self._metrics, self._now = hub, metrics, now
        self._sessions: dict[str, Session] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.budget = Budget()

    def turn(self, client_id: str) -> asyncio.Lock:
        """Return the lock to be held while the connection under *client_id* changes."""
        return self._turns.setdefault(client_id, asyncio.Lock())

    def get(self, client_id: str) -> Session | None:
        """Return the session of *client_id*."""
        return self._sessions.get(client_id)

    def all(self) -> list[Session]:
        """Return all sessions."""
        return list(self._sessions.values())

    async def open(self, principal: Principal, *, clean: bool) -> tuple[Session, bool]:
        """
        Return the session for a new connection, and whether it was there before.

        Raises:
            SessionLimitError: Too many sessions.
            HubError: amqtt did not take it.
        """
        old = self._sessions.get(principal.client_id)
        if old is not None:
            if not clean and not old.clean and old.link is not None and old.principal.username == principal.username:
                old.renew(principal)
                return old, True
            await self.drop(old)
        self._check_room(principal.username)
        session = Session(
            principal,
            clean=clean,
            budget=self.budget,
            metrics=self._metrics,
            at=self._now(),
            relieve=self._relieve,
        )
        session.link = await self._hub.open_link(session.deliver, session.lost)
        self._sessions[principal.client_id] = session
        self._metrics.sessions.set(len(self._sessions))
        return session, False

    async def drop(self, session: Session) -> None:
        """Forget *session* and its queue; its connection has ended by then."""
        if self._sessions.get(session.principal.client_id) is session:
            del self._sessions[session.principal.client_id]
        self._metrics.sessions.set(len(self._sessions))
        session.granted.clear()
        session.access.granted_changed()
        session.queue.clear()
        link, session.link = session.link, None
        if link is not None:
            await link.close()

    async def end_connection(self, client_id: str, why: End) -> None:
        """End the connection under *client_id*, if there is one, and wait until nothing of it is left."""
        session = self._sessions.get(client_id)
        if session is not None and session.connection is not None:
            connection = session.connection
            connection.end(why)
            await connection.finished.wait()

    async def sweep(self) -> None:
        """Drop the sessions that were left alone for too long."""
        for client_id, session in list(self._sessions.items()):
            async with self.turn(client_id):
                left_at = session.disconnected_at
                if self._sessions.get(client_id) is not session or session.connection is not None or left_at is None:
                    continue
                if left_at + EXPIRY_S <= self._now():
                    log.info("sessions.session_expired", client_id=client_id, queued=len(session.queue))
                    await self.drop(session)

    async def close(self) -> None:
        """Drop all sessions; their connections have ended by then."""
        await asyncio.gather(*(self.drop(session) for session in self.all()))

    def _relieve(self) -> None:
        max(self._sessions.values(), key=lambda session: session.queue.held_bytes).give_up_queue()

    def _check_room(self, username: str) -> None:
        if len(self._sessions) >= MAX_SESSIONS:
            raise SessionLimitError(f"{MAX_SESSIONS} sessions are there already")
        if sum(session.principal.username == username for session in self._sessions.values()) >= MAX_SESSIONS_OF_ONE:
            raise SessionLimitError(f"{username} has {MAX_SESSIONS_OF_ONE} sessions already")

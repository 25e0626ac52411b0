"""
The gate: every connection comes through here, and nothing behind it hears of one that is refused.

It reads the CONNECT within ``CONNECT_WITHIN_S``, has it judged, ends an older connection of the same client id
and waits for that, and only then passes the new one on. It also ends connections on command. The rules are in
``admission``; the life of a connection is in ``connection``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from .admission import Admission, RefusedError
from .connection import Connection
from .hub import HubError
from .messages import Message
from .metrics import Metrics
from .packets import (
    MAX_CONNECT_BYTES,
    MAX_PACKET_BYTES,
    Connack,
    Connect,
    Kind,
    PacketBuffer,
    PacketError,
    UnsupportedVersionError,
    connack,
    read_connect,
)
from .publishing import Publishing
from .retained import RetainedStore
from .sessions import WITHOUT_WILL, End, Session, SessionLimitError, Sessions
from .tokens import Token
from .transports import Transport

log = structlog.get_logger()
CONNECT_WITHIN_S = 5.0
MAX_AWAITING_CONNECT = 200
MAX_CONNECTIONS = 1_000
MAX_LOGGED_NAME = 100
MAX_LOGGED_DETAIL = 300


@dataclass(frozen=True, slots=True)
class GateParts:
    """What the gate works with."""

    admission: Admission
    sessions: Sessions
    publishing: Publishing
    retained: RetainedStore
    metrics: Metrics
    now: Callable[[], float]


class Gate:
    """Lets connections in, or not."""

    def __init__(
        self,
        parts: GateParts,
        *,
        connect_within_s: float = CONNECT_WITHIN_S,
        max_awaiting: int = MAX_AWAITING_CONNECT,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._parts = parts
        self._connect_within_s, self._max_awaiting, self._max_connections = (
            connect_within_s,
            max_awaiting,
            max_connections,
        )
        self._awaiting = 0
        self._connections: set[Connection] = set()
        self._closing = False

    async def serve(self, transport: Transport) -> None:
        """Serve one connection from its first byte to its last; never raises for what a client does."""
        connect = None
        try:
            found = await self._await_connect(transport)
            if found is not None:
                connect, buffer = found
                await self._admit(transport, connect, buffer)
        except RefusedError as refused:
            await self._refuse(transport, refused, connect)
        except Exception:
            log.exception("gate.connection_failed", peer=transport.peer, listener=transport.listener)
        finally:
            transport.abort()

    async def _await_connect(self, transport: Transport) -> tuple[Connect, PacketBuffer] | None:
        if self._awaiting >= self._max_awaiting or self._closing:
            self._count_silent(transport, "too_many_awaiting", "too many connections without CONNECT")
            return None
        self._awaiting += 1
        try:
            async with asyncio.timeout(self._connect_within_s):
                return await _read_connect(transport)
        except TimeoutError:
            self._count_silent(transport, "no_connect", "no CONNECT in time")
        except UnsupportedVersionError as error:
            await self._refuse(transport, RefusedError(Connack.WRONG_VERSION, "version", str(error)), None)
        except (PacketError, OSError) as error:
            self._count_silent(transport, "malformed", str(error))
        finally:
            self._awaiting -= 1
        return None

    def _count_silent(self, transport: Transport, reason: str, detail: str) -> None:
        """Count and log a connection that is closed without a CONNACK."""
        self._parts.metrics.connects_refused.labels(reason).inc()
        log.warning(
            "gate.connection_dropped", reason=reason, detail=detail, peer=transport.peer, listener=transport.listener
        )

    async def _refuse(self, transport: Transport, refused: RefusedError, connect: Connect | None) -> None:
        self._parts.metrics.connects_refused.labels(refused.reason).inc()
        log.warning(
            "gate.connect_refused",
            reason=refused.reason,
            detail=str(refused)[:MAX_LOGGED_DETAIL],
            code=int(refused.code),
            client_id=connect.client_id[:MAX_LOGGED_NAME] if connect else None,
            username=(connect.username or "")[:MAX_LOGGED_NAME] if connect else None,
            peer=transport.peer,
            listener=transport.listener,
        )
        transport.write(connack(refused.code))
        await transport.close()

    async def _admit(self, transport: Transport, connect: Connect, buffer: PacketBuffer) -> None:
        token = self._parts.admission.judge(connect)
        connection = await self._open(transport, connect, buffer, token)
        why = End.SHUTDOWN
        try:
            why = await connection.run()
        finally:
            await self._leave(connection, connect, token, why)

    async def _open(self, transport: Transport, connect: Connect, buffer: PacketBuffer, token: Token) -> Connection:
        """Take the client id over and answer the CONNECT; nothing is left of an older connection when this returns."""
        parts, client_id = self._parts, token.principal.client_id
        async with parts.sessions.turn(client_id):
            await parts.sessions.end_connection(client_id, End.TAKEN_OVER)
            self._check_open()
            parts.admission.check_again(token)
            session, present = await self._open_session(token, clean=connect.clean)
            connection = Connection(
                transport,
                buffer,
                session,
                token,
                connect.keepalive_s,
                publishing=parts.publishing,
                retained=parts.retained,
                metrics=parts.metrics,
                now=parts.now,
            )
            session.connection, session.disconnected_at = connection, None
            self._connections.add(connection)
            parts.metrics.connections.set(len(self._connections))
        transport.write(connack(Connack.ACCEPTED, session_present=present))
        log.info(
            "gate.client_connected",
            client_id=client_id,
            username=token.principal.username,
            session_present=present,
            peer=transport.peer,
            listener=transport.listener,
        )
        return connection

    def _check_open(self) -> None:
        if self._closing or len(self._connections) >= self._max_connections:
            raise RefusedError(Connack.UNAVAILABLE, "too_many", "the broker is full or closing")

    async def _open_session(self, token: Token, *, clean: bool) -> tuple[Session, bool]:
        try:
            return await self._parts.sessions.open(token.principal, clean=clean)
        except (SessionLimitError, HubError) as error:
            raise RefusedError(Connack.UNAVAILABLE, "session", str(error)) from error

    async def _leave(self, connection: Connection, connect: Connect, token: Token, why: End) -> None:
        """Publish the will if it is due, drop a clean session, and say that nothing is left."""
        parts, principal = self._parts, token.principal
        session = parts.sessions.get(principal.client_id)
        try:
            log.info("gate.client_left", client_id=principal.client_id, username=principal.username, reason=why)
            parts.metrics.connections_ended.labels(why).inc()
            await self._publish_will(connect, token, why)
            if session is not None and session.connection is connection:
                session.connection, session.disconnected_at = None, parts.now()
                if session.clean or session.link is None:
                    await parts.sessions.drop(session)
        finally:
            self._connections.discard(connection)
            parts.metrics.connections.set(len(self._connections))
            connection.finished.set()

    async def _publish_will(self, connect: Connect, token: Token, why: End) -> None:
        if connect.will is None or why in WITHOUT_WILL:
            return
        try:
            self._parts.admission.check_again(token)
        except RefusedError:
            return
        will = connect.will
        await self._parts.publishing.publish(
            Message(will.topic, will.payload, min(will.qos, 1), will.retain),
            username=token.principal.username,
            client_id=token.principal.client_id,
        )

    async def kick(self, client_id: str, why: End = End.KICKED) -> bool:
        """End the connection and the session of *client_id*; tell whether there was one."""
        sessions = self._parts.sessions
        async with sessions.turn(client_id):
            session = sessions.get(client_id)
            if session is None:
                return False
            await sessions.end_connection(client_id, why)
            await sessions.drop(session)
        return True

    async def close(self) -> None:
        """Let nobody in any more and end all connections."""
        self._closing = True
        ending = list(self._connections)
        for connection in ending:
            connection.end(End.SHUTDOWN)
        for connection in ending:
            await connection.finished.wait()


async def _read_connect(transport: Transport) -> tuple[Connect, PacketBuffer]:
    buffer = PacketBuffer(MAX_CONNECT_BYTES)
    while (packet := buffer.take()) is None:
        data = await transport.read()
        if not data:
            raise PacketError("closed before a CONNECT")
        buffer.feed(data)
        if buffer.first_byte != Kind.CONNECT << 4:
            raise PacketError("the first packet is no CONNECT")
    buffer.limit = MAX_PACKET_BYTES
    return read_connect(packet), buffer

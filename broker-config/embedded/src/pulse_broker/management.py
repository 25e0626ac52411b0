"""
The management interface: those REST paths of EMQX 5.8 that PrecisionPulse uses, with EMQX's answers.

On loopback, behind a key from a 0600 file. A ban by client id ends the session, as on EMQX; one by user name
only keeps new connections out, so whoever makes one kicks as well. ``management_guard`` stands before all of it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Litestar, Request, Response, Router, delete, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery, JSONBody, PathParameter, QueryParameter

from pulse_acl.matching import is_valid_topic
from pulse_acl.payloads import format_time

from .bans import Ban, BanExistsError, Bans
from .gate import Gate, GateParts
from .messages import Message
from .sessions import End, Session

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_LISTED = 1_000
Json = dict[str, Any]
# The key of this interface is the auth API's alone, so what comes through it is the auth API's.
OWN_USERNAME, OWN_CLIENT_ID = "service:auth-api", "svc:auth-api:management"


class BanRequest(msgspec.Struct, frozen=True, rename={"kind": "as"}):
    """A ban as it is asked for."""

    kind: Literal["clientid", "username"]
    who: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    reason: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    by: Annotated[str, msgspec.Meta(max_length=512)] = "mgmt_api"
    until: str = "infinity"


class PublishRequest(msgspec.Struct, frozen=True):
    """A message to be published by the broker."""

    topic: str
    payload: str
    qos: Annotated[int, msgspec.Meta(ge=0, le=2)] = 0
    retain: bool = False
    payload_encoding: Literal["plain", "base64"] = "plain"


class ManagementError(HTTPException):
    """An answer of EMQX's form: ``code`` and ``message``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status_code=status, detail=message)
        self.code = code


class Management:
    """The paths; ``app`` is the ASGI application without its guard."""

    def __init__(self, gate: Gate, parts: GateParts, bans: Bans) -> None:
        self._gate, self._bans = gate, bans
        self._sessions, self._publishing = parts.sessions, parts.publishing
        self._metrics, self._now, self._admission = parts.metrics, parts.now, parts.admission

    def app(self) -> Litestar:
        """Return the ASGI application."""
        return Litestar(
            [
                self._status_route(),
                self._ready_route(),
                self._metrics_route(),
                Router("/api/v5", route_handlers=[*self._client_routes(), *self._ban_routes(), self._publish_route()]),
            ],
            exception_handlers={HTTPException: _problem},
            request_max_body_size=MAX_BODY_BYTES,
            openapi_config=None,
            logging_config=None,
        )

    def _status_route(self) -> Any:
        @get("/status", media_type="text/plain", sync_to_thread=False)
        def status() -> str:
            return "Node pulse-broker is started\npulse-broker is running"

        return status

    def _ready_route(self) -> Any:
        @get("/readyz", sync_to_thread=False)
        def readyz() -> Response[Json]:
            # Without keys the program runs and refuses everybody, which ``/status``, like EMQX's, does not tell.
            keys = "ok" if self._admission.is_ready else "missing: the auth API has not written them yet"
            return Response({"checks": {"keys": keys}}, status_code=200 if self._admission.is_ready else 503)

        return readyz

    def _metrics_route(self) -> Any:
        @get("/metrics", media_type="text/plain; version=0.0.4", sync_to_thread=False)
        def metrics() -> bytes:
            self._metrics.queued_bytes.set(self._sessions.budget.used)
            return self._metrics.exposition()

        return metrics

    def _client_routes(self) -> list[Any]:
        @get("/clients", sync_to_thread=False)
        def clients(username: FromQuery[str | None] = None, clientid: FromQuery[str | None] = None) -> Json:
            found = [
                self._describe(session)
                for session in self._sessions.all()
                if username in {None, session.principal.username} and clientid in {None, session.principal.client_id}
            ]
            return _listed(found)

        @get("/clients/{client_id:str}", sync_to_thread=False)
        def client(client_id: FromPath[str]) -> Json:
            session = self._sessions.get(client_id)
            if session is None:
                raise _unknown_client()
            return self._describe(session)

        @delete("/clients/{client_id:str}")
        async def kick(client_id: FromPath[str]) -> None:
            if not await self._gate.kick(client_id):
                raise _unknown_client()

        @post("/clients/kickout/bulk", status_code=204)
        async def kick_many(data: JSONBody[list[str]]) -> None:
            await asyncio.gather(*(self._gate.kick(client_id) for client_id in set(data)))

        return [clients, client, kick, kick_many]

    def _ban_routes(self) -> list[Any]:
        @get("/banned", sync_to_thread=False)
        def bans(page: Annotated[int, QueryParameter(ge=1)] = 1) -> Json:
            return _listed([msgspec.to_builtins(ban) for ban in self._bans.list()], page)

        @post("/banned", status_code=200)
        async def ban(data: JSONBody[BanRequest]) -> Json:
            made = Ban(data.kind, data.who, data.reason, data.by, _written(self._now()), data.until)
            try:
                await self._bans.add(made)
            except BanExistsError as error:
                raise ManagementError(400, "ALREADY_EXISTS", f"{data.kind} {data.who} is banned already") from error
            except ValueError as error:
                raise ManagementError(400, "BAD_REQUEST", f"until: {error}") from error
            if made.kind == "clientid":
                await self._gate.kick(made.who, End.BANNED)
            return msgspec.to_builtins(made)  # type: ignore[no-any-return]

        @delete("/banned/{kind:str}/{who:str}")
        async def lift(
            kind: Annotated[str, PathParameter(pattern="^(clientid|username)$")], who: FromPath[str]
        ) -> None:
            if not await self._bans.remove("clientid" if kind == "clientid" else "username", who):
                raise ManagementError(404, "NOT_FOUND", f"{kind}: {who} not found")

        return [bans, ban, lift]

    def _publish_route(self) -> Any:
        @post("/publish", status_code=200)
        async def publish(data: JSONBody[PublishRequest]) -> Response[Json]:
            if not is_valid_topic(data.topic) or data.topic.startswith("$"):
                return Response({"reason_code": 144, "message": "topic_name_invalid"}, status_code=400)
            message = Message(data.topic, _payload(data), min(data.qos, 1), data.retain)
            await self._publishing.publish(message, username=OWN_USERNAME, client_id=OWN_CLIENT_ID)
            if not any(session.access.receiving(data.topic) is not None for session in self._sessions.all()):
                return Response({"reason_code": 16, "message": "no_matching_subscribers"}, status_code=202)
            return Response({"id": secrets.token_hex(16).upper()}, status_code=200)

        return publish

    def _describe(self, session: Session) -> Json:
        connection = session.connection
        found: Json = {
            "clientid": session.principal.client_id,
            "username": session.principal.username,
            "connected": connection is not None,
            "clean_start": session.clean,
            "proto_name": "MQTT",
            "proto_ver": 4,
            "created_at": _written(session.created_at),
            "subscriptions_cnt": len(session.granted),
            "mqueue_len": len(session.queue),
            "mqueue_dropped": session.dropped,
            "inflight_cnt": session.queue.in_flight,
        }
        if connection is not None:
            address, _, port = connection.peer.rpartition(":")
            found |= {
                "ip_address": address,
                "port": int(port or 0),
                "keepalive": connection.keepalive_s,
                "connected_at": _written(connection.connected_at),
                "auth_expire_at": connection.expires_at * 1000,
            }
        elif session.disconnected_at is not None:
            found["disconnected_at"] = _written(session.disconnected_at)
        return found


def _payload(data: JSONBody[PublishRequest]) -> bytes:
    if data.payload_encoding == "plain":
        return data.payload.encode()
    try:
        return base64.b64decode(data.payload, validate=True)
    except binascii.Error as error:
        raise ManagementError(400, "BAD_REQUEST", "the payload is not base64") from error


def _listed(found: list[Any], page: int = 1) -> Json:
    first = (page - 1) * MAX_LISTED
    return {
        "data": found[first : first + MAX_LISTED],
        "meta": {"count": len(found), "limit": MAX_LISTED, "page": page, "hasnext": len(found) > first + MAX_LISTED},
    }


def _written(at: float) -> str:
    return format_time(datetime.fromtimestamp(at, UTC))


def _unknown_client() -> ManagementError:
    return ManagementError(404, "CLIENTID_NOT_FOUND", "Client ID not found")


def _problem(_: Request[Any, Any, Any], error: HTTPException) -> Response[Json]:
    code = (
        error.code if isinstance(error, ManagementError) else {404: "NOT_FOUND"}.get(error.status_code, "BAD_REQUEST")
    )
    return Response({"code": code, "message": error.detail}, status_code=error.status_code)

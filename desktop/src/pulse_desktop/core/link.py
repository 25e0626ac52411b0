"""
Keeps the device connected: a token, a connection, and both anew when they end.

Its thread is the only one that waits for the network, so that delivery and sampling never do. A token is
renewed at 80 % of its life, the new one first and the connection after it. Source: access, "Tokens and keys".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

import structlog

from pulse_acl.topics import Topic, build

from .backoff import Backoff
from .clock import Clock
from .delivery import messages
from .errors import Link, LinkError
from .publisher import Callbacks, Connection, Endpoint, Login

log = structlog.get_logger()
RENEW_AT = 0.8
RENEW_JITTER = 0.05
STABLE_AFTER_S = 10.0


@dataclass(frozen=True, slots=True)
class Token:
    """A broker token; ``life_s`` seconds were left when it was fetched, by the server's clock."""

    username: str
    password: str
    life_s: float
    where: Endpoint
    clock_offset_ms: int


class TokenSource(Protocol):
    """Where tokens come from; see ``identity.tokens``."""

    def fetch(self) -> Token:
        """
        Return a fresh token.

        Raises:
            LinkError: Not to be had now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """What is told of the link: up (connection, clock offset), down, which link is missing, and what arrives."""

    on_up: Callable[[Connection, int], None]
    on_down: Callable[[], None]
    on_link: Callable[[Link, str], None]
    on_message: Callable[[str, bytes], None]
    on_acknowledged: Callable[[int], None]


def subscriptions(client_id: str) -> Sequence[str]:
    """Return the topics that a device of this version reads."""
    return (
        build(Topic.RECEIPT, client_id=client_id),
        build(Topic.SERVICE_STATUS, service="+", instance="+"),
    )


class LinkKeeper:
    """The thread that keeps the connection."""

    def __init__(self, client_id: str, tokens: TokenSource, listener: Listener, clock: Clock, random: Random) -> None:
        self._id, self._tokens, self._listener = client_id, tokens, listener
        self._clock, self._random = clock, random
        self._backoff = Backoff(random)
        self._token: Token | None = None
        self._expires_at = self._renew_at = float("-inf")
        self._stopping = False
        self._woken = threading.Event()  # set by stop, and by the loss of the connection
        self._lost: str | None = None
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 1.0) -> None:
        """Disconnect and end the thread."""
        self._stopping = True
        self._woken.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping:
            try:
                connection, token = self._connect()
            except LinkError as error:
                self._failed(error)
            except Exception as error:
                log.exception("desktop.link_broken")
                self._failed(LinkError(Link.NO_BROKER, f"an unexpected error: {error}"))
            else:
                self._keep(connection, token)

    def _connect(self) -> tuple[Connection, Token]:
        token = self._valid_token()
        login = Login(
            client_id=self._id,
            username=token.username,
            password=token.password,
            will_topic=build(Topic.HEARTBEAT, client_id=self._id),
            will=messages.will(self._id),
        )
        callbacks = Callbacks(self._listener.on_message, self._listener.on_acknowledged, self._on_lost)
        self._lost = None
        self._woken.clear()
        connection = Connection(login, subscriptions(self._id), callbacks)
        connection.open(token.where)
        return connection, token

    def _keep(self, connection: Connection, token: Token) -> None:
        up_since = self._clock.monotonic()
        self._listener.on_link(Link.UP, "")
        self._listener.on_up(connection, token.clock_offset_ms)
        self._wait_for_end(token)
        connection.close()
        self._listener.on_down()
        if self._lost is None:
            return
        self._listener.on_link(Link.CONNECTING, f"the connection was lost: {self._lost}")
        log.warning("desktop.connection_lost", reason=self._lost)
        if self._clock.monotonic() - up_since >= STABLE_AFTER_S:
            self._backoff.succeeded()
        self._pause(self._backoff.failed())

    def _wait_for_end(self, token: Token) -> None:
        """Return when the connection is lost, the program stops, or a newer token is there."""
        retry = Backoff(self._random)
        while not self._stopping and self._lost is None:
            wait_s = self._renew_at - self._clock.monotonic()
            if wait_s > 0:
                self._pause(wait_s)
                continue
            try:
                self._fetch()
            except LinkError as error:
                log.warning("desktop.token_not_renewed", reason=str(error))
                self._pause(retry.failed())
            else:
                log.info("desktop.token_renewed", life_s=token.life_s)
                return

    def _valid_token(self) -> Token:
        if self._token is None or self._clock.monotonic() >= self._expires_at:
            return self._fetch()
        return self._token

    def _fetch(self) -> Token:
        token = self._tokens.fetch()
        now = self._clock.monotonic()
        share = RENEW_AT + self._random.uniform(-RENEW_JITTER, RENEW_JITTER)
        self._token, self._expires_at, self._renew_at = token, now + token.life_s, now + share * token.life_s
        return token

    def _failed(self, error: LinkError) -> None:
        if error.link is Link.REFUSED:
            self._token = None  # whatever it was refused for, the next try brings a new one
        log.warning("desktop.not_connected", link=error.link, reason=error.detail)
        self._listener.on_link(error.link, error.detail)
        self._pause(self._backoff.failed())

    def _on_lost(self, reason: str) -> None:
        self._lost = reason
        self._woken.set()

    def _pause(self, wait_s: float) -> None:
        if self._stopping:
            return
        if self._lost is None:
            self._woken.wait(wait_s)
        else:
            self._woken.clear()
            self._woken.wait(wait_s)

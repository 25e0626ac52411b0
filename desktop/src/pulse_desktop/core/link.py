"""
Keeps the device connected: a token, a connection, and both anew when they end.

Its thread is the only one that waits for the network, so that delivery and sampling never do. A token is
renewed at 80 % of its life, the new one first and the connection after it. When another device takes the id over
again and again, it leaves that one time instead of fighting. Source: access, "Tokens and keys"; delivery, "The
device", point 6. Read next: ``takeover``.
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
from .errors import CutOffError, Link, LinkError
from .mirror_topics import COMMAND_TOPICS, SYNC_TOPICS
from .publisher import Callbacks, Connection, Endpoint, Login
from .takeover import CALM_AFTER_S, LEAST_WAIT_S, MOST_WAIT_S, TakeoverWatch

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
    on_message: Callable[[str, bytes, bool], None]
    on_acknowledged: Callable[[int], None]


def subscriptions(client_id: str) -> Sequence[str]:
    """Return the topics that a device of this version reads."""
    return (
        build(Topic.RECEIPT, client_id=client_id),
        build(Topic.SERVICE_STATUS, service="+", instance="+"),
        *(build(topic, client_id=client_id) for topic in (*SYNC_TOPICS, *COMMAND_TOPICS)),
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
        self._was_cut_off = False
        self._takeovers = TakeoverWatch()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Tell whether the thread is alive."""
        return self._thread.is_alive()

    def foreign_receipt(self) -> None:
        """Note that a receipt came for a stream that this device never made; from any thread."""
        self._takeovers.foreign_receipt(self._clock.monotonic())

    def stop(self, timeout_s: float = 1.0) -> None:
        """Disconnect and end the thread."""
        self._stopping = True
        self._woken.set()
        if self._thread.is_alive():  # a device that starts by half stops what never ran, too
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
        self._listener.on_link(Link.UP, Link.TAKEN_OVER if self._takeovers.is_suspected else "")
        self._listener.on_up(connection, token.clock_offset_ms)
        self._wait_for_end(token, up_since)
        connection.close()
        self._listener.on_down()
        if self._lost is None:
            return
        now = self._clock.monotonic()
        log.warning("desktop.connection_lost", reason=self._lost, lived_s=round(now - up_since, 1))
        if self._was_cut_off:
            self._takeovers.ended(now - up_since, now)
        if now - up_since >= STABLE_AFTER_S:
            self._backoff.succeeded()
        self._try_later(Link.CONNECTING, f"the connection was lost: {self._lost}", was_cut_off=self._was_cut_off)

    def _try_later(self, link: Link, detail: str, *, was_cut_off: bool) -> None:
        wait_s = self._backoff.failed()
        if was_cut_off and self._takeovers.is_suspected:
            link, wait_s = Link.TAKEN_OVER, self._random.uniform(LEAST_WAIT_S, MOST_WAIT_S)
            log.warning("desktop.id_taken_over", reason=detail, again_in_s=round(wait_s, 1))
        self._listener.on_link(link, detail)
        self._pause(wait_s)

    def _wait_for_end(self, token: Token, up_since: float) -> None:
        """Return when the connection is lost, the program stops, or a newer token is there."""
        retry = Backoff(self._random)
        while not self._stopping and self._lost is None:
            now = self._clock.monotonic()
            if self._takeovers.is_suspected and now >= up_since + CALM_AFTER_S:
                self._takeovers.calm()
                self._listener.on_link(Link.UP, "")
            until = min(self._renew_at, up_since + CALM_AFTER_S) if self._takeovers.is_suspected else self._renew_at
            if until > now:
                self._woken.wait(until - now)
                continue
            try:
                self._fetch()
            except LinkError as error:
                log.warning("desktop.token_not_renewed", reason=str(error))
                self._woken.wait(retry.failed())
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
        was_cut_off = isinstance(error, CutOffError)
        if was_cut_off:
            self._takeovers.ended(0.0, self._clock.monotonic())
        else:
            self._takeovers.failed()
        if error.link in {Link.REFUSED, Link.REFUSED_HERE}:
            self._token = None  # whatever it was refused for, the next try brings a new one
        log.warning("desktop.not_connected", link=error.link, reason=error.detail)
        self._try_later(error.link, error.detail, was_cut_off=was_cut_off)

    def _on_lost(self, reason: str, was_cut_off: bool) -> None:  # noqa: FBT001 - a callback
        self._was_cut_off = was_cut_off
        self._lost = reason
        self._woken.set()

    def _pause(self, wait_s: float) -> None:
        self._woken.clear()  # it was set by the loss that is dealt with; while connected only ``_connect`` clears it
        if not self._stopping:  # looked at after the clearing: ``stop`` sets it before it wakes
            self._woken.wait(wait_s)

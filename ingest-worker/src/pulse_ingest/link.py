"""
Being connected to the broker, whatever happens: a token, a connection, its renewal, and noticing silence.

Keeps one ``Subscriber`` at a time and makes the next when it ends. Knows nothing of what messages mean. Read next:
``subscriber`` (one connection), ``tokens``, ``status`` (the sign of life).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from pulse_runtime.environment import checked_url
from pulse_runtime.errors import ConfigError

from .backoff import Backoff
from .clock import Clock
from .errors import LinkError, LinkLost, LinkRefused, TokenUnavailable
from .measures import Measures
from .messages import Raw
from .status import INTERVAL_S, SignOfLife, StatusSource
from .subscriber import REFUSED, TAKEN_OVER, Address, Subscriber, Taken
from .tokens import Grant, TokenSource

FILTERS = ("telemetry/+/live", "telemetry/+/buffered", "heartbeat/+", "audit/command", "command/+/result")
OWN_STATUS_FILTER = "system/ingest/+/status"
_RENEWAL_AGAIN_S = 30.0
_GAP_S = 5.0
_TELL_AGAIN_S = 30.0
# So many connections in a row that were ended sooner than this are no accident.
_TAKEN_OVER_TIMES = 4
_SOON_S = 30.0

log = structlog.get_logger()


class Link:
    """The connection that is always being kept up; ``run`` does the work."""

    def __init__(
        self,
        *,
        tokens: TokenSource,
        statuses: StatusSource,
        ca_file: Path,
        mqtt5: bool,
        measures: Measures,
        clock: Clock,
        interval_s: float = INTERVAL_S,
        is_contested: Callable[[], bool] = lambda: False,
    ) -> None:
        """
        Take the parts; ``on_message`` is to be set before ``run``.

        The status goes out every *interval_s*; *is_contested* tells whether another worker holds our instance's name.
        """
        self._is_contested = is_contested
        self._stood_since: float | None = None
        self._cut_short = 0
        self._is_closing = False
        self._interval_s = interval_s
        self.on_message: Taken = lambda _raw: None
        self._tokens = tokens
        self._statuses = statuses
        self._ca_file = ca_file
        self._mqtt5 = mqtt5
        self._measures = measures
        self._clock = clock
        self._grant: Grant | None = None
        self._renew_at = 0.0
        self._told = ("", "", 0.0)
        self._refusal_told = float("-inf")
        self._subscriber: Subscriber | None = None
        self._life: SignOfLife | None = None
        self._status_due = asyncio.Event()
        self._gap_over = asyncio.Event()
        self._gap_over.set()
        self._backoff = Backoff(first_s=0.2, most_s=3.0)

    @property
    def is_connected(self) -> bool:
        """Tell whether a subscribed connection stands."""
        return self._subscriber is not None

    @property
    def holds_back_nothing(self) -> bool:
        """Tell whether every message of this connection is acknowledged (MQTT 5)."""
        return self._subscriber is None or self._subscriber.held_back_since is None

    def status_changed(self) -> None:
        """Publish the status now instead of at the next interval."""
        self._status_due.set()

    def close(self) -> None:
        """Make no new connection when this one ends: what comes then is the next worker's, its name may be too."""
        self._is_closing = True

    async def publish(self, topic: str, payload: bytes) -> bool:
        """
        Send with QoS 1; ``False`` when there is no connection (nothing is kept for later).

        Waits a moment when a connection is being made with a renewed token.
        """
        try:
            async with asyncio.timeout(_GAP_S):
                await self._gap_over.wait()
        except TimeoutError:
            return False
        if self._subscriber is None:
            return False
        try:
            await self._subscriber.publish(topic, payload)
        except LinkLost:
            return False
        return True

    async def run(self) -> None:
        """
        Keep a connection until cancelled, or until it ends after ``close``.

        Raises:
            ConfigError: Another worker with our instance's name takes the connection over again and again.
        """
        while True:
            try:
                await self._once()
                self._stood_since, self._cut_short = None, 0
                continue
            except TokenUnavailable as error:
                self._tell("link.token_unavailable", str(error))
            except LinkRefused as error:
                self._grant = None
                self._tell("link.refused", str(error))
            except LinkError as error:
                self._tell("link.lost", str(error))
            self._judge_end()
            self._gap_over.set()
            if self._is_closing:
                return
            await self._backoff.wait()

    def _judge_end(self) -> None:
        """Give way when connections keep being ended soon, and another worker holds the name of our instance."""
        stood_since, self._stood_since = self._stood_since, None
        if stood_since is None:
            return
        if self._clock.monotonic() - stood_since >= _SOON_S:
            self._cut_short = 0
            self._backoff.reset()
            return
        self._cut_short += 1
        if self._cut_short == _TAKEN_OVER_TIMES:
            log.warning("link.cut_short", times=self._cut_short, hint="another client may use our client id")
        if self._cut_short >= _TAKEN_OVER_TIMES and self._is_contested():
            raise ConfigError(
                "Another worker with the same PULSE_INSTANCE takes the connection over again and again;"
                " give each worker a PULSE_INSTANCE of its own."
            )

    def _tell(self, event: str, reason: str) -> None:
        """Log a failure; the same one again only every 30 s."""
        now = self._clock.monotonic()
        if (event, reason) == self._told[:2] and now < self._told[2] + _TELL_AGAIN_S:
            return
        self._told = (event, reason, now)
        log.warning(event, reason=reason)

    async def leave(self) -> None:
        """Say OFFLINE and leave properly, after everything sent is acknowledged; call when ``run`` has ended."""
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is None:
            return
        with contextlib.suppress(LinkLost):
            await subscriber.acknowledged(2)
            await subscriber.publish(self._statuses.topic, self._statuses.offline(self._clock.now()), retain=True)
            await subscriber.acknowledged(2)
        await subscriber.close()

    async def _once(self) -> None:
        """Connect, subscribe and watch; return when it is time for a new token."""
        grant = await self._fresh_grant()
        subscriber = Subscriber(self._address(grant), self._message_came, self._clock, self._reason_came)
        keep = False
        try:
            await subscriber.connect()
            self._life = SignOfLife(self._clock.monotonic(), interval_s=self._interval_s)
            await self._subscribe(subscriber, grant.shared_group)
            self._subscriber = subscriber
            self._gap_over.set()
            self._measures.reconnects.inc()
            self._stood_since = self._clock.monotonic()
            log.info("link.connected", client_id=grant.client_id, host=urlsplit(grant.mqtts_url).netloc)
            await self._watch(subscriber)
            while not await self._renewed():
                await self._watch(subscriber)
            self._gap_over.clear()
            self._subscriber = None
            await subscriber.acknowledged(1)
        except asyncio.CancelledError:
            keep = self._subscriber is subscriber  # ``leave`` ends it, after the last receipts
            raise
        finally:
            if not keep:
                self._subscriber = None
                await subscriber.close()

    async def _subscribe(self, subscriber: Subscriber, group: str) -> None:
        try:
            await subscriber.subscribe(self._filters(group))
        except LinkRefused as error:  # its words are logged, and the name is a secret
            raise LinkRefused(str(error).replace(f"$share/{group}/", "$share/…/")) from None

    async def _watch(self, subscriber: Subscriber) -> None:
        """Publish the status and look for it; return at half of the token's life."""
        while self._clock.monotonic() < self._renew_at:
            self._status_due.clear()  # before the status is made, so that no change falls between
            await self._say_status(subscriber)
            ended = asyncio.ensure_future(subscriber.ended.wait())
            due = asyncio.ensure_future(self._status_due.wait())
            await asyncio.wait({ended, due}, timeout=self._interval_s, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            due.cancel()
            if subscriber.ended.is_set():
                raise LinkLost(_end_of(subscriber.end_reason))
            self._judge_silence(subscriber)

    def _judge_silence(self, subscriber: Subscriber) -> None:
        """Raise ``LinkLost`` when the own status does not come back though the broker is free to send it."""
        now, held_back_since = self._clock.monotonic(), subscriber.held_back_since
        if self._life is None:
            return
        if held_back_since is not None and held_back_since < now - self._interval_s:
            self._life.excused(now)
        elif self._life.is_silent(now):
            raise LinkLost("our own status does not come back")

    async def _say_status(self, subscriber: Subscriber) -> None:
        payload = self._statuses.present(self._clock.now())
        if self._life is not None:
            self._life.sent(payload)
        await subscriber.publish(self._statuses.topic, payload, retain=True)

    async def _fresh_grant(self) -> Grant:
        if self._grant is None or self._clock.monotonic() >= self._renew_at:
            return await self._fetch()
        return self._grant

    async def _renewed(self) -> bool:
        """Get the next token while the present one still serves, so that the gap is short; tell whether it came."""
        try:
            await self._fetch()
        except TokenUnavailable as error:
            log.warning("link.renewal_failed", reason=str(error))
            self._renew_at = self._clock.monotonic() + _RENEWAL_AGAIN_S
            return False
        return True

    async def _fetch(self) -> Grant:
        asked_at = self._clock.monotonic()
        self._grant = await self._tokens.fetch()
        self._renew_at = asked_at + self._grant.life_s / 2
        return self._grant

    def _filters(self, group: str) -> list[str]:
        """Return what to subscribe to; the name of the *group* is a secret, for EMQX lets every reader join it."""
        shared = [f"$share/{group}/{one}" for one in FILTERS] if self._mqtt5 else list(FILTERS)
        return [*shared, OWN_STATUS_FILTER]

    def _address(self, grant: Grant) -> Address:
        try:
            checked_url(grant.mqtts_url, "The broker's address", secure="mqtts", loopback_only="mqtts")
            tls = ssl.create_default_context(cafile=str(self._ca_file))
        except (ConfigError, OSError, ssl.SSLError) as error:
            raise LinkLost(f"the broker's address or {self._ca_file} cannot be used: {error}") from error
        parts = urlsplit(grant.mqtts_url)
        assert parts.hostname is not None
        return Address(
            host=parts.hostname,
            port=parts.port or 8883,
            tls=tls,
            client_id=grant.client_id,
            username=grant.username,
            password=grant.password,
            will=(self._statuses.topic, self._statuses.will()),
            mqtt5=self._mqtt5,
        )

    def _reason_came(self, reason: int) -> None:
        """Count what the broker did not take or had nobody for: it says so on MQTT 5 only (failure case 9)."""
        if reason < REFUSED:
            self._measures.unheard.inc()  # a receipt for a device that has gone away meanwhile: it will send again
            return
        self._measures.refused.labels(str(reason)).inc()
        if self._statuses.publication_refused(reason, self._clock.now()):
            self.status_changed()
        now = self._clock.monotonic()
        if now >= self._refusal_told + _TELL_AGAIN_S:
            self._refusal_told = now
            log.warning("link.publication_refused", reason_code=reason)

    def _message_came(self, raw: Raw) -> None:
        if not raw.topic.startswith("system/"):
            self._hand_on(raw)
            return
        if raw.topic == self._statuses.topic and self._life is not None:
            self._life.heard(raw.payload, self._clock.monotonic())
        raw.settle()

    def _hand_on(self, raw: Raw) -> None:
        """Give the message away; a fault of ours with it must not freeze the session by a missing acknowledgement."""
        try:
            self.on_message(raw)
        except Exception:
            log.exception("link.message_failed", topic=raw.topic)
            self._measures.failed.inc()
            raw.settle()


def _end_of(reason: int) -> str:
    if reason == TAKEN_OVER:
        return "the connection ended: another client with our id has taken over (PULSE_INSTANCE has to be unique)"
    return f"the connection ended, reason code {reason}" if reason else "the connection ended"

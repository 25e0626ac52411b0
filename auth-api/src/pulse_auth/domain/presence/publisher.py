"""
Keeps this service's retained status on the broker: every 5 s, at each change, and OFFLINE as the last will.

Runs beside the API and never holds it up: with the broker away it only tries again, with full-jitter
back-off. Read next: ``link`` (the connection), ``status`` (what is said).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from .link import Credentials, Hearing, Link, LinkRefusedError, Retained, open_link
from .status import StatusSource

PUBLISH_EVERY_S = 5.0
CHECK_EVERY_S = 1.0
UNANSWERED_AFTER_S = 15.0
# What may be on its way to the broker at once, when others send through the connection.
WINDOW_MESSAGES, WINDOW_BYTES = 200, 4 * 1024 * 1024
SETTLED_WITHIN_S = 10.0
FIRST_BACKOFF_S, LONGEST_BACKOFF_S = 0.5, 15.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class OwnToken:
    """The service's own broker token; ``renew_at``: half of its life."""

    credentials: Credentials
    renew_at: datetime


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the publisher is given: where the broker is, the clock, chance, and how to get a token."""

    url: str
    ca_file: Path
    mint: Callable[[], Awaitable[OwnToken]]
    now: Callable[[], datetime]
    chance: Callable[[], float]  # 0 to 1, ``random.random``


class StatusPublisher:
    """One task: connects, publishes, connects again; ``connected`` tells the readiness check."""

    def __init__(
        self,
        status: StatusSource,
        around: Surroundings,
        on_connected: Callable[[], None],
        hearing: Hearing | None = None,
    ) -> None:
        """
        Publish what *status* says, over a connection that others may send and hear through.

        *on_connected* is called at each new connection, for whoever waited for it.
        """
        self._status = status
        self._hearing = hearing
        self._around = around
        self._on_connected = on_connected
        self._token: OwnToken | None = None
        self._link: Link | None = None
        self.connections = 0

    @property
    def connected(self) -> bool:
        """Tell whether the broker has us now."""
        return self._link is not None and not self._link.lost.is_set()

    async def send(self, messages: Iterable[tuple[str, bytes]]) -> bool:
        """
        Publish *messages* (topic, payload) with QoS 1 and wait until the broker has all of them.

        Returns ``False`` when it may have missed some: it is away, was lost meanwhile, or too slow.
        """
        link = self._link
        if link is None:
            return False
        sent_bytes = number = 0
        for topic, payload in messages:
            link.send(topic, payload)
            number, sent_bytes = number + 1, sent_bytes + len(payload)
            if number >= WINDOW_MESSAGES or sent_bytes >= WINDOW_BYTES:
                if not await link.settled(SETTLED_WITHIN_S):
                    return False
                sent_bytes = number = 0
        return not link.lost.is_set() and await link.settled(SETTLED_WITHIN_S)

    async def run(self) -> None:
        """Go on until cancelled; then say OFFLINE and disconnect."""
        failures = 0
        while True:
            try:
                self._link = await self._open()
            except Exception as error:  # noqa: BLE001 - minting may meet any state of the database
                failures += 1
                _log.warning("presence.connect_failed", error=str(error) or type(error).__name__, failures=failures)
                await asyncio.sleep(backoff_s(failures, self._around.chance()))
                continue
            failures = 0
            self.connections += 1
            _log.info("presence.connected", url=self._around.url)
            await self._serve(self._link)

    async def _open(self) -> Link:
        if self._token is None or self._around.now() >= self._token.renew_at:
            self._token = await self._around.mint()
        will = Retained(self._status.topic, self._status.will())
        try:
            credentials = self._token.credentials
            return await open_link(self._around.url, self._around.ca_file, credentials, will, self._hearing)
        except LinkRefusedError:
            self._token = None
            raise

    async def _serve(self, link: Link) -> None:
        """Publish through *link* until it is lost, silent or its token half used; on cancelling say OFFLINE."""
        last: Retained | None = None
        try:
            self._on_connected()
            await self._publish_until_over(link)
        except asyncio.CancelledError:
            last = Retained(self._status.topic, self._status.farewell(self._around.now()))
            raise
        finally:
            await link.close(last)
            _log.info("presence.disconnected")

    async def _publish_until_over(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        said: Mapping[str, str] | None = None
        published_at = answered_at = loop.time()
        oldest: int | None = None
        while not link.lost.is_set() and not self._is_token_half_used():
            checks = await self._status.check()
            if checks != said or loop.time() - published_at >= PUBLISH_EVERY_S:
                link.publish(Retained(self._status.topic, self._status.message(checks, self._around.now())))
                said, published_at = checks, loop.time()
            if link.oldest_unanswered is None or link.oldest_unanswered != oldest:
                oldest, answered_at = link.oldest_unanswered, loop.time()
            elif loop.time() - answered_at >= UNANSWERED_AFTER_S:
                _log.warning("presence.broker_silent")
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(link.lost.wait(), CHECK_EVERY_S)

    def _is_token_half_used(self) -> bool:
        return self._token is None or self._around.now() >= self._token.renew_at


def backoff_s(failures: int, chance: float) -> float:
    """Return how long to wait after so many failures in a row: full jitter up to a doubling bound."""
    return float(chance * min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(failures, 10)))

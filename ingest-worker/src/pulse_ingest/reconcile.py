"""
After a restore from backup: asking every device for what the archive has forgotten, until it has sent it again.

``Reconciler`` asks at a device's next heartbeat and every 60 s after, by a receipt that names no number; the requests
and what became of them stand in the database, so that several workers and a restart do not ask anew.
``told`` is for the command ``pulse-ingest reconcile``. Read next: ``writer.Database.reconcile``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from pulse_acl.payloads import ContractError, Heartbeat, Receipt, decode, format_time, parse_time

from .clock import Clock
from .errors import StorageUnavailable, WriteFailed
from .messages import Raw
from .writer import Beat, Outlook

ASK_AGAIN_AFTER = timedelta(seconds=60)
EVERY_S = 1.0
MOST_DEVICES = 100_000

_LATER = (
    "Whoever turns out to keep too little, at its next heartbeat, is named in the worker's log:"
    " reconcile.kept_too_little."
)

log = structlog.get_logger()


class Requests(Protocol):
    """What is needed of ``writer.Database``."""

    async def reconcile(self, beats: Sequence[Beat], now: datetime, again_after: timedelta) -> dict[str, datetime]:
        """See ``writer.Database.reconcile``."""


class Reconciler:
    """Looks at heartbeats and asks for what is wanted; ``run`` does the work."""

    def __init__(self, requests: Requests, publish: Callable[[Receipt], Awaitable[bool]], clock: Clock) -> None:
        """Take the connection, and where receipts go."""
        self._requests = requests
        self._publish = publish
        self._clock = clock
        self._beats: dict[str, Beat] = {}

    def heard(self, raw: Raw) -> None:
        """Note a heartbeat; the broker's old copy and what breaks the contract say nothing of the device now."""
        if raw.retained or len(self._beats) >= MOST_DEVICES:
            return
        try:
            beat = decode(Heartbeat, raw.payload)
            found = Beat(beat.client_id, _time(beat.resent_since), _time(beat.kept_since))
        except ContractError:
            return  # recorded by ``side_pipeline``
        if beat.timestamp is not None and raw.topic == f"heartbeat/{beat.client_id}":
            self._beats[beat.client_id] = found

    async def run(self) -> None:
        """Ask whoever is due, once a second, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.ask()

    async def ask(self) -> None:
        """Ask the devices heard since the last time that are due; without a database they are asked later."""
        beats, self._beats = self._beats, {}
        if not beats:
            return
        now = self._clock.now()
        try:
            wanted = await self._requests.reconcile(list(beats.values()), now, ASK_AGAIN_AFTER)
        except (StorageUnavailable, WriteFailed) as error:
            log.debug("reconcile.put_off", error=str(error))
            return
        for client_id, since in wanted.items():
            text = format_time(since)
            sent = await self._publish(
                Receipt(client_id=client_id, stream=None, wanted_since=text, at=format_time(self._clock.now()))
            )
            kept_since = beats[client_id].kept_since
            log.info("reconcile.asked", client_id=client_id, wanted_since=text, sent=sent)
            if kept_since is None or kept_since > since:
                log.warning("reconcile.kept_too_little", client_id=client_id, kept_since=_text(kept_since))


def told(outlook: Sequence[Outlook], since: datetime) -> str:
    """Return what is known, and what is not, of who no longer has everything since *since*, for a person to read."""
    heard = [one for one in outlook if one.is_heard]
    unheard = [f"  {one.client_id}" for one in outlook if not one.is_heard]
    lacking = [line for one in heard if (line := _lack(one, since))]
    count = f"{len(heard)} of {len(outlook)} known devices were heard within 90 s; {len(lacking)} of them no longer"
    lines = [f"Stored: everything since {format_time(since)} is asked for at each device's next heartbeat."]
    lines += [f"{count} have all of it:", *(lacking or ["  none"])]
    if unheard:
        lines += [f"{len(unheard)} were not heard yet, so it is not known what they still have:", *unheard]
    return "\n".join([*lines, _LATER])


def _lack(one: Outlook, since: datetime) -> str:
    """Return a line when the device no longer has everything since *since*, else nothing."""
    if one.kept_since is None:
        return f"  {one.client_id}: keeps nothing that was confirmed"
    try:
        kept_since = parse_time(one.kept_since)
    except ContractError:
        return f"  {one.client_id}: does not say since when it keeps what was confirmed"
    return f"  {one.client_id}: keeps what was confirmed since {format_time(kept_since)}" if kept_since > since else ""


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _text(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)

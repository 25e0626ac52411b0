"""
The thread of the sync and of commands: everything comes through one queue, so neither needs a lock.

It owns the program's connection to ``identity.db``, notices within a second what other processes write there, and
ends sign-ins whose ground is gone. An error is logged and ends nothing: the state is read anew and asked for again.
Read next: ``engine``, ``commands``.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from pulse_acl.topics import Topic, parse

from ..clock import Clock
from ..errors import StorageError
from ..identity.consequences import Consequences
from ..inbox import Inbox
from ..mirror_topics import COMMAND_TOPICS, SYNC_TOPICS
from .commands import CommandDesk
from .engine import SERVICE, SyncEngine
from .keys import SyncKeys
from .ports import Channel, Hooks
from .schema import open_or_begin_anew
from .store import SyncStore

log = structlog.get_logger()
LOOK_EVERY_S = 0.5
AFTER_ERROR_S = 1.0
AGAIN_S = 5.0
MOST_AT_ONCE = 20  # calls before what is due gets its turn


@dataclass(frozen=True, slots=True)
class _Parts:
    db: sqlite3.Connection
    store: SyncStore
    engine: SyncEngine
    desk: CommandDesk
    consequences: Consequences


class SyncLoop:
    """Runs a device's sync from ``start`` to ``stop``; all other methods may be called from any thread."""

    def __init__(self, client_id: str, path: Path, keys: SyncKeys, clock: Clock, hooks: Hooks) -> None:
        self._id, self._path, self._keys, self._clock, self._hooks = client_id, path, keys, clock, hooks
        self._inbox: Inbox[Callable[[_Parts], Any] | None] = Inbox()
        self._seen_data: int | None = None
        self._look_at = float("-inf")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sync", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Tell whether the thread is alive."""
        return self._thread.is_alive()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread after everything that came before."""
        self._stopping.set()
        self._inbox.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def link_up(self, channel: Channel, offset_ms: int) -> None:
        """Take a new connection; the server's clock is *offset_ms* ahead of this machine's."""

        def take(parts: _Parts) -> None:
            parts.engine.link_up(channel, offset_ms)
            parts.desk.link_up(channel)

        self._inbox.put(take)

    def link_down(self) -> None:
        """Take the loss of the connection."""

        def take(parts: _Parts) -> None:
            parts.engine.link_down()
            parts.desk.link_down()

        self._inbox.put(take)

    def received(self, topic: str, payload: bytes, *, is_retained: bool) -> None:
        """Take a message; those of other parts are left to them."""
        found = parse(topic)
        if found is None:
            return
        if found.topic in COMMAND_TOPICS:
            self._inbox.put(lambda parts: parts.desk.received(found.topic, payload, is_retained=is_retained))
        elif found.topic in SYNC_TOPICS:
            self._inbox.put(lambda parts: parts.engine.received(payload))
        elif found.topic is Topic.SERVICE_STATUS and found.params.get("service") == SERVICE:
            self._inbox.put(lambda parts: parts.engine.status(payload))

    def acknowledged(self, number: int) -> None:
        """Take the broker's acknowledgement of a message; most are of readings, so it waits for the next look."""
        self._inbox.put(lambda parts: parts.desk.acknowledged(number), may_wait=True)

    def _run(self) -> None:
        parts = self._open()
        while parts is None:
            if self._stopping.wait(AGAIN_S):
                return
            parts = self._open()
        try:
            while self._handle(parts):
                pass
        finally:
            parts.db.close()

    def _open(self) -> _Parts | None:
        try:
            db, aside = open_or_begin_anew(self._path, self._clock.now())
        except StorageError as error:
            log.warning("desktop.identity_unusable", reason=str(error), again_in_s=AGAIN_S)
            return None
        if aside is not None:
            log.error("desktop.identity_set_aside", file=str(aside))
        store = SyncStore(db)
        consequences = Consequences(db, self._clock)
        engine = SyncEngine(self._id, db, self._keys, self._clock, self._hooks, on_key_ended=consequences.key_ended)
        desk = CommandDesk(
            self._id, db, self._clock, self._hooks, ask=engine.ask, is_caught_up=lambda: engine.is_caught_up
        )
        return _Parts(db, store, engine, desk, consequences)

    def _handle(self, parts: _Parts) -> bool:
        self._inbox.wait(self._wait_s(parts), for_urgent=True)
        for call in self._inbox.take(MOST_AT_ONCE):
            if call is None:
                self._safely(parts, lambda one: one.engine.link_down())
                return False
            self._safely(parts, call)
        self._safely(parts, self._due)
        return True

    def _wait_s(self, parts: _Parts) -> float:
        until = min(self._look_at, parts.engine.due_at())
        return max(0.0, min(LOOK_EVERY_S, until - self._clock.monotonic()))

    def _due(self, parts: _Parts) -> None:
        now = self._clock.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            seen = parts.db.execute("PRAGMA data_version").fetchone()[0]
            if seen != self._seen_data:
                self._seen_data = seen
                parts.engine.look()
            parts.desk.tick()
            parts.store.erase()
        parts.engine.tick()
        if parts.engine.is_changed and not self._inbox:
            parts.engine.is_changed = False
            parts.consequences.draw(parts.engine.holdings)

    def _safely(self, parts: _Parts, call: Callable[[_Parts], Any]) -> None:
        try:
            call(parts)
        except Exception:
            log.exception("desktop.sync_failed")
            self._look_at = self._clock.monotonic() + AFTER_ERROR_S
            self._seen_data = None  # look again, and with it draw the consequences
            try:
                parts.engine.reload()
            except Exception:
                log.exception("desktop.sync_unreadable")

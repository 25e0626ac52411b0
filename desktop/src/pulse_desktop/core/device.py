"""
One device, wired together: sources → outbox → courier → link. The only place where that is done.

Threads: those of the sources, the outbox's writer, the courier, the sync, the link keeper (and paho's). Each owns what
it touches; between them are queues. Starts in the order in which readings flow, stops in the same order, so that what
was sampled is on disk and said before the connection ends. Read next: ``outbox``, ``delivery.courier``, ``link``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

import structlog

from .clock import Clock, SystemClock
from .connection import State
from .delivery.courier import Courier
from .delivery.loop import CourierLoop
from .delivery.messages import Mirrored
from .errors import Link
from .folder import DeviceFolder
from .link import LinkKeeper, Listener, TokenSource
from .outbox import Committed, Outbox, OutboxReader
from .outbox.state import OutboxState
from .publisher import Connection
from .report import DeviceReport
from .settings import DeviceSettings
from .settings_watch import SettingsWatch
from .sources.group import SourceGroup, SourceState
from .sources.plan import SourcePlan
from .sources.recorder import Recorder
from .sources.states_file import StatesFile
from .storable import storable
from .streams import new_stream
from .sync.keys import SyncKeys
from .sync.loop import SyncLoop
from .sync.ports import Hooks
from .sync.schema import FILE_NAME as IDENTITY_FILE

log = structlog.get_logger()
FAREWELL_S = 0.7
WATCH_EVERY_S = 5.0


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What a device is made of; everything that tests may want to replace.

    ``local``: settings of this machine, which go before the stored ones; ``sync_keys``: ``None`` when this device
    cannot take part in the sync of records; ``on_commit``: told of every commit, in the writer's thread, so it must
    not block.
    """

    folder: DeviceFolder
    settings: DeviceSettings
    tokens: TokenSource
    sources: SourcePlan
    clock: Clock = field(default_factory=SystemClock)
    random: Random = field(default_factory=Random)
    new_stream: Callable[[], str] = new_stream
    local: Mapping[str, str] = field(default_factory=dict)
    sync_keys: SyncKeys | None = None
    on_commit: Callable[[Committed], None] = lambda _note: None


class Device:
    """A device that runs; ``start`` and ``stop`` once each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._said: dict[str, str] = {}
        self._in_force = parts.settings
        self._farewell = threading.Condition()
        self._acknowledged: set[int] | None = None  # numbers of messages, since the farewell was asked for
        self._drained = threading.Event()  # everything was answered at a commit since it was cleared
        self.outbox = Outbox(parts.folder.outbox, parts.clock, parts.new_stream, parts.settings, self._on_commit)
        self._loop = CourierLoop(parts.clock, self._make_courier, self._close_reader, self.outbox.reading_failed)
        listener = Listener(self._on_up, self._on_down, self._on_link, self._on_message, self._on_acknowledged)
        self._link = LinkKeeper(parts.folder.client_id, parts.tokens, listener, parts.clock, parts.random)
        self._recorder = Recorder(self.outbox.append, self.outbox.flush, parts.clock)
        self._sources = SourceGroup(
            parts.sources,
            parts.folder.path,
            self.outbox.append,
            self._recorder,
            clock=parts.clock,
            random=parts.random,
            interval_s=parts.settings.sampling_interval,
        )
        self._states_file = StatesFile(parts.folder.path)
        self._reader: OutboxReader | None = None
        self._courier: Courier | None = None
        self._link_is: tuple[Link, str] = (Link.CONNECTING, "")
        self._settings = SettingsWatch(parts.folder, parts.settings, parts.local)
        self._settings_lock = threading.Lock()
        self._mirrored = Mirrored()
        self._sync = self._make_sync(parts.sync_keys)

    def start(self) -> None:
        """
        Start everything; when a part cannot be started, those that were are stopped.

        Raises:
            StorageError: The outbox cannot be used.
            RuntimeError: A thread cannot be started.
        """
        self.outbox.start()
        try:
            self._start_on_outbox()
        except BaseException:
            self.stop()
            raise
        log.info("desktop.started", client_id=self._parts.folder.client_id, stream=self.outbox.state.current.stream)

    def _start_on_outbox(self) -> None:
        self._loop.start()
        if self._sync is not None:
            self._sync.start()
        self._link.start()
        self._sources.start()
        self._states_file.save(self._sources.states())

    def watch(self, stopping: threading.Event) -> bool:
        """Note how the source is until *stopping* is set; False: a part has ended by itself, start the program anew."""
        while not stopping.wait(WATCH_EVERY_S):
            self._take_settings(None)
            self._note(
                source_status=self._sources.status, problem=self.outbox.state.problem or self.outbox.state.notice
            )
            self._states_file.save(self._sources.states())
            if ended := self.report().ended:
                log.error("desktop.part_ended", parts=ended, hint="the program ends, and is to be started again")
                return False
        return True

    def report(self) -> DeviceReport:
        """Return how it is now; from any thread, at once."""
        courier, (link, detail) = self._courier, self._link_is
        is_linked = link is Link.UP and courier is not None
        return DeviceReport(
            outbox=self.outbox.state,
            state=courier.state if courier is not None and is_linked else State.DISCONNECTED,
            link=link,
            link_detail=detail,
            drain_per_s=courier.drain.per_s if courier is not None else None,
            source_status=self._sources.status,
            settings=self._in_force,
            are_sources_failed=self._sources.are_failed,
            ended=tuple(name for name, is_running in self._parts_running().items() if not is_running),
        )

    def source_states(self) -> list[SourceState]:
        """Return how each source is; from any thread, at once."""
        return self._sources.states()

    def renew_sources(self) -> None:
        """Read the sources' plan anew and make each of them anew; may take as long as the slowest takes to end."""
        self._sources.renew()

    def flush(self) -> None:
        """Send what is held now; who may ask for that is ``operation``'s business."""
        self._loop.post("flush_wanted")

    def drain(self, within_s: float) -> int:
        """
        Take no more samples, and wait until the archive has answered everything; takes *within_s* seconds at most.

        Returns:
            How many readings are without an answer, at least: 0, and sampling rests until ``go_on``; else it goes on
            already.
        """
        clock = self._parts.clock
        until = clock.monotonic() + within_s
        if not self._sources.rest(within_s) or not self.outbox.flush(until - clock.monotonic()):
            self.go_on()
            return max(1, _open(self.outbox.state))
        self._drained.clear()  # not before: all could have been answered while the last sample was still taken
        if _open(self.outbox.state):
            self._drained.wait(until - clock.monotonic())
        left = _open(self.outbox.state)
        if left:
            self.go_on()
        return left

    def go_on(self) -> None:
        """Sample again after ``drain``."""
        self._sources.go_on()

    def take_settings(self) -> None:
        """Put what is stored in force at once; the watch would within seconds."""
        self._take_settings(None)

    def configure(self, settings: DeviceSettings) -> None:
        """Take other settings at once; what is buffered stays as it is."""
        self._in_force = settings
        self.outbox.configure(settings)
        self._loop.post("configure", settings)
        self._sources.set_interval(settings.sampling_interval)

    def stop(self) -> None:
        """Finish what is held: last samples to disk, the OFFLINE heartbeat out, the connection and the file closed."""
        self._sources.stop()
        self.outbox.flush(2.0)
        self._say_farewell()
        self._link.stop()
        if self._sync is not None:
            self._sync.stop()
        self._loop.stop()
        self.outbox.note(connection_status="DISCONNECTED", link="stopped", link_detail="")
        clean = self.outbox.close()
        log.info("desktop.stopped", clean=clean, held=self.outbox.state.held)

    def _say_farewell(self) -> None:
        """Have the courier publish it, and wait a little until the broker has it."""
        if not self._loop.is_running:
            return
        with self._farewell:
            taken = self._acknowledged = set()  # before its number is known here: the broker may be faster
        number = self._loop.ask("farewell", FAREWELL_S)
        if number is not None:
            with self._farewell:
                self._farewell.wait_for(lambda: number in taken, FAREWELL_S)

    def _parts_running(self) -> dict[str, bool]:
        return {
            "outbox": self.outbox.is_running,
            "courier": self._loop.is_running,
            "sources": self._sources.is_running,
            "link": self._link.is_running,
            "sync": self._sync is None or self._sync.is_running,
        }

    def _make_courier(self) -> Courier:
        parts = self._parts
        self._reader = OutboxReader(parts.folder.outbox)
        self._courier = Courier(
            parts.folder.client_id,
            self.outbox,
            self._reader,
            settings=parts.settings,
            clock=parts.clock,
            random=parts.random,
            picture=self.outbox.state,
            on_foreign_receipt=self._link.foreign_receipt,
        )
        return self._courier

    def _make_sync(self, keys: SyncKeys | None) -> SyncLoop | None:
        if keys is None:
            return None
        folder = self._parts.folder
        hooks = Hooks(
            on_position=self._on_position,
            on_settings=self._take_settings,
            flush=self.flush,
            reload=self._sources.renew,
        )
        return SyncLoop(folder.client_id, folder.path / IDENTITY_FILE, keys, self._parts.clock, hooks)

    def _on_position(self, history: str | None, version: int) -> None:
        self._mirrored = replace(self._mirrored, history=history, identity_version=version)
        self._loop.post("mirrored", self._mirrored)

    def _take_settings(self, version: int | None) -> None:
        """Put what is stored in force; *version*: the newest change of it. Called by the watch and by the sync."""
        with self._settings_lock:
            changed = self._settings.changed()
            if changed is not None:
                self.configure(changed)
        if version is not None:
            self._mirrored = replace(self._mirrored, config_version=version)
            self._loop.post("mirrored", self._mirrored)

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _note(self, **fields: str) -> None:
        storables = {name: storable(value) for name, value in fields.items()}
        changed = {name: value for name, value in storables.items() if self._said.get(name) != value}
        if changed:
            self._said |= changed
            self.outbox.note(**changed)

    def _on_commit(self, note: Committed) -> None:
        if not _open(note.state):
            self._drained.set()
        self._recorder.committed(note.added)
        self._loop.post("committed", note)
        self._parts.on_commit(note)

    def _on_up(self, connection: Connection, clock_offset_ms: int) -> None:
        self._loop.post("clock_measured", clock_offset_ms)
        self._loop.post("link_up", connection)
        if self._sync is not None:
            self._sync.link_up(connection, clock_offset_ms)
        self.outbox.note(clock_offset_ms=clock_offset_ms)

    def _on_down(self) -> None:
        self._link_is = (Link.CONNECTING, "")
        self._loop.post("link_down")
        if self._sync is not None:
            self._sync.link_down()

    def _on_link(self, link: Link, detail: str) -> None:
        self._link_is = (link, detail)
        self._note(link=link.value, link_detail=detail)

    def _on_message(self, topic: str, payload: bytes, is_retained: bool) -> None:  # noqa: FBT001 - a callback
        if self._sync is not None:
            self._sync.received(topic, payload, is_retained=is_retained)
        self._loop.post("received", topic, payload)

    def _on_acknowledged(self, number: int) -> None:
        with self._farewell:
            if self._acknowledged is not None:
                self._acknowledged.add(number)
                self._farewell.notify_all()
        self._loop.post("acknowledged", number, may_wait=True)  # it is only shown
        if self._sync is not None:
            self._sync.acknowledged(number)


def _open(state: OutboxState) -> int:
    """Return how many readings, and numbers declared as lost, the archive has not answered."""
    return state.held + state.lost

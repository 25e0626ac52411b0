"""
The one thread that owns the outbox's file: takes work from a queue and commits it in groups.

A group is everything that came while the last commit was running, and at most ``GROUP_S`` of it, so that a slow
source is on disk at once and a fast one shares its commits. After each commit it reports what was added.
Nothing is dropped when the disk is full: recording stops, the work waits, and both go on when there is space.
Read next: ``file`` (what a group does).
"""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, cast

import structlog

from pulse_acl.ranges import Range, difference, union

from ..clock import Clock
from ..errors import StorageError
from ..inbox import Inbox
from ..readings import Sample, StoredReading
from ..settings import DeviceSettings
from . import salvage
from .checkup import Checkup
from .file import OutboxFile
from .room import is_out_of_room
from .schema import DamagedError, is_damage
from .state import OutboxState, Settlement

log = structlog.get_logger()
GROUP_S = 0.05  # the longest a sample waits for others
LAZY_S = 0.15  # the longest an acknowledgement, a receipt or a note waits for a sample's commit to join
MAX_GROUP = 5_000
MAX_QUEUED = 20_000
NEWEST_EVERY_S = 1.0
PRUNE_EVERY_S = 30.0
LOOK_EVERY_S = 2.0  # at the disk
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit: the picture after it and the readings that it added, in order."""

    state: OutboxState
    added: list[StoredReading]


@dataclass(frozen=True, slots=True)
class _Sent:
    stream: str
    ranges: Sequence[Range]


@dataclass(frozen=True, slots=True)
class _Note:
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _PutBack:
    since: str


@dataclass(frozen=True, slots=True)
class _Offer:
    version: str | None


@dataclass(frozen=True, slots=True)
class _Damage:
    reason: str


@dataclass(frozen=True, slots=True)
class _Barrier:
    reached: threading.Event
    last: bool = False


_LAZY = (_Sent, _Note, Settlement)
_AFTERWARDS = (_PutBack, _Offer)  # need room, and nobody waits for them: samples go first
_Work: TypeAlias = Sample | Settlement | _Sent | _Note | _PutBack | _Offer | _Damage | _Barrier | DeviceSettings


class Outbox:
    """Thread-safe front of the file; ``state`` is the newest committed picture."""

    state: OutboxState

    def __init__(
        self,
        path: Path,
        clock: Clock,
        new_stream: Callable[[], str],
        settings: DeviceSettings,
        on_commit: Callable[[Committed], None],
    ) -> None:
        """Prepare; ``start`` opens the file. *on_commit* is called in the writer's thread and must not block."""
        self._path, self._clock, self._new_stream, self._settings = path, clock, new_stream, settings
        self._on_commit = on_commit
        self._inbox: Inbox[_Work] = Inbox()
        self._thread = threading.Thread(target=self._run, name="outbox")
        self._opened = threading.Event()
        self._closing = threading.Event()
        self._failure: Exception | None = None
        self._newest_at = self._pruned_at = self._looked_at = self._committed_at = float("-inf")
        self._afterwards: list[_Work] = []
        self._afterwards_at = float("-inf")

    def start(self) -> None:
        """
        Open the file and begin a stream.

        Raises:
            StorageError: It cannot be opened or written to. (A damaged one is salvaged.)
        """
        self._thread.start()
        self._opened.wait()
        if self._failure is not None:
            self._thread.join()
            raise StorageError(f"the outbox {self._path} cannot be used: {self._failure}") from self._failure

    @property
    def is_running(self) -> bool:
        """Tell whether the thread that owns the file is alive."""
        return self._thread.is_alive()

    def append(self, sample: Sample) -> bool:
        """Hand *sample* over for recording; False: refused, because nothing can be recorded at the moment."""
        if self.state.problem or len(self._inbox) > MAX_QUEUED:
            return False
        self._inbox.put(sample)
        return True

    def mark_sent(self, stream: str, ranges: Sequence[Range]) -> None:
        """Note that a broker acknowledged these rows."""
        self._inbox.put(_Sent(stream, ranges), may_wait=True)

    def settle(self, settlement: Settlement) -> None:
        """Apply a checked receipt."""
        self._inbox.put(settlement, may_wait=True)

    def put_back(self, since: str) -> None:
        """Take everything that was settled at or after *since* back as pending."""
        self._inbox.put(_PutBack(since))

    def offer_quarantined(self, version: str | None) -> None:
        """Offer what was rejected again when *version* of the archive's worker is a new one; ``None``: in any case."""
        self._inbox.put(_Offer(version))

    def note(self, **fields: Any) -> None:
        """Write how the client is into ``sync_state``; *fields* are its columns."""
        self._inbox.put(_Note(fields), may_wait=True)

    def configure(self, settings: DeviceSettings) -> None:
        """Take other settings; never touches rows."""
        self._inbox.put(settings)

    def reading_failed(self, error: Exception) -> None:
        """End the thread when *error* says that the file is damaged: the next start salvages what can be read."""
        if is_damage(error):
            self._inbox.put(_Damage(str(error)))

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything handed over before is on disk; False: not within *timeout_s*."""
        barrier = _Barrier(threading.Event())
        self._inbox.put(barrier)
        return barrier.reached.wait(timeout_s)

    def close(self, timeout_s: float = 5.0) -> bool:
        """Commit what was handed over, close the file, end the thread; False: not within *timeout_s*."""
        barrier = _Barrier(threading.Event(), last=True)
        self._inbox.put(barrier)
        self._closing.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def wait_closed(self) -> None:
        """Wait until the thread has ended, however long that takes: nobody else may write to the file before."""
        self._thread.join()

    def _run(self) -> None:
        try:
            file = self._open()
            self.state = file.state
        except Exception as error:  # noqa: BLE001 - whatever it is, ``start`` must not return as if all were well
            self._failure = error
            return
        finally:
            self._opened.set()
        self._on_commit(Committed(self.state, []))
        checkup = Checkup(self._path, lambda reason: self._inbox.put(_Damage(reason)))
        if file.is_unchecked:
            checkup.start()
        is_sound = False
        try:
            self._serve(file)
            is_sound = True
        except Exception as error:
            log.exception("desktop.outbox_failed", is_damaged=is_damage(error))
        finally:
            checkup.stop()
            file.close(in_order=is_sound)

    def _open(self) -> OutboxFile:
        salvage.finish(self._path)
        try:
            return self._open_file()
        except DamagedError as error:
            done = salvage.mend(self._path, self._clock.now(), str(error))
        return self._open_file(str(done))

    def _open_file(self, notice: str = "") -> OutboxFile:
        return OutboxFile(self._path, self._clock, self._new_stream, self._settings, notice)

    def _serve(self, file: OutboxFile) -> None:
        group: list[_Work] = []
        most = MAX_GROUP
        has_hurried = False  # since the last pause or success
        while True:
            if not group:
                self._gather(group, has_more=bool(self._afterwards or file.is_putting_back))
                most = MAX_GROUP
            last_try = self._closing.is_set()
            part = group[:most]
            try:
                self._write(file, part)
            except sqlite3.Error as error:
                file.rollback()
                if is_damage(error):
                    raise  # the next start salvages what can be read
                self._stopped(file.state, f"nothing can be recorded: {error}")
                self._on_commit(Committed(self.state, []))
                if is_out_of_room(error):
                    self._receipts_first(group)
                    most = max(1, len(part) // 2)  # a smaller transaction needs less of the write-ahead log
                    may_hurry = file.give_way() and not has_hurried  # a failing disk may have room for reserves
                    if may_hurry or len(part) > 1:
                        has_hurried = True
                        continue
                if last_try:
                    return
                self._closing.wait(RETRY_S)
                has_hurried = False
                continue
            has_hurried = False
            self._afterwards += [work for work in part if isinstance(work, _AFTERWARDS)]
            self._do_afterwards(file)
            if self._reached_end(part):
                return
            del group[:most]

    def _do_afterwards(self, file: OutboxFile) -> None:
        """Do some of what needs room, in transactions of its own: when there is none, recording goes on without."""
        if self._clock.monotonic() < self._afterwards_at:
            return
        try:
            while self._afterwards:
                file.begin()
                self._apply(file, self._afterwards[0])
                self._commit(file)
                del self._afterwards[0]
            if file.is_putting_back:
                file.begin()
                file.put_back_some()
                self._commit(file)
        except sqlite3.Error as error:
            file.rollback()
            if is_damage(error):
                raise
            log.warning("desktop.put_off", reason=str(error))
            file.put_back_less()
            self.state = replace(self.state, reopened=file.state.reopened)
            self._on_commit(Committed(self.state, []))
            self._afterwards_at = self._clock.monotonic() + RETRY_S

    @staticmethod
    def _reached_end(part: Sequence[_Work]) -> bool:
        barriers = [work for work in part if isinstance(work, _Barrier)]
        for barrier in barriers:
            barrier.reached.set()
        return any(barrier.last for barrier in barriers)

    def _receipts_first(self, group: list[_Work]) -> None:
        """Let what makes room go before what needs it, also what came in since."""
        self._take(group, 0.0)
        group.sort(key=lambda work: not isinstance(work, Settlement))

    def _gather(self, group: list[_Work], *, has_more: bool) -> None:
        """Fill *group* with what comes together; *has_more*: there is something to do besides."""
        if has_more:
            self._take(group, self._afterwards_at - self._clock.monotonic())
            return
        lazy_until = self._clock.monotonic() + LAZY_S
        if not self._take(group, LAZY_S, for_urgent=True):
            self._take(group, RETRY_S if self.state.problem else PRUNE_EVERY_S)
            lazy_until = self._clock.monotonic() + LAZY_S
        since_commit = self._clock.monotonic() - self._committed_at
        while group and all(isinstance(work, _LAZY) for work in group):
            if not self._take(group, lazy_until - self._clock.monotonic(), for_urgent=True):
                break
        if since_commit < GROUP_S:
            until = self._committed_at + GROUP_S
            while self._take(group, until - self._clock.monotonic(), for_urgent=True):
                pass
        self._take(group, 0.0)

    def _take(self, group: list[_Work], wait_s: float, *, for_urgent: bool = False) -> bool:
        """Add what there is to *group* as soon as something is; tell whether there was, and room for it."""
        if len(group) >= MAX_GROUP:
            return False
        self._inbox.wait(wait_s, for_urgent=for_urgent)
        taken = self._inbox.take(MAX_GROUP - len(group))
        group += taken
        return bool(taken)

    def _write(self, file: OutboxFile, group: Sequence[_Work]) -> None:
        now = self._clock.monotonic()
        file.begin()
        if self.state.problem or now - self._looked_at >= LOOK_EVERY_S:
            file.watch_disk()
            self._looked_at = now
        answered = _answered(group)
        for is_sample, works in itertools.groupby(group, lambda work: isinstance(work, Sample)):
            if is_sample:
                file.add_all(cast(Iterator[Sample], works))
                continue
            for work in works:
                # Rows that leave in the same transaction need not be called sent before: nobody could see it.
                is_told = isinstance(work, _Sent) and not difference(work.ranges, answered.get(work.stream, ()))
                if not is_told and not isinstance(work, _AFTERWARDS):
                    self._apply(file, work)
        last = any(isinstance(work, _Barrier) and work.last for work in group)
        if last or now - self._newest_at >= NEWEST_EVERY_S:
            file.save_newest()
            self._newest_at = now
        if not last and now - self._pruned_at >= PRUNE_EVERY_S and not file.prune():
            self._pruned_at = now
        self._commit(file)

    def _commit(self, file: OutboxFile) -> None:
        state, added = file.commit()
        self._committed_at = self._clock.monotonic()
        if state.problem:
            self._stopped(state, state.problem)
        else:
            self.state = state
        self._on_commit(Committed(self.state, added))

    def _apply(self, file: OutboxFile, work: _Work) -> None:
        if isinstance(work, Settlement):
            file.settle(work)
        elif isinstance(work, _Sent):
            file.mark_sent(work.stream, work.ranges)
        elif isinstance(work, _PutBack):
            file.put_back(work.since)
        elif isinstance(work, _Offer):
            file.offer_quarantined(work.version)
        elif isinstance(work, _Note):
            file.note(work.fields)
        elif isinstance(work, DeviceSettings):
            file.settings = work
        elif isinstance(work, _Damage):
            raise DamagedError(work.reason)

    def _stopped(self, state: OutboxState, problem: str) -> None:
        if not self.state.problem:
            log.error("desktop.recording_stopped", reason=problem)
        self.state = replace(state, problem=problem)


def _answered(group: Sequence[_Work]) -> Mapping[str, Sequence[Range]]:
    """Return what the receipts in *group* call archived, by stream."""
    found: dict[str, Sequence[Range]] = {}
    for work in group:
        if isinstance(work, Settlement):
            found[work.stream] = union(found.get(work.stream, ()), work.archived)
    return found

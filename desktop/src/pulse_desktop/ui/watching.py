"""
One look at the device after the other: live values from the core's commits, rows and people from its files.

Called by one thread, the bridge's; ``committed`` by the outbox's writer, ``show`` by the window. Files are read a few
times a second at most, and only what is on the screen. Read next: ``core.recent``.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec
import structlog

from pulse_acl.payloads import parse_time

from ..core.clock import Clock
from ..core.connection import State
from ..core.errors import DesktopError, Link
from ..core.operation import Operation, Operator
from ..core.outbox import Committed
from ..core.readings import MetricValue, StoredReading
from ..core.recent import MOST_POINTS, Point, Recent, WaitingRow
from ..core.report import DeviceReport
from ..core.sync.schema import FILE_NAME as IDENTITY_FILE
from ..session import Session
from .growth import Growth
from .log_tail import LogTail
from .snapshot import ROW_BYTES, Lamp, Snapshot, buffer_of, lamp_of, problems_of, room_rows

log = structlog.get_logger()
ROWS_EVERY_S = 1.0
AHEAD_S = 5.0  # of now that a reading may be: what is later was taken before the clock was set back
PEOPLE_EVERY_S = 1.0
_decode = msgspec.json.Decoder(dict[str, bool | int | float]).decode


class Newest:
    """The readings since the last look; what a burst has too many of is left to the chart's next reading."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._rows: list[StoredReading] = []
        self._count = self._size = 0

    def committed(self, note: Committed) -> None:
        """Take what a commit added; called in the writer's thread."""
        if note.added:
            with self._guard:
                self._rows = (self._rows + note.added)[-MOST_POINTS:]
                self._count += len(note.added)
                self._size += sum(len(row.metrics) for row in note.added)

    def take(self) -> tuple[list[StoredReading], int, int]:
        """Return them once, with how many there were in all and how many bytes their metrics were."""
        with self._guard:
            taken = (self._rows, self._count, self._size)
            self._rows, self._count, self._size = [], 0, 0
        return taken


class Curve:
    """The points of one metric over the last *span_s* seconds, ascending; read once and then continued."""

    def __init__(self, recent: Recent, clock: Clock) -> None:
        self._recent, self._clock = recent, clock
        self._wanted: tuple[str, float] = ("", 300.0)
        self._have: tuple[str, float] | None = None
        self.points: tuple[Point, ...] = ()

    @property
    def metric(self) -> str:
        """The metric that ``points`` are of."""
        return self._wanted[0]

    def show(self, metric: str, span_s: float) -> None:
        """Show another metric or span from the next ``update`` on."""
        self._wanted = (metric, span_s)

    def update(self, rows: list[tuple[float, dict[str, MetricValue]]]) -> None:
        """Add new readings, forget what is out of the span, read anew when something else is wanted."""
        metric, span_s = wanted = self._wanted
        now = self._clock.now().timestamp()
        since, until = now - span_s, now + AHEAD_S
        if wanted != self._have:
            if metric:
                self.points = tuple(self._recent.points(metric, since, until))
            self._have = wanted
            return
        new = [Point(at, values[metric]) for at, values in rows if metric in values]
        if new or (self.points and not since <= self.points[0].at <= self.points[-1].at <= until):
            points = [point for point in (*self.points, *new) if since <= point.at <= until]
            self.points = tuple(sorted(points, key=lambda point: point.at))  # a clock that was set back goes over again
        if len(self.points) > 2 * MOST_POINTS:
            self._have = None  # read anew and thinned


class Watch:
    """All that a window shows of one session."""

    def __init__(self, session: Session, newest: Newest, tail: LogTail, clock: Clock) -> None:
        """*newest* is told of every commit of the session's device."""
        self._session, self._newest, self._tail, self._clock = session, newest, tail, clock
        self._recent = Recent(session.folder.outbox)
        self.curve = Curve(self._recent, clock)
        self._latest: dict[str, MetricValue] = {}
        self._recorded_at: dict[str, str] = {}
        self._growth = Growth()
        self._interval_s = 0.0
        self._flush_began_with: int | None = None
        self._waiting: tuple[WaitingRow, ...] | None = None
        self._unanswered = 0
        self._operator = Operator()
        self._people_as_of: tuple[int, ...] = ()
        self._due: dict[str, float] = {}
        self._starting_problem = self._failure = ""
        self.is_started = False
        self._last = self._snapshot()

    def show(self, metric: str, span_s: float) -> None:
        """See ``Curve.show``; from any thread."""
        self.curve.show(metric, span_s)

    def look_again(self) -> None:
        """Read the signed-in person and the rows at the next look; from any thread."""
        self._due = {}

    def look(self) -> Snapshot:
        """Return how it is now; starts the device at the first call. A look that fails says so and shows no green."""
        try:
            self._last = self._look()
            self._failure = ""
        except Exception as error:
            reason = str(error) or type(error).__name__
            if reason != self._failure:
                log.exception("desktop.look_failed")
            self._failure = reason
            problems = {
                **self._last.problems,
                "look": f"what is shown is old: the device cannot be looked at: {reason}",
            }
            return replace(self._last, lamp=Lamp.DISCONNECTED, problems=problems, log=self._tail.lines())
        return self._last

    def _look(self) -> Snapshot:
        session = self._session
        if not self.is_started:
            return self._start()
        self._take_readings()
        self._seldom("rows", ROWS_EVERY_S, self._read_rows)
        self._seldom("people", PEOPLE_EVERY_S, self._read_people)
        report = session.device.report()
        if report.state is not State.SYNCING:
            self._flush_began_with = None
        else:
            self._flush_began_with = max(self._flush_began_with or 0, report.outbox.held)
        return replace(
            self._snapshot(),
            lamp=lamp_of(report),
            link=report.link,
            link_detail=report.link_detail,
            is_archive_away=report.state is State.AWAY,
            buffer=buffer_of(report, self._flush_began_with, self._room_h(report)),
            last_sync_at=report.outbox.last_sync_at,
            problems=problems_of(report, self._unanswered),
        )

    def _room_h(self, report: DeviceReport) -> float | None:
        """Return how many hours of readings there is room for; those of one source until the growth is measured."""
        free_bytes, now = _free_bytes(self._session.folder.path), self._clock.monotonic()
        if report.settings.sampling_interval != self._interval_s:
            self._interval_s = report.settings.sampling_interval
            self._growth.forget()
        if free_bytes is None:
            return None
        per_s = self._growth.per_s(now) or 1 / self._interval_s
        return room_rows(report, free_bytes, self._growth.row_bytes()) / per_s / 3600

    def _start(self) -> Snapshot:
        """Start the device; a file that cannot be used is said once, and stands until the program is started anew."""
        if not self._starting_problem:
            try:
                self._session.start()
            except Exception as error:  # whatever it is: a session starts once at most
                if not isinstance(error, DesktopError):
                    log.exception("desktop.start_failed")
                self._starting_problem = f"{str(error).rstrip('.')}; put that right and start the program anew"
            else:
                self.is_started = True
                self._session.watch_aside()
                self._read_latest()
        return self._snapshot()

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            self._session.folder.client_id,
            link=Link.CONNECTING,
            is_starting=not self.is_started and not self._starting_problem,
            latest=self._latest,
            recorded_at=self._recorded_at,
            waiting=self._waiting,
            problems={"start": self._starting_problem} if self._starting_problem else {},
            operator=self._operator,
            log=self._tail.lines(),
            metric=self.curve.metric,
            points=self.curve.points,
        )

    def _take_readings(self) -> None:
        taken, count, size = self._newest.take()
        self._growth.note(self._clock.monotonic(), count, size + count * ROW_BYTES)
        rows = [(row, _decode(row.metrics)) for row in taken]
        for row, values in rows:
            self._latest = dict(sorted({**self._latest, **values}.items()))
            self._recorded_at = {**self._recorded_at, **dict.fromkeys(values, row.recorded_at)}
        try:
            self.curve.update([(parse_time(row.recorded_at).timestamp(), values) for row, values in rows])
        except sqlite3.Error:
            self._due.pop("rows", None)  # the file is busy or being salvaged: what is shown stays

    def _read_latest(self) -> None:
        try:
            found = self._recent.latest()
        except sqlite3.Error:
            found = {}
        self._latest = {name: value for name, (value, _) in sorted(found.items())}
        self._recorded_at = {name: at for name, (_, at) in found.items()}

    def _read_rows(self) -> None:
        try:
            self._waiting = tuple(self._recent.waiting())
        except sqlite3.Error:
            self._waiting = None
        with suppress(sqlite3.Error):
            self._unanswered = self._recent.unanswered()

    def _read_people(self) -> None:
        operation: Operation = self._session.operation
        written = _written(self._session.folder.path / IDENTITY_FILE)
        if written == self._people_as_of:
            return
        try:
            self._operator = operation.operator()
            self._people_as_of = written
        except (DesktopError, sqlite3.Error) as error:  # read again at the next look: nobody must pass for another
            self._operator, self._people_as_of = Operator(ended=str(error)), ()

    def _seldom(self, name: str, every_s: float, read: Callable[[], None]) -> None:
        now = self._clock.monotonic()
        if now >= self._due.get(name, float("-inf")):
            self._due[name] = now + every_s
            read()


def _free_bytes(folder: Path) -> int | None:
    """Return what is free on the disk of *folder*; ``None`` when the disk does not say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _written(file: Path) -> tuple[int, ...]:
    """Return what differs after every change of a SQLite file: reading thousands of people each second is too much."""
    found: list[int] = []
    for one in (file, file.with_name(f"{file.name}-wal")):
        try:
            about = one.stat()
        except OSError:
            found += [0, 0]
        else:
            found += [about.st_mtime_ns, about.st_size]
    return tuple(found)

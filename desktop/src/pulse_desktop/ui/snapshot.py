"""
What the window shows at one moment: everything it needs, immutable, made off the window's thread.

Pure but for the clock passed in. Read next: ``bridge`` (who makes it), ``words`` (how it is said).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from ..core.connection import State
from ..core.errors import Link
from ..core.operation import Operator
from ..core.readings import MetricValue
from ..core.recent import Point, WaitingRow
from ..core.report import DeviceReport
from ..core.status import ADVICE

ROW_BYTES = 120  # that a buffered row takes besides its metrics, with its share of the pages


class Lamp(StrEnum):
    """The three states that both user interfaces show."""

    ONLINE = "online"
    SYNCING = "syncing"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event of the program's log; ``at``: RFC 3339 text."""

    at: str
    level: str
    event: str
    fields: str


@dataclass(frozen=True, slots=True)
class Buffer:
    """
    The buffer in figures.

    ``room_h``: hours until it is full at the present pace, ``None``: not known; ``progress``: of the flush,
    0 to 1, ``None``: none is under way; ``left_s``: seconds until its end, ``None``: too early to say.
    """

    held: int = 0
    sent: int = 0
    quarantined: int = 0
    lost: int = 0
    used_pct: float = 0.0
    room_h: float | None = None
    progress: float | None = None
    left_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    One picture of the device; ``None`` as ``buffer`` or ``waiting``: not known.

    ``latest``: the newest value of every metric, in the order of their names; ``recorded_at``: when each of them was
    measured, RFC 3339 text; ``problems``: what is wrong now, by a key that stays the same while the cause does.
    """

    client_id: str
    lamp: Lamp = Lamp.DISCONNECTED
    link: Link = Link.CONNECTING
    link_detail: str = ""
    is_archive_away: bool = False
    is_starting: bool = False
    buffer: Buffer | None = None
    last_sync_at: str | None = None
    latest: dict[str, MetricValue] = field(default_factory=dict)
    recorded_at: dict[str, str] = field(default_factory=dict)
    waiting: tuple[WaitingRow, ...] | None = None
    problems: dict[str, str] = field(default_factory=dict)
    operator: Operator = field(default_factory=Operator)
    log: tuple[LogLine, ...] = ()
    metric: str = ""
    points: tuple[Point, ...] = ()


def lamp_of(report: DeviceReport) -> Lamp:
    """Return the state of the lamp; a link with nobody behind it who archives is online, with a banner.

    A device of which a part has ended does not count as connected, whatever its link says.
    """
    if report.ended or report.link is not Link.UP or report.state is State.DISCONNECTED:
        return Lamp.DISCONNECTED
    return Lamp.SYNCING if report.state is State.SYNCING else Lamp.ONLINE


def room_rows(report: DeviceReport, free_bytes: int, row_bytes: float | None) -> int:
    """Return how many more rows there is room for, in the buffer's limit and on the disk; *row_bytes*: of one row."""
    outbox = report.outbox
    rows = max(0, outbox.limit - outbox.held - outbox.quarantined)
    return min(rows, int(free_bytes / row_bytes)) if row_bytes else rows


def buffer_of(report: DeviceReport, most: int | None, room_h: float | None) -> Buffer:
    """
    Return the figures of the buffer.

    Args:
        report: How the device is.
        most: Rows held when the present flush began; ``None``: none is under way.
        room_h: Hours of readings that there is room for; ``None``: not known.
    """
    outbox, rate = report.outbox, report.drain_per_s
    return Buffer(
        held=outbox.held,
        sent=outbox.sent,
        quarantined=outbox.quarantined,
        lost=outbox.lost,
        used_pct=outbox.used_pct,
        room_h=room_h,
        progress=None if most is None else min(1.0, max(0.0, 1 - outbox.held / max(1, most))),
        left_s=outbox.held / rate if most is not None and rate else None,
    )


def problems_of(report: DeviceReport, unanswered: int = 0) -> dict[str, str]:
    """Return what stands as a banner: each until its cause is gone; *unanswered*: readings that were set aside."""
    outbox = report.outbox
    unanswered = min(unanswered, outbox.held)  # which they are; what was noted may be a moment old
    found = {
        "recording": _recording_problem(report),
        "notice": outbox.notice,
        "source": report.source_status if outbox.problem or not report.are_sources_failed else "",
        "archive": "the broker takes readings, but nobody archives them; they wait here, and nothing is lost"
        if report.link is Link.UP and report.state is State.AWAY
        else "",
        "refused": _link_problem(report, Link.REFUSED, "the server refuses this device")
        or _link_problem(report, Link.REFUSED_HERE, "not connected"),
        "taken": _link_problem(report, Link.TAKEN_OVER, "another device uses the id of this one"),
        "rejected": f"the archive has rejected {outbox.quarantined} readings; they are kept here, see the waiting rows"
        if outbox.quarantined
        else "",
        "unanswered": f"the archive leaves {unanswered} readings unanswered although it answers others; they are kept "
        "here and offered again"
        if unanswered
        else "",
        "ended": f"a part has ended by itself ({', '.join(report.ended)}); the device is started anew"
        if report.ended
        else "",
    }
    return {key: text for key, text in found.items() if text}


def _recording_problem(report: DeviceReport) -> str:
    if report.outbox.problem:
        return f"{report.outbox.problem}; when that is put right, recording goes on by itself"
    return f"nothing is being recorded: {report.source_status}" if report.are_sources_failed else ""


def _link_problem(report: DeviceReport, link: Link, what: str) -> str:
    return f"{what}: {report.link_detail.rstrip('.')}; {ADVICE[link]}" if report.link is link else ""

"""
How figures and states are said: one form for each kind, the same in every widget. Pure.

Integers are written digit by digit, never through a float, so that 64 bits stay exact.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import lru_cache

from pulse_acl.payloads import parse_time

from ..core.errors import Link
from ..core.readings import MetricValue
from .snapshot import Lamp, Snapshot

THIN = "\u202f"
MONTHS = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]  # and not the system's, whose language may be another
HALF_A_YEAR = timedelta(days=183)
TITLES = {Lamp.ONLINE: "Online", Lamp.SYNCING: "Offline \u2013 Syncing", Lamp.DISCONNECTED: "Disconnected"}
_LINKS = {
    Link.UP: "The connection is just being made.",
    Link.CONNECTING: "Connecting to the broker.",
    Link.NO_NETWORK: "No network: this machine reaches nobody. Check the cable or the WLAN.",
    Link.NO_BROKER: "No broker: the network is there; the broker or the server does not answer.",
    Link.REFUSED: "Refused: the server does not let this device in. Ask an administrator.",
    Link.REFUSED_HERE: "Refused here: this machine does not accept what it finds at the server's address.",
    Link.TAKEN_OVER: "Another device uses this id. One of them needs an id of its own.",
}
WAIT = "Readings wait on disk."
NOTHING_RECORDED = "Nothing is being recorded."
_NOT_KNOWN = "How the device is now is not known."
_WITHOUT_LINK = {"start": "The device has not started.", "look": _NOT_KNOWN, "news": _NOT_KNOWN}  # by problem
_TOLD_BY_A_BANNER = {Link.REFUSED, Link.REFUSED_HERE, Link.TAKEN_OVER}
LINK_NAMES = {
    Link.UP: "connected",
    Link.CONNECTING: "connecting",
    Link.NO_NETWORK: "no network",
    Link.NO_BROKER: "no broker",
    Link.REFUSED: "refused",
    Link.REFUSED_HERE: "refused by this machine",
    Link.TAKEN_OVER: "id in use",
}


def explained(now: Snapshot) -> str:
    """Say what the state of the lamp means, and which link is missing."""
    if now.is_starting:
        return "The device is starting."
    if problem := _WITHOUT_LINK.keys() & now.problems.keys():
        return _WITHOUT_LINK[min(problem)]
    if now.lamp is Lamp.DISCONNECTED:
        return f"{_LINKS[now.link]} {_meanwhile(now)}"
    is_off = "recording" in now.problems
    if now.lamp is Lamp.SYNCING:
        said = "Connected again: what was held is sent first."
    elif now.is_archive_away:
        said = "Readings reach the broker; the archive is away."
    else:
        said = "Connected." if is_off else "Readings go out as they are taken."
    return f"{said} {NOTHING_RECORDED}" if is_off else said


def _meanwhile(now: Snapshot) -> str:
    """Say what becomes of the readings while there is no connection."""
    return NOTHING_RECORDED if "recording" in now.problems else WAIT


def explanations(now: Snapshot) -> tuple[str, ...]:
    """Return what to say of the state, for as much room as each takes: first with ``link_detail``, then shorter."""
    whole = explained(now)
    is_told = now.lamp is not Lamp.DISCONNECTED or now.is_starting or _WITHOUT_LINK.keys() & now.problems.keys()
    if is_told or not now.link_detail or now.link in _TOLD_BY_A_BANNER:
        return (whole,)
    more = _breakable(sentence(now.link_detail))
    if now.link is not Link.NO_BROKER:
        return (f"{whole}\n{more}", whole)
    return (f"{whole}\n{more}", f"No broker. {more} {_meanwhile(now)}", f"No broker. {more}")


def _breakable(text: str) -> str:
    """Let an address in *text* go on in the next line where it has no room."""
    return re.sub(r"(?<=\S{8}[/.:_-])(?=\S{4})", "\u200b", text)


def value_text(value: MetricValue | None) -> str:
    """Write a value: an integer exactly and in groups of three, a decimal with 6 significant digits, yes or no."""
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return grouped(value)
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.4e}"
    text = f"{value:,.3f}" if abs(value) >= 1000 else f"{value:.6g}"
    return (text if "." in text else f"{text}.0").replace(",", THIN)


def exact_text(value: MetricValue) -> str:
    """Write a value so that nothing of it is lost, as in JSON."""
    return ("true" if value else "false") if isinstance(value, bool) else repr(value)


def type_name(value: MetricValue) -> str:
    """Name the type of a value."""
    if isinstance(value, bool):
        return "boolean"
    return "integer" if isinstance(value, int) else "decimal"


def grouped(count: int) -> str:
    """Write a whole number in groups of three."""
    return f"{count:,}".replace(",", THIN)


def duration(seconds: float) -> str:
    """Write a length of time in its two greatest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{grouped(whole // 86400)} days"


def room(hours: float | None) -> str:
    """Say how long the buffer lasts without a connection."""
    if hours is None:
        return ""
    if hours >= 24 * 365 * 2:
        return "room for years"
    if hours < 48:
        return f"room for {hours:.1f} h"
    return f"room for {grouped(round(hours))} h ({grouped(round(hours / 24))} days)"


def clock_time(text: str | None, now: datetime) -> str:
    """
    Write an RFC 3339 time as this machine's people read it.

    The time; with the day when that is not today's; the day alone, with its year, when it is half a year away.
    """
    return _clock_time(text, now.astimezone().date()) if text else "never"


@lru_cache(maxsize=2048)  # as below
def whole_time(text: str) -> str:
    """Write an RFC 3339 time with everything that ``clock_time`` may leave out, for a tooltip."""
    return f"{parse_time(text).astimezone():%Y-%m-%d %H:%M:%S}"


@lru_cache(maxsize=2048)  # the rows that wait and the metrics are written at every look
def _clock_time(text: str, today: date) -> str:
    at = parse_time(text).astimezone()
    if at.date() == today:
        return f"{at:%H:%M:%S}"
    day = f"{at.day} {MONTHS[at.month - 1]}"
    return f"{day} {at:%H:%M:%S}" if abs(at.date() - today) < HALF_A_YEAR else f"{day} {at.year}"


def sentence(text: str) -> str:
    """Write *text* as a sentence: a capital at its beginning, one point at its end."""
    stripped = text.strip().rstrip(".")
    return f"{stripped[:1].upper()}{stripped[1:]}." if stripped else ""

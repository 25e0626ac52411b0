"""
How a running device is at this moment, for whoever shows it; one immutable look at what its threads hold.

Nothing here reads a file or waits. Read next: ``device`` (``Device.report``), ``recent`` (what the files hold).
"""

from __future__ import annotations

from dataclasses import dataclass

from .connection import State
from .errors import Link
from .outbox import OutboxState
from .settings import DeviceSettings


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """
    One look at a device.

    ``state``: where delivery stands; ``link``: which link is missing, with ``link_detail`` for people;
    ``drain_per_s``: readings answered per second of the present or the last flush, ``None``: too few to say;
    ``source_status``: what is wrong with the sources, empty when well; ``ended``: parts that ended by themselves;
    ``are_sources_failed``: no source gives anything, so nothing is recorded.
    """

    outbox: OutboxState
    state: State
    link: Link
    link_detail: str
    drain_per_s: float | None
    source_status: str
    settings: DeviceSettings
    ended: tuple[str, ...] = ()
    are_sources_failed: bool = False

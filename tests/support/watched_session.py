"""A session as a window watches it, without a device behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pulse_desktop.core.connection import State
from pulse_desktop.core.errors import Link
from pulse_desktop.core.folder import DeviceFolder
from pulse_desktop.core.operation import Operator
from pulse_desktop.core.outbox.state import OutboxState, StreamState
from pulse_desktop.core.report import DeviceReport
from pulse_desktop.core.settings import DeviceSettings


class FakeSession:
    """A session with a device that is online; ``operator`` and what is other in ``report`` are what a test makes."""

    def __init__(self, folder: Path) -> None:
        self.folder = DeviceFolder("D1", folder)
        self.operation = self.device = self
        self.refusal: Exception | None = None
        self.who: Callable[[], Operator] = Operator
        self.is_other: dict[str, Any] = {}
        self.stream = StreamState(1, "s1", last_no=10, first_held=1, last_held=10, pending=10)

    def start(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def watch_aside(self) -> None:
        """Nobody watches."""

    def report(self) -> DeviceReport:
        outbox = OutboxState(self.stream, (self.stream,), limit=1_000_010)
        report = DeviceReport(outbox, State.CONNECTED, Link.UP, "", None, "", DeviceSettings())
        return replace(report, **self.is_other)

    def operator(self) -> Operator:
        return self.who()

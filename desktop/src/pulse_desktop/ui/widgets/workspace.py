"""
Below the cards: the chart beside the tables where there is room, and as the first of the tabs where there is not.

What is not visible is not drawn. Read next: ``chart``, ``table``.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSplitter, QTabWidget, QVBoxLayout, QWidget

from ...core.recent import WaitingRow
from ..models.tables import (
    LOG_HEADINGS,
    METRIC_HEADINGS,
    WAITING_HEADINGS,
    left_out,
    log_rows,
    metric_rows,
    waiting_rows,
)
from ..snapshot import LogLine, Snapshot
from ..theme.style import role
from .chart import Chart
from .table import Table

WIDE = 980
A_TIME = "00:00:00"
NOTHING_WAITS = "Nothing waits: every reading is in the archive."
NOT_KNOWN = "Which readings wait is not known: the device's file cannot be read."


class Workspace(QWidget):
    """Chart, metrics, waiting rows, log; ``add_page`` adds a further tab."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = Chart()
        self.metrics = Table(
            METRIC_HEADINGS, wide=0, right=frozenset({1}), empty="No reading was taken so far.", spare=2
        )
        self.metrics.set_widths("", "123456.789", "boolean", A_TIME)
        self.waiting = Table(WAITING_HEADINGS, wide=1, right=frozenset({0, 1}), empty=NOT_KNOWN, spare=0)
        self.waiting.set_widths("12345", "", "pending", A_TIME)
        self.log = Table(LOG_HEADINGS, wide=2, empty="Nothing has happened so far.")
        self.log.set_widths(A_TIME, "desktop.connection_lost", "")
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(True)
        for page, name in ((self.metrics, "Metrics"), (self.waiting, "Waiting"), (self.log, "Log")):
            self.tabs.addTab(page, name)
        self._chart_card, self._tabs_card = _card(self.chart), _card(self.tabs)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setChildrenCollapsible(False)
        self._split.setHandleWidth(10)
        self._split.addWidget(self._chart_card)
        self._split.addWidget(self._tabs_card)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        self._split.setSizes([720, 520])
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._split)
        self._is_wide = True
        self._waiting_shown: tuple[tuple[WaitingRow, ...] | None, str, date] | None = None
        self._log_shown: tuple[tuple[LogLine, ...], date] | None = None

    @property
    def is_wide(self) -> bool:
        """Tell whether the chart stands beside the tables."""
        return self._is_wide

    def show_snapshot(self, now: Snapshot, metric: str) -> None:
        """Show *now*; the rows that wait with their values of *metric*. Only what is visible is made."""
        here = datetime.now(UTC)
        today = here.astimezone().date()  # of which the times are without their day
        self.chart.show_points(now.metric or metric, now.points, time.time())
        self.metrics.show_rows(metric_rows(now.latest, now.recorded_at, here))
        if (now.waiting, metric, today) != self._waiting_shown:
            self._waiting_shown = (now.waiting, metric, today)
            self.waiting.empty = NOT_KNOWN if now.waiting is None else NOTHING_WAITS
            self.waiting.show_rows(waiting_rows(now.waiting or (), metric, here))
        self.waiting.note = left_out(len(now.waiting or ()), now.buffer)
        log, day = self._log_shown or (None, None)
        if (now.log is not log or today != day) and self.log.isVisible():
            self._log_shown = (now.log, today)
            self.log.show_rows(log_rows(now.log, here))

    def add_page(self, page: QWidget, name: str) -> None:
        """Add a tab at the end."""
        self.tabs.addTab(page, name)

    def remove_page(self, page: QWidget) -> None:
        """Remove a tab if it is there."""
        index = self.tabs.indexOf(page)
        if index >= 0:
            self.tabs.removeTab(index)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Move the chart where there is room for it."""
        super().resizeEvent(event)
        wide = event.size().width() >= WIDE
        if wide == self._is_wide:
            return
        self._is_wide = wide
        if wide:
            self.tabs.removeTab(self.tabs.indexOf(self.chart))
            _fill(self._chart_card, self.chart)
        else:
            self.tabs.insertTab(0, self.chart, "Chart")
            self.tabs.setCurrentIndex(0)
        self.chart.show()
        self._chart_card.setVisible(wide)


def _card(inside: QWidget) -> QFrame:
    card = role(QFrame(), "card")
    box = QVBoxLayout(card)
    box.setContentsMargins(1, 1, 1, 1)
    box.addWidget(inside)
    return card


def _fill(card: QFrame, inside: QWidget) -> None:
    layout = card.layout()
    assert layout is not None
    layout.addWidget(inside)

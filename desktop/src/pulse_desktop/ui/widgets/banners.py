"""
What is wrong stands here until its cause is gone; one banner for each cause, the gravest first.

Many may stand at once: no more than a share of the window is theirs, and then they scroll. One that comes is scrolled
into sight.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from ..theme.style import restyle, role
from ..words import sentence

ERRORS = frozenset({"recording", "refused", "taken", "ended", "start", "failed", "look", "news"})
INFOS = frozenset({"cache", "signed-out", "done"})
LEVELS = ("error", "warning", "info")
SHARE = 0.2  # of the window's height: on 480 pixels the cards and the chart need the rest
GAP_PX = 6


class Banners(QScrollArea):
    """The banners; ``texts`` says which are there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        inside = QWidget()
        self._box = QVBoxLayout(inside)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(GAP_PX)
        self._shown: dict[str, tuple[QFrame, QLabel]] = {}
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("notices")
        self.setWidget(inside)
        self.hide()

    @property
    def texts(self) -> dict[str, str]:
        """What stands there by cause."""
        return {cause: label.text() for cause, (_, label) in self._shown.items()}

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Show exactly *problems*, by cause."""
        gone = [cause for cause in self._shown if cause not in problems]
        is_changed = bool(gone)
        for cause in gone:
            frame, _ = self._shown.pop(cause)
            self._box.removeWidget(frame)
            frame.hide()
            frame.deleteLater()
        come: list[QFrame] = []
        for cause in sorted(problems, key=lambda one: LEVELS.index(level_of(one))):
            if cause not in self._shown:
                self._shown[cause] = self._add(cause)
                come.append(self._shown[cause][0])
            label = self._shown[cause][1]
            if label.text() != (said := sentence(problems[cause])):
                label.setText(said)
                is_changed = True
        self.setVisible(bool(self._shown))
        if is_changed:
            self._lay_out()
        self._fit()  # the window may have another height by now
        if come:
            self.ensureWidgetVisible(come[0], 0, 0)

    def _lay_out(self) -> None:
        """Give every banner its place now, and not when Qt comes to it: what is higher would be cut until then."""
        for frame, _ in self._shown.values():
            frame.show()
            frame.ensurePolished()
            if (row := frame.layout()) is not None:
                row.activate()
        self._fit()
        self.event(QEvent(QEvent.Type.LayoutRequest))  # it is the area that gives its inside a size

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fit again: a narrower text takes more lines."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Take the height that the banners need, and no more than their share of the window."""
        if not self._shown:
            return
        most = int(self.window().height() * SHARE)
        width = self.width()
        if is_long := self._box.totalHeightForWidth(width) > most:
            width -= self.verticalScrollBar().sizeHint().width()
        height = min(self._box.totalHeightForWidth(width), most)
        if (self.minimumHeight(), self.maximumHeight()) != (height, height):
            self.setFixedHeight(height)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if is_long else Qt.FocusPolicy.NoFocus)

    def _add(self, cause: str) -> tuple[QFrame, QLabel]:
        frame, level = role(QFrame(), "banner"), level_of(cause)
        strip = role(QFrame(), "strip")
        strip.setFixedWidth(4)
        for one in (frame, strip):
            one.setProperty("level", level)
        label = QLabel()
        label.setTextFormat(Qt.TextFormat.PlainText)  # it may hold what a source or a server has written
        label.setWordWrap(True)
        label.setAccessibleName("notice")
        row = QHBoxLayout(frame)
        row.setContentsMargins(7, 6, 12, 6)
        row.setSpacing(10)
        row.addWidget(strip)
        row.addWidget(label, 1)
        restyle(frame)
        restyle(strip)
        graver = sum(LEVELS.index(level_of(one)) <= LEVELS.index(level) for one in self._shown)
        self._box.insertWidget(graver, frame)
        return frame, label


def level_of(cause: str) -> str:
    """Return how grave *cause* is: one of ``LEVELS``."""
    return "error" if cause in ERRORS else "info" if cause in INFOS else "warning"

"""What is wrong stands here until its cause is gone; one banner for each cause."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ..theme.style import restyle, role
from ..words import sentence

ERRORS = frozenset({"recording", "refused", "taken", "ended", "start", "failed", "look"})
INFOS = frozenset({"cache", "signed-out", "done"})


class Banners(QWidget):
    """The banners, in the order of their causes; ``texts`` says which are there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(6)
        self._shown: dict[str, tuple[QFrame, QLabel]] = {}
        self.hide()

    @property
    def texts(self) -> dict[str, str]:
        """What stands there by cause."""
        return {cause: label.text() for cause, (_, label) in self._shown.items()}

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Show exactly *problems*, by cause."""
        for cause in [cause for cause in self._shown if cause not in problems]:
            frame, _ = self._shown.pop(cause)
            self._box.removeWidget(frame)
            frame.deleteLater()
        for cause, text in problems.items():
            if cause not in self._shown:
                self._shown[cause] = self._add(cause)
            label = self._shown[cause][1]
            if label.text() != (said := sentence(text)):
                label.setText(said)
        self.setVisible(bool(self._shown))

    def _add(self, cause: str) -> tuple[QFrame, QLabel]:
        frame = role(QFrame(), "banner")
        strip = role(QFrame(), "strip")
        strip.setFixedWidth(4)
        level = "error" if cause in ERRORS else "info" if cause in INFOS else "warning"
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
        self._box.addWidget(frame)
        return frame, label

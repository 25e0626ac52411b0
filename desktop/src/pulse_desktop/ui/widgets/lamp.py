"""The lamp of the connection: a dot in the state's colour, with a ring that comes and goes while it is online."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ..snapshot import Lamp
from ..theme.style import present

DOT = 6.0
RING = 13.0


class LampDot(QWidget):
    """
    A dot of ``state``; while that is online its ring changes with each look at the device.

    So a green dot whose ring stands still is a window that is told nothing, and a beat of the lamp's own, which would
    be drawn all day, is what the program would cost most.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = Lamp.DISCONNECTED
        self._is_wide = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # else each beat draws the card below anew, too
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of dot and ring."""
        return QSize(int(2 * RING) + 2, int(2 * RING) + 2)

    def show_state(self, state: Lamp) -> None:
        """Show *state* as of now."""
        is_online = state is Lamp.ONLINE
        if state is self.state and not is_online:
            return
        self.state = state
        self._is_wide = is_online and not self._is_wide
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint dot and ring."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(present().surface))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(present().of(self.state))
        middle = QPointF(self.width() / 2, self.height() / 2)
        painter.setPen(QColor(0, 0, 0, 0))
        ring = QColor(colour)
        ring.setAlphaF(0.3 if self._is_wide else 0.22)
        painter.setBrush(ring)
        size = DOT + (RING - DOT) * (1.0 if self._is_wide else 0.55)
        painter.drawEllipse(middle, size, size)
        painter.setBrush(colour)
        painter.drawEllipse(middle, DOT, DOT)
        painter.end()

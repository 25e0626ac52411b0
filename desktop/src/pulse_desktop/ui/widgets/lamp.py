"""The lamp of the connection: a dot in the state's colour, with a ring that beats while it is online."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ..snapshot import Lamp
from ..theme.style import present

BEAT_MS = 2_000
STEP_MS = 250  # each step is drawn anew all day: more of them is what the program would cost most
DOT = 6.0
RING = 13.0


class LampDot(QWidget):
    """A dot of ``state``; green beats, the others stand still."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state = Lamp.DISCONNECTED
        self._phase = 0.0
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # else each beat draws the card below anew, too
        self._timer = QTimer(self)
        self._timer.setInterval(STEP_MS)
        self._timer.timeout.connect(self._step)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of dot and ring."""
        return QSize(int(2 * RING) + 2, int(2 * RING) + 2)

    def show_state(self, state: Lamp) -> None:
        """Show another state."""
        if state is self.state:
            return
        self.state = state
        self._phase = 0.0
        if state is Lamp.ONLINE:
            self._timer.start()
        else:
            self._timer.stop()
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
        beats = self.state is Lamp.ONLINE
        ring.setAlphaF(0.45 * (1 - self._phase) if beats else 0.22)
        painter.setBrush(ring)
        size = DOT + (RING - DOT) * (self._phase if beats else 0.55)
        painter.drawEllipse(middle, size, size)
        painter.setBrush(colour)
        painter.drawEllipse(middle, DOT, DOT)
        painter.end()

    def _step(self) -> None:
        self._phase = (self._phase + STEP_MS / BEAT_MS) % 1.0
        self.update()

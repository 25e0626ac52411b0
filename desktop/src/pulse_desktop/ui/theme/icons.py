"""Icons painted in the theme's colours: the product's mark and the lamp for the tray; no files are needed."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

from .colours import Colours

SIZE = 64
_BEAT = ((0.0, 0.5), (0.27, 0.5), (0.40, 0.16), (0.58, 0.84), (0.70, 0.5), (1.0, 0.5))


def mark(colours: Colours, lamp: str | None = None) -> QIcon:
    """Return the mark: a pulse on a tile; *lamp*: a colour for a dot in its corner."""
    pixmap = QPixmap(SIZE, SIZE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_mark(painter, QRectF(2, 2, SIZE - 4, SIZE - 4), colours)
    if lamp is not None:
        painter.setPen(QPen(QColor(colours.bg), 4))
        painter.setBrush(QColor(lamp))
        painter.drawEllipse(QPointF(SIZE - 15, SIZE - 15), 12, 12)
    painter.end()
    return QIcon(pixmap)


def paint_mark(painter: QPainter, where: QRectF, colours: Colours) -> None:
    """Paint the mark into *where*, a square."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colours.accent))
    painter.drawRoundedRect(where, where.width() * 0.22, where.width() * 0.22)
    inner = where.adjusted(where.width() * 0.16, where.width() * 0.16, -where.width() * 0.16, -where.width() * 0.16)
    pen = QPen(QColor(colours.on_accent), where.width() * 0.085)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    points = [QPointF(inner.x() + x * inner.width(), inner.y() + y * inner.height()) for x, y in _BEAT]
    painter.drawPolyline(QPolygonF(points))

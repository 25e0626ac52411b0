"""Several pictures on one sheet, in rows: what belongs together is looked at together, in one file."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QColor, QImage, QPainter

GAP_PX = 16


def sheet(pictures: Sequence[QImage], in_a_row: int, ground: str) -> QImage:
    """Return *pictures* on a *ground* of that colour, each row as high as its highest picture."""
    rows = [pictures[start : start + in_a_row] for start in range(0, len(pictures), in_a_row)]
    width = max(sum(one.width() + GAP_PX for one in row) for row in rows) + GAP_PX
    height = sum(max(one.height() for one in row) + GAP_PX for row in rows) + GAP_PX
    made = QImage(width, height, QImage.Format.Format_RGB32)
    made.fill(QColor(ground))
    painter = QPainter(made)
    top = GAP_PX
    for row in rows:
        left = GAP_PX
        for one in row:
            painter.drawImage(left, top, one)
            left += one.width() + GAP_PX
        top += max(one.height() for one in row) + GAP_PX
    painter.end()
    return made

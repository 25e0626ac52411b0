"""A layout that puts its widgets in a row and goes on in the next where there is no room left."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem


class Flow(QLayout):
    """Widgets from left to right, row under row."""

    def __init__(self, margin: int = 12, gap: int = 8) -> None:
        super().__init__()
        self.setContentsMargins(margin, margin, margin, margin)
        self._gap = gap
        self._items: list[QLayoutItem] = []

    def addItem(self, item: QLayoutItem) -> None:  # noqa: N802 - Qt's name
        """Take an item at the end."""
        self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # noqa: N802 - Qt's name
        """Return an item, or ``None`` behind the last."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # noqa: N802 - Qt's name
        """Give an item away."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:  # noqa: N802 - Qt's name
        """Say that it takes no more than it needs."""
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        """Say that its height follows from its width."""
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        """Return the height for *width* pixels."""
        return self._place(QRect(0, 0, width, 0), moves=False)

    def setGeometry(self, where: QRect) -> None:  # noqa: N802 - Qt's name
        """Put the items into *where*."""
        super().setGeometry(where)
        self._place(where, moves=True)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the least size."""
        return self.minimumSize()

    def minimumSize(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the room of the largest item."""
        margins = self.contentsMargins()
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _place(self, where: QRect, *, moves: bool) -> int:
        margins = self.contentsMargins()
        inner = where.adjusted(margins.left(), margins.top(), -margins.right(), -margins.bottom())
        x, y, tallest = inner.x(), inner.y(), 0
        for item in self._items:
            widget = item.widget()
            if widget is not None and widget.isHidden():
                continue
            hint = item.sizeHint()
            if tallest and x + hint.width() > inner.right() + 1:
                x, y, tallest = inner.x(), y + tallest + self._gap, 0
            if moves:
                item.setGeometry(QRect(QPoint(x, y), hint))
            x, tallest = x + hint.width() + self._gap, max(tallest, hint.height())
        return y + tallest - where.y() + margins.bottom()

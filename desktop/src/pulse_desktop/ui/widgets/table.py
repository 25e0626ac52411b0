"""A table as the whole window has them: no grid, rows of one height, columns as wide as told."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from ..models.rows import Row, Rows
from ..theme.style import role

ROW_PX = 28


class Table(QWidget):
    """Rows under headings; ``wide``: the column that takes the room that is left; *empty*: said when none is there."""

    def __init__(
        self, headings: Sequence[str], *, wide: int, right: frozenset[int] = frozenset(), empty: str = ""
    ) -> None:
        super().__init__()
        self.model = Rows(headings, right)
        self.view = QTableView()
        self.view.setModel(self.model)
        self.view.setShowGrid(False)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setWordWrap(False)
        self.view.setTabKeyNavigation(False)
        self.view.verticalHeader().hide()
        self.view.verticalHeader().setDefaultSectionSize(ROW_PX)
        head = self.view.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(48)
        for column in range(len(headings)):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
        head.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
        self._empty = role(QLabel(empty), "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 4, 6, 6)
        box.addWidget(self.view, 1)
        box.addWidget(self._empty, 1)
        self.show_rows([])

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show exactly *rows*."""
        self.model.show_rows(rows)
        is_empty = not rows and bool(self._empty.text())
        self._empty.setVisible(is_empty)
        self.view.setVisible(not is_empty)

    @property
    def empty(self) -> str:
        """What is said when there is no row."""
        return self._empty.text()

    @empty.setter
    def empty(self, text: str) -> None:
        self._empty.setText(text)

    def set_widths(self, *widths: int) -> None:
        """Set the widths of the columns, in pixels; 0 leaves one as it is."""
        for column, width in enumerate(widths):
            if width:
                self.view.setColumnWidth(column, width)

    def selected(self) -> Row | None:
        """Return the row that a person has chosen."""
        index = self.view.currentIndex()
        rows = self.model.rows()
        return rows[index.row()] if index.isValid() and index.row() < len(rows) else None

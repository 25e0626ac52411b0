"""A table as the whole window has them: no grid, rows of one height, columns as wide as their texts need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from ..models.rows import Row, Rows
from ..theme.style import role

ROW_PX = 28
BESIDE_PX = 24  # that margins and the scroll bar take
LEAST_WIDE = "some/metric"  # that the wide column has room for at least
AROUND_PX = 26  # what a cell's text has on both sides, by the sheet and by Qt; letters differ a little
MOST_CHARACTERS = 24  # of a text that a column makes room for by itself; it is the longest number's


class Table(QWidget):
    """
    Rows under headings; *wide*: the column that takes the room that is left; *empty*: said when none is there.

    *spare*: a column that is left out where the wide one would have no room; what it says is in the rows' tooltips.
    ``note``: a line below the rows.
    """

    def __init__(
        self,
        headings: Sequence[str],
        *,
        wide: int,
        right: frozenset[int] = frozenset(),
        empty: str = "",
        spare: int | None = None,
    ) -> None:
        super().__init__()
        self.model = Rows(headings, right)
        self._wide, self._spare = wide, spare
        self._lengths: dict[int, int] = {}  # of the longest text so far, by column
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
        self._note = role(QLabel(), "faint")
        self._note.setContentsMargins(8, 0, 8, 0)
        self._note.hide()
        box = QVBoxLayout(self)
        box.setContentsMargins(6, 4, 6, 6)
        box.addWidget(self.view, 1)
        box.addWidget(self._empty, 1)
        box.addWidget(self._note)
        self.show_rows([])

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show exactly *rows*."""
        self.model.show_rows(rows)
        self._widen(rows)
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

    @property
    def note(self) -> str:
        """What is said below the rows."""
        return self._note.text()

    @note.setter
    def note(self, text: str) -> None:
        if text != self._note.text():
            self._note.setText(text)
            self._note.setVisible(bool(text))

    def set_widths(self, *texts: str) -> None:
        """Make each column as wide as such a text, until it shows a longer one; an empty text leaves it as it is."""
        for column, text in enumerate(texts):
            if text:
                self._make_room(column, text)

    def _widen(self, rows: Sequence[Row]) -> None:
        """Give a column room for a text that is longer than any before; never less, or the columns would dance."""
        for column, length in self._lengths.items():
            text = max((row.cells[column] for row in rows), key=len, default="")
            if length < len(text) <= MOST_CHARACTERS:
                self._make_room(column, text)

    def _make_room(self, column: int, text: str) -> None:
        self._lengths[column] = len(text)
        wide = QFontMetrics(self.view.font()).horizontalAdvance(text) + AROUND_PX
        self.view.showColumn(column)  # else it takes no width
        self.view.setColumnWidth(column, max(wide, self.view.horizontalHeader().sectionSizeHint(column)))
        self._spare_room()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave out what the wide column needs the room of."""
        super().resizeEvent(event)
        self._spare_room()

    def _spare_room(self) -> None:
        if self._spare is None:
            return
        self.view.showColumn(self._spare)
        others = (self.view.columnWidth(one) for one in range(self.model.columnCount()) if one != self._wide)
        left = self.width() - BESIDE_PX - sum(others)
        least = QFontMetrics(self.view.font()).horizontalAdvance(LEAST_WIDE) + AROUND_PX
        if left < least:
            self.view.hideColumn(self._spare)

    def selected(self) -> Row | None:
        """Return the row that a person has chosen."""
        index = self.view.currentIndex()
        rows = self.model.rows()
        return rows[index.row()] if index.isValid() and index.row() < len(rows) else None

"""A list to find something in: a line that filters, headings that sort, and words where there is nothing to show."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from .. import words
from ..models.rows import KeyedRows, Row
from ..theme.style import role
from .table import ROW_PX


class ListView(QTableView):
    """A table whose rows are opened with Enter."""

    opened = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Open the row on Enter."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.opened.emit()
            return
        super().keyPressEvent(event)


class Listing(QFrame):
    """
    Rows by key, sorted and filtered.

    ``chosen``: another row, or none, is selected; ``opened``: the selected one was double-clicked or Enter was pressed
    on it. *empty*: a title and a sentence that says what to do.
    """

    chosen = Signal()
    opened = Signal()

    def __init__(
        self, headings: Sequence[str], *, wide: int, empty: tuple[str, str], right: frozenset[int] = frozenset()
    ) -> None:
        super().__init__()
        role(self, "card")
        self._empty = empty
        self._settling = False
        self.model = KeyedRows(headings, right)
        self.sorted = QSortFilterProxyModel()
        self.sorted.setSourceModel(self.model)
        self.sorted.setFilterKeyColumn(-1)
        for set_case in (self.sorted.setFilterCaseSensitivity, self.sorted.setSortCaseSensitivity):
            set_case(Qt.CaseSensitivity.CaseInsensitive)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter)
        self.count = role(QLabel(), "faint")
        self.view = ListView()
        self._set_up(len(headings), wide)
        self.nothing = role(QLabel(), "title")
        self.what_to_do = role(QLabel(), "muted")
        self._lay_out()
        self.sort_by(0)
        self.show_rows([])

    def _set_up(self, columns: int, wide: int) -> None:
        view = self.view
        view.setModel(self.sorted)
        view.setSortingEnabled(True)
        view.setShowGrid(False)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setWordWrap(False)
        view.setTabKeyNavigation(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(ROW_PX + 4)
        head = view.horizontalHeader()
        head.setHighlightSections(False)
        head.setMinimumSectionSize(48)
        for column in range(columns):
            head.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
        head.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
        view.selectionModel().currentRowChanged.connect(self._moved)
        view.doubleClicked.connect(lambda _index: self.opened.emit())
        view.opened.connect(self.opened.emit)

    def _lay_out(self) -> None:
        self.head = QHBoxLayout()
        self.head.setContentsMargins(10, 10, 10, 6)
        self.head.setSpacing(8)
        self.head.addWidget(self.filter, 1)
        self.head.addWidget(self.count)
        self._words = QWidget()
        inside = QVBoxLayout(self._words)
        inside.setContentsMargins(30, 20, 30, 40)
        inside.setSpacing(6)
        inside.addStretch(1)
        for label in (self.nothing, self.what_to_do):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
            inside.addWidget(label)
        inside.addStretch(1)
        box = QVBoxLayout(self)
        box.setContentsMargins(1, 1, 1, 1)
        box.setSpacing(0)
        box.addLayout(self.head)
        box.addWidget(self.view, 1)
        box.addWidget(self._words, 1)

    def add_button(self, button: QWidget) -> None:
        """Put a button beside the filter."""
        self.head.addWidget(button)

    def set_widths(self, *widths: int) -> None:
        """Set the widths of the columns, in pixels; 0 leaves one as it is."""
        for column, width in enumerate(widths):
            if width:
                self.view.setColumnWidth(column, width)

    def sort_by(self, column: int, *, is_descending: bool = False) -> None:
        """Sort by a column."""
        order = Qt.SortOrder.DescendingOrder if is_descending else Qt.SortOrder.AscendingOrder
        self.view.sortByColumn(column, order)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show exactly *rows*; the one that is selected stays so wherever it is now."""
        before = self.selected()
        self._settling = True
        self.model.show_rows(rows)
        self._select(before.key if before is not None else "")
        self._settling = False
        self._say()
        after = self.selected()
        if (before is None) != (after is None) or (before is not None and after is not None and before != after):
            self.chosen.emit()

    def select(self, key: str) -> None:
        """Select the row with that key, if it is shown."""
        self._select(key)

    def selected(self) -> Row | None:
        """Return the row that is selected."""
        index = self.view.currentIndex()
        rows = self.model.rows()
        number = self.sorted.mapToSource(index).row() if index.isValid() else -1
        return rows[number] if 0 <= number < len(rows) else None

    def shown(self) -> list[Row]:
        """Return the rows that the filter lets through, in the order shown."""
        rows = self.model.rows()
        numbers = range(self.sorted.rowCount())
        return [rows[self.sorted.mapToSource(self.sorted.index(number, 0)).row()] for number in numbers]

    def _select(self, key: str) -> None:
        for number, row in enumerate(self.model.rows()):
            if row.key == key:
                index = self.sorted.mapFromSource(self.model.index(number, 0))
                self.view.setCurrentIndex(index)
                return
        self.view.setCurrentIndex(QModelIndex())

    def _moved(self, _now: QModelIndex, _before: QModelIndex) -> None:
        if not self._settling:
            self.chosen.emit()

    def _filter(self, text: str) -> None:
        self.sorted.setFilterFixedString(text.strip())
        self._say()

    def _say(self) -> None:
        shown, there = self.sorted.rowCount(), self.model.rowCount()
        text = words.grouped(there) if shown == there else f"{words.grouped(shown)} of {words.grouped(there)}"
        self.count.setText(text)
        self.view.setVisible(shown > 0)
        self._words.setVisible(shown == 0)
        self.filter.setEnabled(there > 0)
        is_filtered = there > 0
        self.nothing.setText("Nothing matches" if is_filtered else self._empty[0])
        self.what_to_do.setText(
            "Clear the filter to see all again, or try other letters." if is_filtered else self._empty[1]
        )

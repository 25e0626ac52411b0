"""
One table model for every list: rows of texts with a key, changed in place so that selection and scroll stay.

A column may be told right-aligned and a cell may name its tone. Read next: ``tables`` (what the columns are).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from ..theme.style import present
from ..widgets.plain import plain_tip

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Row:
    """``cells``: a text for each column; ``tone``: a colour's role for the whole row; ``tip``: more words."""

    key: str
    cells: tuple[str, ...]
    tone: str = ""
    tip: str = ""


class Rows(QAbstractTableModel):
    """Rows under *headings*; columns in *right* are aligned to the right."""

    def __init__(self, headings: Sequence[str], right: frozenset[int] = frozenset()) -> None:
        super().__init__()
        self._headings, self._right = tuple(headings), right
        self._rows: list[Row] = []

    def rows(self) -> list[Row]:
        """Return what is shown."""
        return list(self._rows)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show exactly *rows*; where only cells differ, only these are drawn."""
        before, now = self._rows, list(rows)
        if before == now:
            return
        if [row.key for row in before] == [row.key for row in now]:
            changed = [index for index, row in enumerate(now) if row != before[index]]
            columns = sorted({column for index in changed for column in _columns(before[index], now[index])})
            self._rows = now
            self.dataChanged.emit(self.index(changed[0], columns[0]), self.index(changed[-1], columns[-1]))
            return
        if len(before) == len(now):
            self._rows = now
            self.dataChanged.emit(self.index(0, 0), self.index(len(now) - 1, len(self._headings) - 1))
            return
        self._resize(now)

    def _resize(self, now: list[Row]) -> None:
        """Change the number of rows at the end, so that what is looked at stays where it is."""
        common = min(len(self._rows), len(now))
        if len(now) > len(self._rows):
            self.beginInsertRows(QModelIndex(), common, len(now) - 1)
            self._rows = now
            self.endInsertRows()
        else:
            self.beginRemoveRows(QModelIndex(), common, len(self._rows) - 1)
            self._rows = now
            self.endRemoveRows()
        if common:
            self.dataChanged.emit(self.index(0, 0), self.index(common - 1, len(self._headings) - 1))

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's signature
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's signature
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, what: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: N802
        """Return a heading."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if what == Qt.ItemDataRole.DisplayRole:
            return self._headings[section]
        return self._alignment(section) if what == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, what: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row = self._rows[index.row()]
        if what == Qt.ItemDataRole.DisplayRole:
            return row.cells[index.column()]
        if what == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        if what == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(row.tip) or None
        if what == Qt.ItemDataRole.ForegroundRole and row.tone:
            return QColor(getattr(present(), row.tone))
        return None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


def _columns(before: Row, now: Row) -> Iterable[int]:
    """Return the columns in which two rows that are not the same look otherwise."""
    if (before.tone, before.tip) != (now.tone, now.tip):
        return range(len(now.cells))
    return (number for number, cell in enumerate(now.cells) if cell != before.cells[number])


class KeyedRows(Rows):
    """Rows that somebody sorts: one that comes or goes leaves the others what they are, so thousands cost nothing."""

    def _resize(self, now: list[Row]) -> None:
        before = self._rows
        most = min(len(before), len(now))
        head = next((n for n in range(most) if before[n].key != now[n].key), most)
        tail = next((n for n in range(most - head) if before[-1 - n].key != now[-1 - n].key), most - head)
        old, new = before[head : len(before) - tail], now[head : len(now) - tail]
        start, end = before[:head], before[len(before) - tail :]
        if old:
            self.beginRemoveRows(QModelIndex(), head, head + len(old) - 1)
            self._rows = start + end
            self.endRemoveRows()
        if new:
            self.beginInsertRows(QModelIndex(), head, head + len(new) - 1)
            self._rows = start + new + end
            self.endInsertRows()
        self._rows = list(self._rows)
        for number in [number for number, row in enumerate(now) if row != self._rows[number]]:
            self._rows[number] = now[number]  # one after the other: who sorts them takes the rest for unchanged
            self.dataChanged.emit(self.index(number, 0), self.index(number, self.columnCount() - 1))

"""A list of things of which some are chosen; arrows move, the space bar chooses."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem

from ...core.people.directory import Named
from ..theme.style import role

ROW_PX = 29
LEAST_ROWS, MOST_ROWS = 2, 7


class CheckList(QListWidget):
    """*choices* by name, those with an id in *chosen* checked."""

    def __init__(self, choices: Sequence[Named], chosen: Collection[str] = ()) -> None:
        super().__init__()
        role(self, "checks")
        for one in choices:
            item = QListWidgetItem(one.name)
            item.setData(Qt.ItemDataRole.UserRole, one.id)
            item.setSizeHint(QSize(0, ROW_PX))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if one.id in chosen else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.setMinimumHeight(LEAST_ROWS * ROW_PX + 12)  # the rest scrolls on a small screen
        self.setMaximumHeight(min(max(LEAST_ROWS, len(choices)), MOST_ROWS) * ROW_PX + 12)
        if choices:
            self.setCurrentRow(0)
        self.itemClicked.connect(self._clicked)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size that shows as many as may be shown."""
        return QSize(super().sizeHint().width(), self.maximumHeight())

    def chosen(self) -> frozenset[str]:
        """Return the ids of what is checked."""
        items = (self.item(number) for number in range(self.count()))
        return frozenset(
            str(one.data(Qt.ItemDataRole.UserRole)) for one in items if one.checkState() is Qt.CheckState.Checked
        )

    def choose(self, name: str, *, is_chosen: bool = True) -> None:
        """Check or uncheck what has that name."""
        for item in self.findItems(name, Qt.MatchFlag.MatchExactly):
            item.setCheckState(Qt.CheckState.Checked if is_chosen else Qt.CheckState.Unchecked)

    def _clicked(self, item: QListWidgetItem) -> None:
        self.setCurrentItem(item)

"""A dialog that asks for a few things, does one thing with them elsewhere, and says in place why that was not done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from .. import words
from ..theme.style import role
from .plain import plain

HINT_PX = 190  # that a hint takes at most; a longer one takes more lines
TITLE_PX = 36  # what the system may put above a window
Asker = Callable[[Callable[[], Any], Callable[[Any], None], Callable[[str], None]], None]


class Form(QDialog):
    """Fields under one another, a place for what is wrong, and two buttons; *ask* as in ``bridge.Asking``."""

    def __init__(
        self, title: str, action: str, ask: Asker, parent: QWidget | None = None, *, is_long: bool = False
    ) -> None:
        """*is_long*: the fields may need more height than a small screen has, so they scroll."""
        super().__init__(parent)
        self._is_long = is_long
        self._ask, self._action = ask, action
        self.setWindowTitle(title)
        self.setMinimumWidth(420)
        self.heading = role(plain(title), "title")
        self.words = role(plain(), "muted")
        self.words.setWordWrap(True)
        self.words.hide()
        self.fields = QGridLayout()
        self.fields.setVerticalSpacing(8)
        self.fields.setHorizontalSpacing(14)
        self.fields.setColumnStretch(1, 1)
        self.last = QGridLayout()
        self.last.setHorizontalSpacing(14)
        self.last.setColumnStretch(1, 1)
        self.error = role(plain(), "error")
        self.error.setWordWrap(True)
        self.error.hide()
        self.do = role(QPushButton(action), "primary")
        self.do.setDefault(True)
        self.do.clicked.connect(self.submit)
        self.cancel = QPushButton("Cancel")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self._lay_out()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.do)
        box = QVBoxLayout(self)
        box.setContentsMargins(22, 18, 22, 18)
        box.setSpacing(12)
        box.addWidget(self.heading)
        box.addWidget(self.words)
        if self._is_long:
            box.addWidget(_scrolling(self.fields), 1)
        else:
            box.addLayout(self.fields)
        box.addLayout(self.last)
        box.addWidget(self.error)
        box.addStretch(0 if self._is_long else 1)
        box.addLayout(buttons)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Take the room that the fields need, and no more than the screen has: the buttons must be within reach."""
        super().showEvent(event)
        self._grow()
        screen = self.screen().availableGeometry()
        self.resize(self.size().boundedTo(QSize(screen.width(), screen.height() - TITLE_PX)))
        place = QRect(self.pos(), self.frameSize())
        place.moveRight(min(place.right(), screen.right()))
        place.moveBottom(min(place.bottom(), screen.bottom()))
        self.move(max(place.left(), screen.left()), max(place.top(), screen.top()))

    def pop_up(self) -> None:
        """Open over the parent and be gone when closed."""
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.open()

    def explain(self, text: str) -> None:
        """Say *text* under the title."""
        self.words.setText(text)
        self.words.setVisible(bool(text))

    def add(self, label: str, field: QWidget, hint: str = "", *, is_last: bool = False) -> None:
        """Add a field beside its label, with a hint behind it; *is_last*: below what scrolls."""
        grid = self.last if is_last else self.fields
        row = grid.rowCount()
        name = role(plain(label), "muted")
        name.setBuddy(field)
        field.setAccessibleName(label)
        grid.addWidget(name, row, 0)
        grid.addWidget(field, row, 1)
        if hint:
            behind = role(plain(hint), "faint")
            if behind.sizeHint().width() > HINT_PX:  # else it would take the field's room
                behind.setWordWrap(True)
                behind.setFixedWidth(HINT_PX)
            grid.addWidget(behind, row, 2)

    def add_line(
        self, label: str, *, secret: bool = False, text: str = "", hint: str = "", is_last: bool = False
    ) -> QLineEdit:
        """Add a line to type into."""
        line = QLineEdit(text)
        line.setCursorPosition(0)  # of what is too long, its beginning is seen
        if secret:
            line.setEchoMode(QLineEdit.EchoMode.Password)
        self.add(label, line, hint, is_last=is_last)
        return line

    def work(self) -> Callable[[], Any]:
        """
        Return what is to be done with what the fields hold now; it is called elsewhere.

        Raises:
            ValueError: A field is wrong; the sentence says how.
        """
        raise NotImplementedError

    def done_with(self, answer: Any) -> None:
        """Take the answer of the work; the dialog is closed afterwards."""

    def submit(self) -> None:
        """Do the work, unless a field is wrong."""
        try:
            work = self.work()
        except ValueError as error:
            self._fail(str(error))
            return
        self._busy(is_busy=True)
        self._ask(work, self._finish, self._fail)

    def reject(self) -> None:
        """Close it, but not while the work is under way: what comes of that has to be said to somebody."""
        if self.cancel.isEnabled():
            super().reject()

    def _finish(self, answer: Any) -> None:
        self._busy(is_busy=False)
        self.done_with(answer)
        self.accept()

    def _fail(self, why: str) -> None:
        self._busy(is_busy=False)
        self.error.setText(words.sentence(why))
        self.error.show()
        self._grow()

    def _grow(self) -> None:
        """Make room for the sentence, which would else be taken from the fields."""
        box = self.layout()
        needed = box.totalHeightForWidth(self.width()) if box is not None else 0
        if needed > self.height():
            self.resize(self.width(), needed)

    def _busy(self, *, is_busy: bool) -> None:
        self.do.setEnabled(not is_busy)
        self.cancel.setEnabled(not is_busy)
        self.do.setText("One moment \u2026" if is_busy else self._action)
        if is_busy:
            self.error.hide()


def _scrolling(fields: QGridLayout) -> QScrollArea:
    inside = QWidget()
    fields.setContentsMargins(0, 0, 12, 0)
    inside.setLayout(fields)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(inside)
    return area

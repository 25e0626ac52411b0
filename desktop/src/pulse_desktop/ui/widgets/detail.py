"""What is selected, all about it, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from ..models.people import Detail, Section
from ..theme.style import role
from .flow import Flow
from .plain import plain


class DetailCard(QFrame):
    """A card beside a list; ``add_action`` puts a button below it. Without a selection it says what to select."""

    def __init__(self, nothing: str) -> None:
        super().__init__()
        role(self, "card")
        self._nothing = role(plain(nothing), "muted")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._nothing.setWordWrap(True)
        self._shown: Detail | None = None
        self._body = QVBoxLayout()
        self._body.setContentsMargins(18, 16, 14, 8)
        self._body.setSpacing(10)
        inside = QWidget()
        inside.setLayout(self._body)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(inside)
        self._actions = Flow()
        self._actions_of = QWidget()
        self._actions_of.setLayout(self._actions)
        box = QVBoxLayout(self)
        box.setContentsMargins(1, 1, 1, 1)
        box.setSpacing(0)
        box.addWidget(self._nothing, 1)
        box.addWidget(self._area, 1)
        box.addWidget(self._actions_of)
        self.show_detail(None)

    @property
    def shown(self) -> Detail | None:
        """What is shown."""
        return self._shown

    def add_action(self, button: QPushButton) -> None:
        """Add a button for what can be done with it."""
        self._actions.addWidget(button)

    def show_detail(self, detail: Detail | None) -> None:
        """Show *detail*, or what to select."""
        self._nothing.setVisible(detail is None)
        self._area.setVisible(detail is not None)
        self._actions_of.setVisible(detail is not None)
        if detail == self._shown:
            return
        self._shown = detail
        self._empty()
        if detail is not None:
            self._fill(detail)

    def _fill(self, detail: Detail) -> None:
        title = role(plain(detail.title), "title")
        title.setWordWrap(True)
        self._body.addWidget(title)
        if detail.chips:
            self._body.addWidget(_chips(detail.chips))
        if detail.text:
            self._body.addWidget(_text(detail.text, "muted"))
        for section in detail.sections:
            self._add(section)
        self._body.addStretch(1)

    def _add(self, section: Section) -> None:
        part = QWidget()
        box = QVBoxLayout(part)
        box.setContentsMargins(0, 6, 0, 0)
        box.setSpacing(3)
        box.addWidget(role(plain(section.caption), "caption"))
        text = _text("\n".join(section.lines), "code" if section.is_code else "value")
        if section.tone:
            text.setProperty("tone", section.tone)
        box.addWidget(text)
        self._body.addWidget(part)

    def _empty(self) -> None:
        while (item := self._body.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()


def _chips(chips: tuple[tuple[str, str], ...]) -> QWidget:
    made = QWidget()
    row = QHBoxLayout(made)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(6)
    for text, tone in chips:
        chip = role(plain(text), "chip")
        chip.setProperty("tone", tone)
        row.addWidget(chip)
    row.addStretch(1)
    return made


def _text(text: str, kind: str) -> QLabel:
    label = role(plain(text), kind)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label

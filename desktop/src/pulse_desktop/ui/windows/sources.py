"""
The sources of this device: which kinds, under which names, how often, with which options; they count at once.

A card for each. The options of the program's own kinds have fields of their own; those of plug-ins, which are not
imported here, are one JSON object. What is wrong is said by ``core.sources.plan``, before anything is stored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from ...core.sources.base import Option
from ...core.sources.builtin import BUILT_IN
from ...core.sources.plan import problems
from ...core.sources.registry import InstalledKind, installed_kinds
from ..bridge import Asking
from ..theme.style import role
from ..widgets.form import Form
from ..widgets.plain import plain

OPTIONS_OF_PLUG_INS = "options"
LABEL_PX = 64


class SourcesDialog(Form):
    """
    A card for each of *entries* that is one; what is not understood of them is said, since saving leaves it out.

    *problem*: why the entries that are stored cannot be used; *fixed*: what goes before them, empty when nothing.
    """

    def __init__(
        self,
        bridge: Asking,
        entries: Sequence[object],
        saved: Callable[[], None],
        parent: QWidget | None = None,
        *,
        problem: str = "",
        fixed: str = "",
    ) -> None:
        super().__init__("Sources", "Save", bridge.ask, parent, is_long=True)
        self._operation, self._saved = bridge.operation, saved
        self.resize(720, 756)
        self.cards: list[SourceCard] = []
        self._box = QVBoxLayout()
        self._box.setSpacing(12)
        self.fields.addLayout(self._box, 0, 0, 1, 3)
        self.more = QPushButton("Add a source")
        self.more.setAutoDefault(False)
        self.more.clicked.connect(lambda: self._add({"kind": "machine"}))
        self.last.addWidget(self.more, 0, 0)
        for entry in entries:
            if isinstance(entry, Mapping):
                self._add(entry)
        problem = problem or "; ".join(problems(entries))
        if fixed:
            self._lock(fixed)
        elif problem:
            self.explain(f"{problem}. Saving replaces it.")
        else:
            self.explain(
                "Each is sampled at the device's interval, or at its own. They count as soon as they are saved."
            )

    def work(self) -> Callable[[], Any]:
        """Return the storing of what the cards hold."""
        entries = [card.entry() for card in self.cards]
        return lambda: self._operation.set_sources(entries)

    def done_with(self, _answer: Any) -> None:
        """Tell that they are stored."""
        self._saved()

    def _add(self, entry: Mapping[str, Any]) -> None:
        card = SourceCard(installed_kinds(), entry)
        card.unwanted.connect(lambda: self._remove(card))
        self.cards.append(card)
        self._box.addWidget(card)

    def _remove(self, card: SourceCard) -> None:
        self.cards.remove(card)
        self._box.removeWidget(card)
        card.deleteLater()

    def _lock(self, fixed: str) -> None:
        self.explain(f"{fixed} says which sources this device has; they cannot be changed here.")
        for each in (*self.cards, self.more, self.do):
            each.setEnabled(False)


class SourceCard(QFrame):
    """The fields of one source; ``unwanted``: it is to be taken away."""

    unwanted = Signal()

    def __init__(self, kinds: Sequence[InstalledKind], entry: Mapping[str, Any]) -> None:
        super().__init__()
        role(self, "card")
        self._summaries = {kind.name: kind.summary or f"plug-in of {kind.package}" for kind in kinds}
        given = str(entry.get("kind", ""))
        self.kind = QComboBox()
        self.kind.addItems([*self._summaries, *([] if given in self._summaries or not given else [given])])
        self.kind.setCurrentText(given)
        self.name = _line(entry.get("name"), "as its kind")
        self.prefix = _line(entry.get("prefix"), "none")
        self.interval = _line(entry.get("interval"), "the device's")
        self.about = role(plain(), "faint")  # a package has the name that its maker gave it
        self.remove = role(QPushButton("Remove"), "quiet")
        self.remove.setAutoDefault(False)
        self.remove.clicked.connect(self.unwanted)
        self.options: dict[str, QLineEdit | QCheckBox] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(14, 12, 14, 12)
        self._grid.setHorizontalSpacing(12)
        self._grid.setColumnMinimumWidth(0, LABEL_PX)
        self._grid.setColumnStretch(1, 1)
        self._grid.setColumnStretch(3, 1)
        self._options = QWidget()
        self._lay_out()
        options = entry.get("options", {})
        self._show_options(options if isinstance(options, Mapping) else {})
        self.kind.currentTextChanged.connect(lambda: self._show_options({}))

    def entry(self) -> dict[str, Any]:
        """
        Return what the fields hold, as the file has it.

        Raises:
            ValueError: A field that holds no number or no JSON object.
        """
        kind, name = self.kind.currentText(), self.name.text().strip()
        made: dict[str, Any] = {"kind": kind}
        if name:
            made["name"] = name
        if self.prefix.text().strip():
            made["prefix"] = self.prefix.text().strip()
        if text := self.interval.text().strip():
            made["interval"] = _number(text, f"{name or kind}: the interval")
        if options := self._given(kind, name or kind):
            made["options"] = options
        return made

    def _given(self, kind: str, name: str) -> dict[str, Any]:
        if kind not in BUILT_IN:
            line = self.options[OPTIONS_OF_PLUG_INS]
            assert isinstance(line, QLineEdit)
            return _object(line.text(), f"{name}: what stands in Options") if line.text().strip() else {}
        found: dict[str, Any] = {}
        for key, option in BUILT_IN[kind].options.items():
            field = self.options[key]
            if isinstance(field, QCheckBox):
                if field.isChecked() != option.default:
                    found[key] = field.isChecked()
            elif field.text().strip():
                found[key] = _value(option, field.text(), f"{name}: {key}")
        return found

    def _lay_out(self) -> None:
        rows = (("Kind", self.kind, "Name", self.name), ("Prefix", self.prefix, "Interval, s", self.interval))
        for row, (left, field, right, beside) in enumerate(rows):
            for column, (label, widget) in enumerate(((left, field), (right, beside))):
                words = role(QLabel(label), "muted")
                words.setBuddy(widget)
                widget.setAccessibleName(label)
                self._grid.addWidget(words, row, 2 * column)
                self._grid.addWidget(widget, row, 2 * column + 1)
        self._grid.addWidget(self.remove, 0, 4)
        self._grid.addWidget(self.about, 2, 1, 1, 3)
        self._grid.addWidget(self._options, 3, 0, 1, 5)

    def _show_options(self, given: Mapping[str, Any]) -> None:
        """Put the fields of the kind that is chosen into the place of the former ones."""
        kind = self.kind.currentText()
        self.about.setText(self._summaries.get(kind, "not installed here"))
        former, self._options, self.options = self._options, QWidget(), {}
        self._grid.replaceWidget(former, self._options)
        former.deleteLater()
        grid = QGridLayout(self._options)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setColumnMinimumWidth(0, LABEL_PX)
        grid.setColumnStretch(1, 1)
        known = BUILT_IN[kind].options if kind in BUILT_IN else {OPTIONS_OF_PLUG_INS: Option(dict, "a JSON object")}
        values = given if kind in BUILT_IN else {OPTIONS_OF_PLUG_INS: given}
        for row, (key, option) in enumerate(known.items()):
            field = _field(option, values.get(key))
            field.setAccessibleName(key)
            field.setToolTip(option.meaning)
            label = role(QLabel(key.capitalize()), "muted")
            label.setBuddy(field)
            meaning = role(QLabel(option.meaning), "faint")
            meaning.setWordWrap(True)
            grid.addWidget(label, 2 * row, 0)
            grid.addWidget(field, 2 * row, 1)
            grid.addWidget(meaning, 2 * row + 1, 1)
            self.options[key] = field


def _line(value: Any, without: str) -> QLineEdit:
    line = QLineEdit("" if value is None else str(value))
    line.setPlaceholderText(without)
    return line


def _field(option: Option, value: Any) -> QLineEdit | QCheckBox:
    if option.type is bool:
        box = QCheckBox()
        box.setChecked((option.default if value is None else value) is True)
        return box
    if option.type is dict:
        return _line(json.dumps(value, ensure_ascii=False) if value else None, '{"header": "metric"}')
    return _line(value, "needed" if option.is_required else str(option.default))


def _value(option: Option, text: str, what: str) -> Any:
    """Return what *text* means; a text that does not fit stays one, and the option's own check says so."""
    if option.type is dict:
        return _object(text, what)
    if option.type is int:
        return int(text) if text.strip().lstrip("-").isdecimal() else text
    return _number(text, what) if option.type is float else text


def _number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what} is {text!r}; give a number") from None


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{what} is no JSON object: {error}") from None
    if isinstance(found, dict):
        return found
    raise ValueError(f'{what} is no JSON object; write it as in {{"name": "value"}}')

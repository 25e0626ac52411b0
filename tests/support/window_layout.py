"""What is wrong with how a window is laid out: what is cut off, out of it or its screen, or over something else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTabBar,
    QWidget,
)

KINDS = (
    QLabel,
    QPushButton,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QCheckBox,
    QProgressBar,
    QTabBar,
    QAbstractScrollArea,
)


def faults(window: QWidget) -> list[str]:
    """Return a sentence for each fault of *window*, which must be shown; what scrolls may be as large as it wants."""
    shown = [one for one in window.findChildren(QWidget) if one.isVisible() and isinstance(one, KINDS)]
    fixed = [one for one in shown if not _scrolls(one, window)]
    places = {one: QRect(one.mapTo(window, QPoint()), one.size()) for one in fixed}
    found = [f"{_name(one)} is out of the window" for one, at in places.items() if not window.rect().contains(at)]
    found += [why for one in shown for why in _cut(one)]
    for one, other in itertools.combinations(fixed, 2):
        related = one.isAncestorOf(other) or other.isAncestorOf(one)
        if not related and places[one].intersects(places[other]):
            found.append(f"{_name(one)} lies over {_name(other)}")
    room = window.screen().availableGeometry()
    if window.isWindow() and not room.contains(QRect(window.pos(), window.frameSize())):
        found.append(f"{_name(window)} of {window.width()} x {window.height()} is not on its screen")
    return found


def _scrolls(one: QWidget, window: QWidget) -> bool:
    above = one.parentWidget()
    while above is not None and above is not window:
        if isinstance(above, QAbstractScrollArea):
            return True
        above = above.parentWidget()
    return False


def _cut(one: QWidget) -> Iterator[str]:
    """Say what of the text of *one* has no room."""
    if isinstance(one, QLabel) and one.text():
        room, metrics = one.contentsRect(), QFontMetrics(one.font())
        if one.wordWrap():
            if one.heightForWidth(one.width()) > one.height():
                yield f"{_name(one)} is too low by {one.heightForWidth(one.width()) - one.height()}"
        elif metrics.horizontalAdvance(one.text()) > room.width() or metrics.capHeight() > room.height():
            yield f"{_name(one)} is cut"
    elif isinstance(one, QPushButton | QCheckBox | QComboBox) and one.sizePolicy().horizontalPolicy() is not (
        QSizePolicy.Policy.Ignored
    ):
        wanted = one.minimumSizeHint()
        if one.width() < wanted.width() or one.height() < wanted.height():
            yield f"{_name(one)} is cut"
    elif isinstance(one, QTabBar):
        last = one.tabRect(one.count() - 1)
        if one.count() and last.right() > one.width():
            yield f"the tab {one.tabText(one.count() - 1)} is cut"


def _name(one: QWidget) -> str:
    text = one.text() if isinstance(one, QLabel | QPushButton | QCheckBox) else ""
    return f"{type(one).__name__} {(text or one.accessibleName() or one.windowTitle())[:40]!r}"

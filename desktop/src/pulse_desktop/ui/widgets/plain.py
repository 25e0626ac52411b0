"""
Texts that others have written, shown letter by letter: names and sentences from records, files and servers.

Qt takes what looks like markup for markup, and an image in it for something to fetch, unless it is told not to.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as Markup
from PySide6.QtWidgets import QLabel


def plain(text: str = "") -> QLabel:
    """Return a label that shows whatever it is given as it stands."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def plain_tip(text: str) -> str:
    """Return what shows *text* as it stands in a tooltip, which cannot be told to take no markup."""
    return Markup.convertFromPlainText(text) if Markup.mightBeRichText(text) else text

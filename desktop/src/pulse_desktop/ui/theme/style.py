"""
A theme put on the whole application: palette, style sheet, font. Widgets name their role, never a colour.

Roles are set by ``role`` and looked up by the sheet as ``[role="…"]``. Read next: ``colours``.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TypeVar

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from .colours import BY_NAME, DARK, Colours

FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "Liberation Sans", "DejaVu Sans")
BASE_PX = 14
HERE = Path(__file__).parent
PROPERTY = "pulse-theme"
W = TypeVar("W", bound=QWidget)
_SHEET = Template("""
* { outline: none; }
QWidget { color: $text; }
QMainWindow, QDialog, QWidget[role="page"] { background: $bg; }
QFrame[role="card"] { background: $surface; border: 1px solid $line; border-radius: 10px; }
QFrame[role="header"] { background: $surface; border: none; border-bottom: 1px solid $line; }
QFrame[role="banner"] { background: $surface; border: 1px solid $warn; border-radius: 8px; }
QFrame[role="banner"][level="error"] { border-color: $down; }
QFrame[role="banner"][level="info"] { border-color: $accent; }
QFrame[role="strip"] { background: $warn; border: none; border-radius: 2px; }
QFrame[role="strip"][level="error"] { background: $down; }
QFrame[role="strip"][level="info"] { background: $accent; }
QLabel { background: transparent; }
QLabel[role="product"] { font-size: 17px; font-weight: 700; }
QLabel[role="title"] { font-size: 20px; font-weight: 600; }
QLabel[role="caption"] { color: $muted; font-size: 12px; font-weight: 600; }
QLabel[role="muted"] { color: $muted; }
QLabel[role="faint"] { color: $faint; font-size: 12px; }
QLabel[role="chip"] { color: $muted; background: $raised; border: 1px solid $line; border-radius: 6px;
  padding: 2px 8px; }
QLabel[role="chip"][tone="up"] { color: $up; border-color: $up; }
QLabel[role="chip"][tone="down"] { color: $down; border-color: $down; }
QLabel[role="chip"][tone="warn"] { color: $warn; border-color: $warn; }
QLabel[role="chip"][tone="accent"] { color: $accent; border-color: $accent; background: $accent_soft; }
QLabel[tone="up"] { color: $up; }
QLabel[tone="down"] { color: $down; }
QLabel[tone="faint"] { color: $faint; }
QLabel[role="code"], QPlainTextEdit[role="code"] { font-family: "DejaVu Sans Mono", "Cascadia Mono", "Menlo", monospace;
  font-size: 13px; }
QLabel[role="figure"] { font-size: 26px; font-weight: 600; }
QLabel[role="error"] { color: $down; }
QPushButton { background: $raised; border: 1px solid $line_strong; border-radius: 7px; padding: 6px 14px;
  min-height: 20px; font-weight: 500; }
QPushButton:hover { border-color: $accent; }
QPushButton:pressed { background: $line; }
QPushButton:focus { border: 1px solid $accent; }
QPushButton:disabled { color: $faint; background: $surface; border-color: $line; }
QPushButton[role="primary"] { background: $accent; color: $on_accent; border-color: $accent; font-weight: 600; }
QPushButton[role="primary"]:disabled { background: $line; color: $faint; border-color: $line; }
QPushButton[role="danger"] { color: $down; }
QPushButton[role="danger"]:hover, QPushButton[role="danger"]:focus { border-color: $down; }
QPushButton[role="danger"]:disabled { color: $faint; }
QPushButton[role="quiet"] { background: transparent; border-color: transparent; color: $muted; padding: 6px 9px; }
QPushButton[role="quiet"]:hover, QPushButton[role="quiet"]:focus { color: $text; border-color: $line_strong; }
QPushButton[role="segment"] { padding: 3px 10px; min-height: 18px; border-radius: 6px; background: transparent;
  border-color: transparent; color: $muted; }
QPushButton[role="segment"]:checked { background: $accent_soft; color: $accent; font-weight: 600; }
QPushButton[role="segment"]:focus { border-color: $accent; }
QLineEdit, QComboBox, QPlainTextEdit, QSpinBox, QDoubleSpinBox { background: $raised; border: 1px solid $line_strong;
  border-radius: 7px; padding: 5px 9px; min-height: 22px; selection-background-color: $accent;
  selection-color: $on_accent; }
QLineEdit:focus, QComboBox:focus, QPlainTextEdit:focus { border-color: $accent; }
QLineEdit:disabled, QComboBox:disabled { color: $faint; background: $surface; border-color: $line; }
QLineEdit[wrong="true"] { border-color: $down; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: none; width: 0; height: 0; border-left: 4px solid $raised;
  border-right: 4px solid $raised; border-top: 5px solid $muted; margin-right: 9px; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $line_strong; padding: 4px;
  selection-background-color: $accent_soft; selection-color: $text; }
QTabWidget::pane { border: none; background: transparent; top: 0; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: $muted; padding: 7px 12px; border: none;
  border-bottom: 2px solid transparent; font-weight: 500; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QTabBar::tab:focus { color: $accent; }
QTabBar::scroller { width: 0; }
QTableView, QTreeView, QListView { background: transparent; alternate-background-color: $raised; border: none;
  gridline-color: transparent; selection-background-color: $accent_soft; selection-color: $text; }
QTableView::item { padding: 3px 8px; border: none; border-bottom: 1px solid $line; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section { background: transparent; color: $faint; border: none; border-bottom: 1px solid $line_strong;
  padding: 5px 8px; font-size: 12px; font-weight: 600; }
QTableCornerButton::section { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle { background: $line_strong; border-radius: 3px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; border: none;
  width: 0; height: 0; }
QProgressBar { background: $line; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }
QProgressBar::chunk { background: $warn; border-radius: 3px; }
QSplitter::handle { background: transparent; }
QListWidget[role="checks"] { background: $raised; border: 1px solid $line_strong; border-radius: 7px; padding: 4px; }
QListWidget[role="checks"]:focus { border-color: $accent; }
QListWidget[role="checks"]::item { padding: 0 6px; border-radius: 5px; color: $text; }
QListWidget[role="checks"]::item:selected { background: $accent_soft; color: $text; }
QListWidget::indicator { width: 16px; height: 16px; border: 1px solid $line_strong; border-radius: 4px;
  background: $surface; }
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid $line_strong; border-radius: 4px;
  background: $raised; }
QCheckBox::indicator:checked, QListWidget::indicator:checked { background: $accent; border-color: $accent;
  image: url("$tick"); }
QCheckBox::indicator:focus { border-color: $accent; }
QToolTip { background: $raised; color: $text; border: 1px solid $line_strong; padding: 6px; }
QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; border: none; }
QMenu { background: $surface; border: 1px solid $line_strong; padding: 4px; }
QMenu::item { padding: 6px 18px; border-radius: 5px; }
QMenu::item:selected { background: $accent_soft; }
""")


def role(widget: W, name: str) -> W:
    """Give *widget* its role in the sheet and return it."""
    widget.setProperty("role", name)
    return widget


def restyle(widget: QWidget) -> None:
    """Let the sheet look at *widget* again after a property of it has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def put_on(application: QApplication, colours: Colours) -> None:
    """Put a theme on; windows that are open change at once."""
    application.setProperty(PROPERTY, colours.name)
    application.setStyle("Fusion")
    application.setFont(_font())
    application.setPalette(_palette(colours))
    fields = {name: getattr(colours, name) for name in colours.__slots__}
    fields["tick"] = (HERE / f"tick-{colours.name}.png").as_posix()
    application.setStyleSheet(_SHEET.substitute(fields))


def present() -> Colours:
    """Return the theme that is on."""
    application = QApplication.instance()
    name = application.property(PROPERTY) if application is not None else None
    return BY_NAME.get(str(name), DARK)


def tabular(font: QFont) -> QFont:
    """Return *font* with figures of one width, so that a changing number does not dance."""
    made = QFont(font)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made


def _font() -> QFont:
    known = set(QFontDatabase.families())
    font = QFont(next((name for name in FAMILIES if name in known), QApplication.font().family()))
    font.setPixelSize(BASE_PX)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def _palette(colours: Colours) -> QPalette:
    made = QPalette()
    role_ = QPalette.ColorRole
    for which, colour in (
        (role_.Window, colours.bg),
        (role_.WindowText, colours.text),
        (role_.Base, colours.surface),
        (role_.AlternateBase, colours.raised),
        (role_.Text, colours.text),
        (role_.Button, colours.raised),
        (role_.ButtonText, colours.text),
        (role_.Highlight, colours.accent),
        (role_.HighlightedText, colours.on_accent),
        (role_.ToolTipBase, colours.raised),
        (role_.ToolTipText, colours.text),
        (role_.PlaceholderText, colours.faint),
        (role_.Link, colours.accent),
    ):
        made.setColor(which, QColor(colour))
    return made

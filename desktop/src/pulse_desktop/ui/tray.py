"""The icon in the system's tray: the lamp's colour, and what it means; a click brings the window to the front."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from . import words
from .snapshot import Lamp, Snapshot
from .theme import icons
from .theme.style import present


class Tray(QObject):
    """An icon for *window*; where the system has no tray nobody sees it, and it comes when the tray does."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._shown: tuple[Lamp, str] | None = None
        self._said = ""
        self.icon = QSystemTrayIcon(icons.mark(present()), self)
        self._menu = QMenu(window)
        self._menu.addAction("Show", self.bring_forward)
        self._menu.addAction("Exit", window.close)
        self.icon.setContextMenu(self._menu)
        self.icon.activated.connect(self._activated)
        self.icon.show()  # without asking whether there is a tray: it may start after the program

    def show_snapshot(self, now: Snapshot) -> None:
        """Show the state of *now*."""
        shown = (now.lamp, present().name)
        if shown != self._shown:
            self._shown = shown
            self.icon.setIcon(icons.mark(present(), present().of(now.lamp)))
        waits = f", {words.grouped(now.buffer.held)} waiting" if now.buffer and now.buffer.held else ""
        said = f"PrecisionPulse {now.client_id}: {words.TITLES[now.lamp]}{waits}"
        if said != self._said:
            self._said = said
            self.icon.setToolTip(said)

    def bring_forward(self) -> None:
        """Bring the window to the front."""
        self._window.setWindowState(self._window.windowState() & ~Qt.WindowState.WindowMinimized)  # what it was before
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger:
            self.bring_forward()

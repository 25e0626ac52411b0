"""
Starts the window and ends it cleanly: one device, one window, one bridge between them.

The order at the end is the core's own: what is sampled is on disk, the connection is ended, the file is closed; Exit,
the end of the desktop session and SIGTERM all take the same way. Read next: ``bridge``, ``windows.main``.
"""

from __future__ import annotations

import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import structlog
from PySide6.QtCore import QObject, QSettings, QSocketNotifier, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from pulse_runtime.errors import ConfigError

from ..core.backoff import Backoff
from ..core.clock import SystemClock
from ..core.folder import find
from ..core.identity.store import Identity, load
from ..core.settings_shown import SettingShown
from ..session import Session, SessionPlan, enroll_device
from .bridge import Bridge, Tasks
from .log_tail import LogTail
from .snapshot import Lamp, Snapshot
from .theme.colours import BY_NAME, DARK, LIGHT, Colours
from .theme.style import put_on
from .tray import Tray
from .watching import Newest, Watch
from .windows.enroll import EnrollDialog
from .windows.main import THEME, MainWindow
from .windows.settings import Present, SettingsDialog
from .windows.sources import SourcesDialog

log = structlog.get_logger()
COLLECT_EVERY_MS = 10_000
NEWS_WITHIN_MS = 10_000  # of a device that is looked at once a second
WELL_AFTER_S = 600.0  # a device that has run for so long is started anew as soon as at first
TURN_S = 0.001  # that a thread computes while the window waits; several take turns, and a frame needs many
REFUSED = 2  # the exit code of a program that could not start as it was asked to


class Signals(QObject):
    """Lets SIGTERM and SIGINT end the event loop: the signal's byte arrives in it through a socket."""

    def __init__(self, leave: Callable[[], None]) -> None:
        super().__init__()
        self._ours, theirs = socket.socketpair()
        self._theirs = theirs
        for one in (self._ours, theirs):
            one.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._former = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._arrived)
        self._leave = leave

    def close(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._former)
        self._ours.close()
        self._theirs.close()

    def _arrived(self) -> None:
        numbers = self._ours.recv(64)
        if any(number in numbers for number in (signal.SIGTERM, signal.SIGINT)):
            self._leave()


class Running(QObject):
    """
    A session with its bridge and its window, from ``__init__`` to ``close``.

    ``starts_anew``: wanted after that, as the device ``goes_on_as``.
    """

    def __init__(self, plan: SessionPlan, tail: LogTail, kept: QSettings, pauses: Backoff | None = None) -> None:
        """
        Put it together and begin to show it; the device itself starts in the bridge's thread.

        *pauses*: how long to wait before a device of which a part has ended is started anew.

        Raises:
            ConfigError: It cannot run as asked, or runs already.
        """
        super().__init__()
        newest = Newest()
        self.starts_anew = False
        self.goes_on_as = plan.folder.client_id
        self._pauses = pauses or new_pauses()
        self._began_at, self._is_ending = time.monotonic(), False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._start_anew)
        self._news = QTimer(self)
        self._news.setSingleShot(True)
        self._news.timeout.connect(self._show_old)
        self.session = Session(plan, newest.committed)
        self.bridge = Bridge(Watch(self.session, newest, tail, SystemClock()), self.session.operation)
        self.window = MainWindow(plan.folder.client_id, self.bridge, kept, self._open_settings)
        self.tray = Tray(self.window)
        self.bridge.start(self._show)

    def close(self) -> None:
        """End the device, then forget the window, which goes out of sight at once: a start under way takes its time."""
        self._pause.stop()  # what it would end by then is the next run
        self._news.stop()
        self.tray.icon.hide()
        self.window.hide()
        self.bridge.close()
        self.session.close()
        self.window.deleteLater()

    def _show(self, now: Snapshot) -> None:
        self._news.start(NEWS_WITHIN_MS)
        self._put(now)
        self._look_after()

    def _put(self, now: Snapshot) -> None:
        self.window.show_snapshot(now)
        self.tray.show_snapshot(now)

    @Slot()
    def _show_old(self) -> None:
        """Say that no look has come for so long, as with a disk that stands still; the next one puts that right."""
        said = f"what is shown is old: the window has had no news from the device for {NEWS_WITHIN_MS / 1_000:.0f} s"
        now = self.window.now
        self._put(replace(now, lamp=Lamp.DISCONNECTED, problems={**now.problems, "news": said}))

    def _look_after(self) -> None:
        """Start the device anew when a part of it has ended by itself, as systemd does where there is no window."""
        if self._is_ending or not self.session.has_ended:
            return
        self._is_ending = True
        if time.monotonic() - self._began_at >= WELL_AFTER_S:
            self._pauses.succeeded()
        wait_s = self._pauses.failed()
        self.window.say("ended", f"a part of the device has ended by itself; it is started anew in {wait_s:.0f} s")
        self._pause.start(int(1_000 * wait_s))

    @Slot()
    def _start_anew(self) -> None:
        self.starts_anew = True
        QApplication.exit(0)  # ``quit`` asks the windows, and a form that is busy would refuse for ever

    def _open_settings(self) -> None:
        self.bridge.ask(self.bridge.operation.settings, self._show_settings, partial(self.window.say, "failed"))

    def _show_settings(self, settings: list[SettingShown]) -> None:
        session, identity = self.session, self.session.identity
        told = Present(
            session.folder.client_id,
            settings,
            session.local,
            identity.api_url,
            identity.broker_url or "",
            identity.mqtts_url,
            session.broker_fixed,
            session.id_fixed,
        )
        SettingsDialog(
            self.bridge, told, self._settings_saved, self.window, open_sources=self._open_sources,
            open_device=self._open_device,
        ).pop_up()  # fmt: skip

    def _open_device(self) -> None:
        above, session = QApplication.activeModalWidget() or self.window, self.session
        EnrollDialog(
            self.bridge.ask, session.become, "", session.identity.api_url, above,
            instead_of=session.folder.client_id, done=self._go_on_as,
        ).pop_up()  # fmt: skip

    def _go_on_as(self, client_id: str) -> None:
        self.goes_on_as = client_id
        self._start_anew()

    def _open_sources(self) -> None:
        without = [{"kind": "machine"}]
        self.bridge.ask(self.bridge.operation.sources, self._show_sources, lambda why: self._show_sources(without, why))

    def _show_sources(self, entries: list[Any], problem: str = "") -> None:
        fixed, above = self.session.sources_fixed, QApplication.activeModalWidget() or self.window
        SourcesDialog(self.bridge, entries, self._sources_saved, above, problem=problem, fixed=fixed).pop_up()

    def _sources_saved(self) -> None:
        self.bridge.ask(self.session.device.renew_sources, lambda _: None, partial(self.window.say, "failed"))

    def _settings_saved(self, has_moved: bool) -> None:  # noqa: FBT001 - what the dialog says
        self.bridge.ask(self.session.device.take_settings, lambda _: None, partial(self.window.say, "failed"))
        if has_moved:
            self._start_anew()


def new_pauses() -> Backoff:
    """Return the pauses before the starts of a device that does not keep running."""
    return Backoff(Random(), base_s=2.0, cap_s=60.0)  # noqa: S311 - pauses are no secrets


def run(make_plan: Callable[[str | None], SessionPlan]) -> int:
    """Show the window of the planned device until the person leaves; *make_plan* takes an id. Return the exit code."""
    application = the_application()
    kept = QSettings("PrecisionPulse", "desktop")
    put_on(application, BY_NAME.get(str(kept.value(THEME)), _system_theme()))
    tail = LogTail()
    logging.root.addHandler(tail)
    signals = Signals(_leave)
    application.commitDataRequest.connect(_leave)
    try:
        plan = _enrolled(make_plan)
        pauses = new_pauses()
        while plan is not None and (client_id := _show(application, plan, tail, kept, pauses)) is not None:
            log.info("desktop.started_anew")
            plan = make_plan(client_id)  # the sources may be others by now
    except ConfigError as error:
        complain(str(error))
        return REFUSED
    finally:
        application.commitDataRequest.disconnect(_leave)
        signals.close()
        logging.root.removeHandler(tail)
    return 0


def _leave() -> None:
    """End the program for a signal or with the desktop session: the window, and the dialogs before it and over it."""
    QApplication.exit(0)  # ``quit`` asks them, and one that is busy would refuse


def _show(application: QApplication, plan: SessionPlan, tail: LogTail, kept: QSettings, pauses: Backoff) -> str | None:
    """Run the window once; return the id of the device that is to be started anew, ``None``: none is."""
    running = Running(plan, tail, kept, pauses)
    try:
        running.window.left.connect(application.quit)
        running.window.show()
        application.exec()
    finally:
        running.close()
    if not running.starts_anew:
        return None
    running.session.wait_released()
    return running.goes_on_as


def _enrolled(make_plan: Callable[[str | None], SessionPlan]) -> SessionPlan | None:
    """Return the plan of a device that is enrolled, by a dialog if need be; ``None``: the person did not want to."""
    plan = make_plan(None)
    if load(plan.folder.path) is not None:
        return plan
    tasks = Tasks()

    def enrolling(client_id: str, api: str, code: str, broker: str) -> Identity:
        return enroll_device(plan.environment, find(plan.environment, client_id), api, code, broker or None)

    dialog = EnrollDialog(tasks.ask, enrolling, plan.folder.client_id, plan.environment.text("PULSE_API_URL"))
    dialog.exec()
    tasks.close()
    return None if dialog.client_id is None else make_plan(dialog.client_id)


def the_application() -> QApplication:
    """Return the application, made when there is none."""
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    QGuiApplication.setDesktopFileName("precisionpulse")
    made = QApplication(["pulse-desktop"])
    made.setApplicationDisplayName("PrecisionPulse")
    made.setQuitOnLastWindowClosed(False)
    sys.setswitchinterval(TURN_S)  # nothing that runs beside the window may hold it up for long
    _collect_here(made)
    return made


def _collect_here(application: QApplication) -> None:
    """Let garbage be collected in this thread alone: a window among it would be destroyed in whichever collects."""
    gc.disable()
    gc.freeze()  # a hundred thousand objects of the libraries: to look through them all takes a tenth of a second
    timer = QTimer(application)
    timer.timeout.connect(gc.collect)
    timer.start(COLLECT_EVERY_MS)


def complain(sentence: str) -> None:
    """Say in a box of its own why the program does not start."""
    log.error("desktop.not_started", reason=sentence)
    box = QMessageBox(QMessageBox.Icon.Warning, "PrecisionPulse", f"{sentence[:1].upper()}{sentence[1:]}")
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.exec()


def _system_theme() -> Colours:
    """Return the theme that the system asks for; dark when it does not say."""
    hints = QGuiApplication.styleHints()
    return LIGHT if hints.colorScheme() is Qt.ColorScheme.Light else DARK

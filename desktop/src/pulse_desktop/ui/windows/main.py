"""
The main window: it shows snapshots and passes on what was pressed; it decides nothing and reads nothing.

Read next: ``bridge`` (where snapshots come from), ``widgets`` (what shows them).
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSettings, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QHideEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QMenu, QVBoxLayout, QWidget

from ...core.identity.sign_in import Welcome
from ...core.operation import Operator
from .. import words
from ..bridge import Asking
from ..snapshot import Lamp, Snapshot
from ..theme import colours, icons
from ..theme.style import present, put_on, role
from ..widgets.banners import Banners
from ..widgets.cards import BufferCard, StateCard, ValueCard
from ..widgets.header import Header
from ..widgets.workspace import Workspace
from .people import PeopleWindow
from .people_forms import OwnPasswordForm
from .sign_in import SignInDialog

LEAST = (760, 440)
USUAL = (1180, 760)
PASSWORD_CHANGED = "Your password is changed"  # noqa: S105 - a sentence
PASSWORD_WAITS = "Your password is changed here; everywhere else as soon as the server is there"  # noqa: S105 - as above
SYNC_ASKED = "Sync asked for: what waits is sent now"
SYNC_WAITS = "There is no connection: what waits is sent as soon as there is one"
THEME = "theme"
METRIC = "metric"
DONE_MS = 10_000  # that the word of a success stands


class MainWindow(QMainWindow):
    """``left``: the person wants to end the program."""

    left = Signal()

    def __init__(self, client_id: str, bridge: Asking, kept: QSettings, open_settings: Callable[[], None]) -> None:
        """*kept*: where the window keeps what a person has chosen; *open_settings*: opens their dialog."""
        super().__init__()
        self._bridge, self._kept, self._open_settings = bridge, kept, open_settings
        self._now = Snapshot(client_id, is_starting=True)
        self._said: dict[str, str] = {}
        self._notice = ""
        self._done = QTimer(self)
        self._done.setSingleShot(True)
        self._done.timeout.connect(lambda: self.say("done", ""))
        self._people: PeopleWindow | None = None
        self.setWindowTitle(f"PrecisionPulse \u2013 {client_id}")
        self.setMinimumSize(*LEAST)
        self.resize(*USUAL)
        self.header = Header(client_id)
        self.banners = Banners()
        self.state, self.value, self.buffer = StateCard(), ValueCard(), BufferCard()
        self.work = Workspace()
        self._lay_out()
        self._connect()
        self.retheme()
        self.show_snapshot(self._now)

    @property
    def now(self) -> Snapshot:
        """What is shown."""
        return self._now

    def show_snapshot(self, now: Snapshot) -> None:
        """Show *now*."""
        if now.lamp is not self._now.lamp:
            self._said.pop("done", None)
        self._now = now
        self.state.show_snapshot(now)
        self.value.show_snapshot(now)
        self.buffer.show_buffer(now.buffer)
        self.work.show_snapshot(now, self.value.chosen)
        self.header.show_operator(now.operator)
        if self._people is not None:
            self._people.show_operator(now.operator)
        self.banners.show_problems({**now.problems, **self._about_person(now.operator), **self._said})

    def say(self, cause: str, text: str) -> None:
        """Let a banner for *cause* stand; an empty text takes it away."""
        if cause == "done":
            self._done.stop()  # it would take away this word for an earlier one
        self._said.pop(cause, None)
        if text:
            self._said[cause] = text
        self.show_snapshot(self._now)

    def retheme(self) -> None:
        """Take the colours of the theme that is on."""
        self.setWindowIcon(icons.mark(present()))
        self.header.retheme()
        self.work.chart.retheme()

    def switch_theme(self) -> None:
        """Put the other theme on and remember it."""
        other = colours.LIGHT if present().name == "dark" else colours.DARK
        self._kept.setValue(THEME, other.name)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        put_on(application, other)
        self.retheme()
        self.show_snapshot(self._now)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Fit the header into the width."""
        super().resizeEvent(event)
        self.header.fit(event.size().width())

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Take the people window along, which asks the same bridge; being minimized is no reason."""
        super().hideEvent(event)
        if self._people is not None and not event.spontaneous():
            self._people.close()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Closing the window is Exit: the program ends cleanly."""
        event.accept()
        self.left.emit()

    def _lay_out(self) -> None:
        cards = QHBoxLayout()
        cards.setSpacing(10)
        for card, stretch in ((self.state, 7), (self.value, 9), (self.buffer, 6)):
            cards.addWidget(card, stretch)
        body = QVBoxLayout()
        body.setContentsMargins(14, 10, 14, 12)
        body.setSpacing(10)
        body.addWidget(self.banners)
        body.addLayout(cards, 2)
        body.addWidget(self.work, 5)
        page = role(QWidget(), "page")
        box = QVBoxLayout(page)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.header)
        box.addLayout(body, 1)
        self.setCentralWidget(page)

    def _connect(self) -> None:
        self.header.exit_pressed.connect(self.close)
        self.header.theme_pressed.connect(self.switch_theme)
        self.header.sync_pressed.connect(self._sync)
        self.header.person_pressed.connect(self._person)
        self.header.people_pressed.connect(self.open_people)
        self.header.settings_pressed.connect(self._settings)
        self.value.metric_chosen.connect(self._choose)
        self.state.last_sync_left_out.connect(self.buffer.show_last_sync)
        self.work.chart.span_changed.connect(lambda _span: self._choose(self.value.chosen))

    def _choose(self, metric: str) -> None:
        kept = self._kept.value(METRIC)
        if not self._now.metric and kept and kept != metric and kept in self._now.latest:
            metric = str(kept)
            self.value.metrics.setCurrentText(metric)
        else:
            self._kept.setValue(METRIC, metric)
        self._bridge.show(metric, self.work.chart.span_s)

    def _sync(self) -> None:
        self.header.sync.setEnabled(False)
        self._bridge.ask(
            self._bridge.operation.sync_now,
            lambda _: self._succeeded(SYNC_WAITS if self._now.lamp is Lamp.DISCONNECTED else SYNC_ASKED),
            lambda why: self.say("failed", why),
        )

    def _person(self) -> None:
        if self._now.operator.who is None:
            SignInDialog(self._bridge, self._welcome, self).pop_up()
        else:
            self._person_menu().popup(self.header.person.mapToGlobal(self.header.person.rect().bottomLeft()))

    def _person_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Change password \u2026", self.change_password)
        menu.addAction("Sign out", self.sign_out)
        return menu

    def open_people(self) -> None:
        """Show people, rights, and what became of changes, beside this window."""
        if self._people is None:
            self._people = PeopleWindow(self._bridge, self._now.operator, self)
        self._people.show()
        self._people.raise_()
        self._people.activateWindow()

    def change_password(self) -> None:
        """Ask the person for another password of their own."""
        OwnPasswordForm(self._bridge, self._password_changed, self).pop_up()

    def sign_out(self) -> None:
        """Sign the person out on this device."""
        self._bridge.ask(self._bridge.operation.sign_out, lambda _: self._signed_out(), self._failed)

    def _welcome(self, welcome: Welcome) -> None:
        self._said.pop("failed", None)
        self._notice = welcome.notice
        self.show_snapshot(self._now)
        self._bridge.look_again()

    def _password_changed(self, welcome: Welcome | None) -> None:
        if welcome is not None:
            self._welcome(welcome)
            self._succeeded(PASSWORD_CHANGED)
        else:
            self.say("done", PASSWORD_WAITS)

    def _signed_out(self) -> None:
        self._notice = ""
        self._said.pop("failed", None)
        self.show_snapshot(self._now)
        self._bridge.look_again()

    def _settings(self) -> None:
        self.say("failed", "")
        self._open_settings()

    def _failed(self, why: str) -> None:
        self.say("failed", why)

    def _succeeded(self, what: str) -> None:
        self._said.pop("failed", None)
        self.say("done", what)
        self._done.start(DONE_MS)
        self._bridge.look_again()

    def _about_person(self, operator: Operator) -> dict[str, str]:
        found: dict[str, str] = {}
        if operator.ended:
            found["signed-out"] = operator.ended
        if operator.who is not None and operator.who.is_from_cache:
            checked = words.whole_time(operator.last_checked) if operator.last_checked else "never"
            found["cache"] = f"signed in from cache as {operator.who.username}, last checked {checked}"
        if operator.who is not None and self._notice:
            found["key"] = self._notice
        return found

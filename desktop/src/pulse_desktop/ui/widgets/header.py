"""The head of the window: product, device id, version, who is signed in, and the window's few buttons."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from pulse_acl.rules import Permission
from pulse_runtime import __version__

from ...core.operation import CHANGING, Operator
from ..theme.icons import paint_mark
from ..theme.style import present, role
from .plain import plain_tip

ID_TIP, VERSION_TIP = "The id of this device", f"PrecisionPulse v{__version__}"
_NEEDS_SIGN_IN = "Sign in first."


class Mark(QWidget):
    """The product's mark."""

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return its size."""
        return QSize(26, 26)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Paint it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height())
        paint_mark(painter, QRectF(0, (self.height() - side) / 2, side, side), present())
        painter.end()


class Header(QFrame):
    """``signals``: what was pressed. What the person may not do is disabled and says why."""

    sync_pressed = Signal()
    settings_pressed = Signal()
    exit_pressed = Signal()
    person_pressed = Signal()
    people_pressed = Signal()
    theme_pressed = Signal()

    def __init__(self, client_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        role(self, "header")
        self._room = 0
        self._client_id, self._who = client_id, "Sign in"
        self._shown: Operator | None = None
        mark = Mark()
        mark.setFixedSize(26, 26)
        self.product = role(QLabel("PrecisionPulse"), "product")
        self.device = role(QLabel(client_id), "chip")
        self.version = role(QLabel(f"v{__version__}"), "faint")
        self.person = self._button(self._who, "quiet", self.person_pressed)
        self.theme = self._button("Light", "quiet", self.theme_pressed)
        self.people = self._button("People", "", self.people_pressed)
        self.sync = self._button("Manual Sync", "", self.sync_pressed)
        self.settings = self._button("Settings", "", self.settings_pressed)
        self.exit = self._button("Exit", "", self.exit_pressed)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(14, 7, 14, 7)
        row.setSpacing(8)
        for shown in (mark, self.product, self.device, self.version):
            row.addWidget(shown)
        row.addStretch(1)
        for button in (self.person, self.theme, self.people, self.sync, self.settings, self.exit):
            row.addWidget(button)
        self.show_operator(Operator())
        self.retheme()

    def show_operator(self, operator: Operator) -> None:
        """Show who is signed in, and enable what that person may do."""
        self.sync.setEnabled(operator.may(Permission.FORCE_SYNC))  # a press has disabled it until it was looked again
        if operator == self._shown:
            return
        self._shown = operator
        who = operator.who
        self._who = "Sign in" if who is None else who.username
        self.person.setToolTip("" if who is None else plain_tip(f"Signed in as {who.username}"))
        waits = operator.to_review
        self.people.setText(f"People ({waits})" if waits else "People")
        self.people.setToolTip("Changes that were made here were not applied: see Review." if waits else "")
        self.people.setVisible(any(operator.may(permission) for permission in CHANGING))
        self._fit()
        for button, permission in ((self.sync, Permission.FORCE_SYNC), (self.settings, Permission.EDIT_CONFIG)):
            may = operator.may(permission)
            button.setEnabled(may)
            why = _NEEDS_SIGN_IN if who is None else f"That needs the permission {permission}."
            button.setToolTip("" if may else why)

    def retheme(self) -> None:
        """Name the theme that the button puts on."""
        self.theme.setText("Light" if present().name == "dark" else "Dark")
        self.theme.setToolTip(f"Put the {self.theme.text().lower()} theme on")

    def fit(self, width: int) -> None:
        """Leave out what a narrow window has no room for."""
        self._room = width
        self._fit()

    def _fit(self) -> None:
        """Leave out one after the other what is needed least, by what this machine's letters take."""
        self.device.setText(self._client_id)
        self.person.setText(self._who)
        spared = (self.version, self.theme, self.product)
        for one in spared:
            one.setVisible(True)
        for one in spared:
            if self._row.minimumSize().width() > self._room:
                one.setVisible(False)
        over = self._row.minimumSize().width() - self._room
        if over > 0 and self._room:
            self._shorten(over)
        id_tip = ID_TIP if self.device.text() == self._client_id else f"{ID_TIP}: {self._client_id}"
        self.device.setToolTip(plain_tip(f"{id_tip}\n{VERSION_TIP}" if self.version.isHidden() else id_tip))

    def _shorten(self, over: int) -> None:
        """Shorten the id, whose end tells it from others, and the person's name by *over* px, the longer one first."""
        texts: tuple[tuple[QLabel | QPushButton, str], ...] = ((self.device, self._client_id), (self.person, self._who))
        metrics = [QFontMetrics(one.font()) for one, _ in texts]
        wide = [of.horizontalAdvance(text) for of, (_, text) in zip(metrics, texts, strict=True)]
        room = sum(wide) - over
        modes = (Qt.TextElideMode.ElideMiddle, Qt.TextElideMode.ElideRight)
        for number, (one, text) in enumerate(texts):
            least = room // 2  # that each has; more where the other one does not need its half
            one.setText(metrics[number].elidedText(text, modes[number], max(least, room - wide[1 - number])))

    @staticmethod
    def _button(text: str, kind: str, pressed: SignalInstance) -> QPushButton:
        button = QPushButton(text)
        if kind:
            role(button, kind)
        button.clicked.connect(lambda _checked: pressed.emit())
        return button

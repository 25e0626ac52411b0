"""
The people window: users, roles and permissions for those who may change them, and what became of changes made here.

It shows what the core says and passes on what was asked; tabs come and go with the rights of who is signed in. Read
next: ``people_pages``, ``core.people``.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from pulse_acl.rules import Permission

from ...core.operation import CHANGING, Operator, People
from ..bridge import Asking
from ..theme.style import role
from ..widgets.banners import Banners
from .people_pages import Page, UsersPage

LEAST, USUAL = (640, 440), (1040, 680)
LOOK_EVERY_MS = 1_000
USERS, ROLES, PERMISSIONS, REVIEW, CONFLICTS = "Users", "Roles", "Permissions", "Review", "Conflicts"
NEEDED = {
    USERS: (Permission.MANAGE_USERS,),
    ROLES: (Permission.MANAGE_ROLES,),
    PERMISSIONS: (Permission.MANAGE_ROLES,),
    REVIEW: CHANGING,
    CONFLICTS: CHANGING,
}


def may_open(operator: Operator) -> bool:
    """Tell whether the window has anything for *operator*."""
    return any(operator.may(permission) for permission in CHANGING)


class PeopleWindow(QDialog):
    """Stays open beside the main window; closes by itself when its person is gone or has lost the rights."""

    def __init__(self, bridge: Asking, operator: Operator, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._mark: tuple[Any, ...] | None = None
        self._people: People | None = None
        self._is_asking = False
        self.setWindowTitle("PrecisionPulse \u2013 People")
        self.setMinimumSize(*LEAST)
        self.resize(*USUAL)
        self.heading = role(QLabel("People and rights"), "title")
        self.state = role(QLabel(), "chip")
        self.banners = Banners()
        self._said: dict[str, str] = {}
        self.users = UsersPage(bridge, self.changed)
        self.pages: dict[str, Page[Any]] = {USERS: self.users}
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self._lay_out()
        self.show_operator(operator)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self.refresh)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Begin to look."""
        super().showEvent(event)
        self._timer.start()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Look no more, and forget what was said."""
        super().hideEvent(event)
        self._timer.stop()
        self._said = {}
        self.banners.show_problems(self._said)

    def show_operator(self, operator: Operator) -> None:
        """Show the tabs that *operator* may see; close when there is none."""
        if operator.who is None or not may_open(operator):
            self.close()
            return
        self.users.own_id = operator.who.user_id
        for number, (name, page) in enumerate(self.pages.items()):
            may, index = any(operator.may(one) for one in NEEDED[name]), self.tabs.indexOf(page)
            if may and index < 0:
                self.tabs.insertTab(number, page, name)
            elif not may and index >= 0:
                self.tabs.removeTab(index)

    def refresh(self) -> None:
        """Read again, unless that is under way or nothing has changed."""
        if self._is_asking:
            return
        self._is_asking = True
        operation, mark = self._bridge.operation, self._mark
        self._bridge.ask(lambda: operation.people(mark), self._show, self._failed)

    def changed(self, what: str) -> None:
        """Take that something was done, and show it."""
        self._said = {"done": f"{what}; the server gets it as soon as it is there"}
        self.banners.show_problems(self._said)
        self.refresh()

    def _show(self, people: People | None) -> None:
        self._is_asking = False
        if self._said.pop("failed", None):
            self.banners.show_problems(self._said)
        if people is None:
            return
        self._mark, self._people = people.mark, people
        for page in self.pages.values():
            page.show_people(people)
        self._show_state(people)

    def _show_state(self, people: People) -> None:
        waits = people.waiting
        self.state.setText(
            "nothing waits for the server" if not waits
            else "1 change waits for the server" if waits == 1 else f"{waits} changes wait for the server"
        )  # fmt: skip
        self.state.setProperty("tone", "warn" if waits else "")

    def _failed(self, why: str) -> None:
        self._is_asking = False
        self._said["failed"] = why
        self.banners.show_problems(self._said)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.heading)
        head.addStretch(1)
        head.addWidget(self.state)
        box = QVBoxLayout(self)
        box.setContentsMargins(16, 14, 16, 14)
        box.setSpacing(10)
        box.addLayout(head)
        box.addWidget(self.banners)
        box.addWidget(self.tabs, 1)

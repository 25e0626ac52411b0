"""
The people window: users, roles and permissions for those who may change them, and what became of changes made here.

It shows what the core says and passes on what was asked; tabs come and go with the rights of who is signed in. Read
next: ``people_pages``, ``core.people``.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from pulse_acl.rules import Permission

from ...core.operation import CHANGING, Operator, People
from ...core.people.directory import Directory
from .. import words
from ..bridge import Asking
from ..theme.style import restyle, role
from ..widgets.banners import Banners
from ..widgets.form import Form
from .people_pages import Page, UsersPage
from .review_pages import ConflictsPage, ReviewPage
from .role_pages import PermissionsPage, RolesPage

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
        self._people = People((), Directory())
        self._is_asking = False
        self.setWindowTitle("PrecisionPulse \u2013 People")
        self.setMinimumSize(*LEAST)
        self.resize(*USUAL)
        self.heading = role(QLabel("People and rights"), "title")
        self.state = role(QLabel(), "chip")
        self.banners = Banners()
        self._said: dict[str, str] = {}
        self.users = UsersPage(bridge, self.changed)
        self.roles, self.permissions = RolesPage(bridge, self.changed), PermissionsPage(bridge, self.changed)
        self.review, self.conflicts = ReviewPage(bridge, self.reviewed), ConflictsPage(bridge, self.changed)
        self.pages: dict[str, Page[Any]] = {
            USERS: self.users,
            ROLES: self.roles,
            PERMISSIONS: self.permissions,
            REVIEW: self.review,
            CONFLICTS: self.conflicts,
        }
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.currentChanged.connect(lambda _index: self._tell())
        for page in self.pages.values():
            page.failing.connect(lambda why: self._say("refused", why))
        self._lay_out()
        QShortcut(QKeySequence.StandardKey.Find, self, self._find)
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
        self._tell()

    def show_operator(self, operator: Operator) -> None:
        """Show the tabs that *operator* may see; close when there is none."""
        if operator.who is None or not may_open(operator):
            for form in self.findChildren(Form):
                form.reject()
            self.close()
            return
        self.users.own_id = operator.who.user_id
        self.review.show_operator(operator)
        before = 0
        for name, page in self.pages.items():
            may, index = any(operator.may(one) for one in NEEDED[name]), self.tabs.indexOf(page)
            if may and index < 0:
                self.tabs.insertTab(before, page, name)
            elif not may and index >= 0:
                self.tabs.removeTab(index)
            before += may
        self._count_reviews()

    def refresh(self) -> None:
        """Read again, unless that is under way or nothing has changed."""
        if self._is_asking:
            return
        self._is_asking = True
        operation, mark = self._bridge.operation, self._mark
        self._bridge.ask(lambda: operation.people(mark), self._show, self._unread)

    def changed(self, what: str) -> None:
        """Take that something was done, and show it."""
        self._say("done", f"{what}; the server gets it as soon as it is there")
        self.refresh()

    def reviewed(self, what: str) -> None:
        """Take that an entry has left the list of what was not applied."""
        self._say("done", what)
        self.refresh()

    def _show(self, people: People | None) -> None:
        self._is_asking = False
        self._said.pop("failed", None)
        if people is not None:
            if self._people.waiting and not people.waiting:
                self._said.pop("done", None)
            self._mark, self._people = people.mark, people
            for page in self.pages.values():
                page.show_people(people)
            self._count_reviews()
            self._show_state(people.waiting)
        self._tell()

    def _show_state(self, waits: int) -> None:
        some = "1 change waits" if waits == 1 else f"{words.grouped(waits)} changes wait"
        self.state.setText(f"{some} for the server" if waits else "nothing waits for the server")
        self.state.setProperty("tone", "warn" if waits else "")
        restyle(self.state)

    def _count_reviews(self) -> None:
        index, count = self.tabs.indexOf(self.review), len(self._people.reviews)
        if index >= 0:
            self.tabs.setTabText(index, f"{REVIEW} ({words.grouped(count)})" if count else REVIEW)

    def _unread(self, why: str) -> None:
        self._is_asking = False
        self._said["failed"] = why
        self._tell()

    def _say(self, cause: str, text: str) -> None:
        self._said = {cause: text}
        self._tell()

    def _tell(self) -> None:
        """Show what was said, and that something is to be reviewed while another tab is looked at."""
        count, is_there = len(self._people.reviews), self.tabs.currentWidget() is self.review
        some = "A change that was made here was" if count == 1 else f"{words.grouped(count)} changes made here were"
        hint = {"review": f"{some} not applied: see the tab Review"} if count and not is_there else {}
        self.banners.show_problems({**self._said, **hint})

    def _find(self) -> None:
        page = self.tabs.currentWidget()
        if isinstance(page, Page):
            page.listing.filter.setFocus()

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

"""One page for each kind of record: a list, all about what is selected, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QPushButton, QSplitter, QVBoxLayout, QWidget

from ...core.operation import People
from ...core.people.changes import delete
from ...core.people.directory import Directory, Named, PersonShown
from ..bridge import Asking
from ..models.people import PEOPLE_HEADINGS, Detail, person_detail, person_row
from ..models.rows import Row
from ..theme.style import role
from ..widgets.detail import DetailCard
from ..widgets.listing import Listing
from .people_forms import EditPersonForm, NewPasswordForm, NewPersonForm, OwnPasswordForm, activity_form, deletion_form
from .signed_forms import Changed

NARROW = 760
T = TypeVar("T")


class Page(QWidget, Generic[T]):
    """A list of *T* beside the detail of one; *changed* is told what was done, ``failing`` says what was not."""

    failing = Signal(str)

    def __init__(self, bridge: Asking, changed: Changed, listing: Listing, nothing: str) -> None:
        super().__init__()
        self.bridge, self.changed, self.listing = bridge, changed, listing
        self.card = DetailCard(nothing)
        self._items: Mapping[str, T] = {}
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setChildrenCollapsible(False)
        self._split.setHandleWidth(10)
        self._split.addWidget(listing)
        self._split.addWidget(self.card)
        self._split.setStretchFactor(0, 3)
        self._split.setStretchFactor(1, 2)
        self._split.setSizes([600, 380])
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 10, 0, 0)
        box.addWidget(self._split)
        listing.chosen.connect(self._show_chosen)

    def show_people(self, people: People) -> None:
        """Show what there is now."""
        raise NotImplementedError

    def detail(self, item: T) -> Detail:
        """Return all about *item*."""
        raise NotImplementedError

    def offer(self, item: T) -> None:
        """Let the buttons fit *item*."""

    def chosen(self) -> T | None:
        """Return what is selected."""
        row = self.listing.selected()
        return self._items.get(row.key) if row is not None else None

    def show_items(self, items: Mapping[str, T], rows: Sequence[Row]) -> None:
        """Show *items* by the keys of their *rows*."""
        self._items = items
        self.listing.show_rows(rows)
        self._show_chosen()

    def button(self, text: str, do: Callable[[], None], kind: str = "") -> QPushButton:
        """Return a button that does something."""
        made = QPushButton(text)
        if kind:
            role(made, kind)
        made.clicked.connect(lambda _checked: do())
        return made

    def action(self, text: str, do: Callable[[T], None], kind: str = "") -> QPushButton:
        """Add a button that does something with what is selected."""

        def run() -> None:
            item = self.chosen()
            if item is not None:
                do(item)

        made = self.button(text, run, kind)
        self.card.add_action(made)
        return made

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Put the detail below the list where there is no room beside it."""
        super().resizeEvent(event)
        wide = event.size().width() >= NARROW
        self._split.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)

    def _show_chosen(self) -> None:
        item = self.chosen()
        self.card.show_detail(self.detail(item) if item is not None else None)
        if item is not None:
            self.offer(item)


class UsersPage(Page[PersonShown]):
    """Users: make, edit, deactivate, new password, delete, take back."""

    def __init__(self, bridge: Asking, changed: Changed) -> None:
        listing = Listing(
            PEOPLE_HEADINGS,
            wide=2,
            empty=("Nobody is known here yet", "People come at the first contact: connect this device once."),
        )
        super().__init__(bridge, changed, listing, "Select a person to see roles and rights.")
        listing.set_widths(180, 90)
        self.own_id = ""
        self._roles: tuple[Named, ...] = ()
        self._people: People | None = None
        self.deleted = QCheckBox("Deleted too")
        self.deleted.toggled.connect(lambda _on: self._show_again())
        self.make = self.button("New person", self.open_new, "primary")
        listing.add_button(self.deleted)
        listing.add_button(self.make)
        self.edit = self.action("Edit \u2026", self.open_edit)
        self.password = self.action("New password \u2026", self.open_password)
        self.activity = self.action("Deactivate \u2026", self.open_activity, "danger")
        self.end = self.action("Delete \u2026", self.open_deletion, "danger")
        listing.opened.connect(self._opened)

    def show_people(self, people: People) -> None:
        """Show the users."""
        self._people = people
        self._roles = roles_of(people.directory)
        all_of_them = self.deleted.isChecked()
        items = {one.id: one for one in people.directory.people if all_of_them or not one.is_deleted}
        # In the order of their ids, so that another name moves nothing but its own row.
        self.show_items(items, [person_row(items[one]) for one in sorted(items)])

    def detail(self, item: PersonShown) -> Detail:
        """Return all about a user."""
        return person_detail(item, self.own_id)

    def offer(self, item: PersonShown) -> None:
        """Offer what can be done with a user."""
        for button in (self.edit, self.password, self.activity):
            button.setVisible(not item.is_deleted)
        self.activity.setText("Deactivate \u2026" if item.is_active else "Activate \u2026")
        self.end.setText("Restore \u2026" if item.is_deleted else "Delete \u2026")

    def open_new(self) -> None:
        """Ask for a new user."""
        NewPersonForm(self.bridge, self.changed, self._roles, self).pop_up()

    def open_edit(self, item: PersonShown) -> None:
        """Ask for another name and other roles."""
        EditPersonForm(self.bridge, self.changed, item, self._roles, self).pop_up()

    def open_password(self, item: PersonShown) -> None:
        """Ask for another password; one's own is changed as under one's name in the main window."""
        if item.id == self.own_id:
            OwnPasswordForm(self.bridge, lambda _: self.changed("Your password is changed"), self).pop_up()
            return
        NewPasswordForm(self.bridge, self.changed, item, self).pop_up()

    def open_activity(self, item: PersonShown) -> None:
        """Ask before a user is deactivated, or activated again."""
        activity_form(self.bridge, self.changed, item, self.own_id, self).pop_up()

    def open_deletion(self, item: PersonShown) -> None:
        """Ask before a user is deleted, or taken back."""
        deletion_form(self.bridge, self.changed, item, delete(item.record), self.own_id, self).pop_up()

    def _show_again(self) -> None:
        if self._people is not None:
            self.show_people(self._people)

    def _opened(self) -> None:
        item = self.chosen()
        if item is not None and not item.is_deleted:
            self.open_edit(item)


def roles_of(directory: Directory) -> tuple[Named, ...]:
    """Return the roles that can be given."""
    return tuple(Named(one.name, one.id) for one in directory.roles)

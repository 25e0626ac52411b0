"""Forms for users: make one, change name and roles, give a new password, change one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtWidgets import QLineEdit, QWidget

from ...core.identity.operators import MAX_PASSWORD_CHARS, MIN_PASSWORD_CHARS
from ...core.identity.sign_in import Welcome
from ...core.people.changes import edit_person, restore, set_active
from ...core.people.directory import Named, PersonShown
from ..bridge import Asking
from ..widgets.check_list import CheckList
from ..widgets.form import Form
from .signed_forms import Changed, Confirm, SignedForm

_LENGTH = f"{MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters"


class NewPersonForm(SignedForm):
    """Makes a user."""

    def __init__(self, bridge: Asking, changed: Changed, roles: Sequence[Named], parent: QWidget | None = None) -> None:
        super().__init__("New person", "Make", bridge, changed, parent)
        self.explain("Known here at once; everywhere else when the server has taken it.")
        self.name = self.add_line("Name")
        self.password, self.repeated = _new_password(self, "First password")
        self.roles = CheckList(roles)
        self.add("Roles", self.roles)
        self.add_own()

    def work(self) -> Callable[[], Any]:
        """Return the making."""
        name = self.name.text().strip()
        if not name:
            raise ValueError("give a name to sign in with")
        password = _twice(self.password, self.repeated)
        operation, own, roles = self.operation, self.signed(), self.roles.chosen()
        return lambda: operation.create_person(own, name, password, roles)

    def said(self) -> str:
        """Say what was done."""
        return f"{self.name.text().strip()} is made"


class EditPersonForm(SignedForm):
    """Changes the name and the roles of a user."""

    def __init__(
        self, bridge: Asking, changed: Changed, seen: PersonShown, roles: Sequence[Named], parent: QWidget | None = None
    ) -> None:
        super().__init__(f"Edit {seen.name}", "Save", bridge, changed, parent)
        self._seen = seen
        self.explain("Another name is what this person signs in with from then on. Rights follow from the roles.")
        self.name = self.add_line("Name", text=seen.name)
        self.roles = CheckList(roles, {one.id for one in seen.roles})
        self.add("Roles", self.roles)
        self.add_own()

    def work(self) -> Callable[[], Any]:
        """Return the change."""
        name = self.name.text().strip()
        if not name:
            raise ValueError("give a name to sign in with")
        return self.change(edit_person(self._seen, name=name, roles=self.roles.chosen()))

    def said(self) -> str:
        """Say what was done."""
        return f"{self.name.text().strip()} is changed"


class NewPasswordForm(SignedForm):
    """Gives a user another password."""

    def __init__(self, bridge: Asking, changed: Changed, seen: PersonShown, parent: QWidget | None = None) -> None:
        super().__init__(f"New password for {seen.name}", "Set password", bridge, changed, parent)
        self._seen = seen
        self.explain(
            "The present password ends, with every sign-in and every signing key of this person, wherever they are. "
            "Hand the new one over yourself; it is shown nowhere."
        )
        self.password, self.repeated = _new_password(self, "New password")
        self.add_own()

    def work(self) -> Callable[[], Any]:
        """Return the change."""
        password = _twice(self.password, self.repeated)
        operation, own, user_id = self.operation, self.signed(), self._seen.id
        return lambda: operation.new_password(own, user_id, password)

    def said(self) -> str:
        """Say what was done."""
        return f"{self._seen.name} has a new password"


class OwnPasswordForm(Form):
    """Changes the password of who is signed in; *changed* gets the new sign-in, ``None`` while the server is away."""

    def __init__(
        self, bridge: Asking, changed: Callable[[Welcome | None], None], parent: QWidget | None = None
    ) -> None:
        super().__init__("Change your password", "Change", bridge.ask, parent)
        self._operation, self._changed = bridge.operation, changed
        self.explain(
            "You stay signed in here; everywhere else you sign in again. "
            "With the network down it holds here at once, and everywhere as soon as the server is there."
        )
        self.current = self.add_line("Present password", secret=True)
        self.password, self.repeated = _new_password(self, "New password")

    def work(self) -> Callable[[], Any]:
        """Return the change."""
        current = self.current.text()
        if not current:
            raise ValueError("give your present password")
        password = _twice(self.password, self.repeated)
        if password == current:
            raise ValueError("the new password is the present one: choose another")
        return lambda: self._operation.change_own_password(current, password)

    def done_with(self, answer: Welcome | None) -> None:
        """Tell how it went."""
        self._changed(answer)


def activity_form(bridge: Asking, changed: Changed, seen: PersonShown, own_id: str, parent: QWidget) -> Confirm:
    """Return the question before a user is deactivated, or activated again."""
    if seen.is_active:
        text = (
            f"{seen.name} can no longer sign in, here or anywhere; sign-ins and broker connections end as soon as "
            "the server has this. Name, roles and password stay, and it can be taken back at any time."
        )
        return Confirm(
            f"Deactivate {seen.name}?", "Deactivate", bridge, changed, parent,
            what_happens=text + _about_oneself(seen, own_id), work=set_active(seen, is_active=False),
            done=f"{seen.name} is deactivated",
        )  # fmt: skip
    roles = ", ".join(one.name for one in seen.roles)
    text = f"{seen.name} can sign in again with the same password" + (
        f", as {roles}." if roles else ", without a role."
    )
    return Confirm(
        f"Activate {seen.name}?", "Activate", bridge, changed, parent, what_happens=text,
        work=set_active(seen, is_active=True), done=f"{seen.name} is active again", is_dangerous=False,
    )  # fmt: skip


def deletion_form(  # noqa: PLR0917 - as ``activity_form``
    bridge: Asking, changed: Changed, seen: PersonShown, delete: Any, own_id: str, parent: QWidget
) -> Confirm:
    """Return the question before a user is deleted, or taken back."""
    if seen.is_deleted:
        text = f"{seen.name} is there again as before the deletion, unless another person has that name by now."
        return Confirm(
            f"Take {seen.name} back?", "Restore", bridge, changed, parent, what_happens=text,
            work=restore(seen.record), done=f"{seen.name} is back", is_dangerous=False,
        )  # fmt: skip
    text = (
        f"{seen.name} can no longer sign in, here or anywhere, and every desktop forgets the password. "
        "The name is free for another person. Logs keep who it was."
    )
    return Confirm(
        f"Delete {seen.name}?", "Delete", bridge, changed, parent, what_happens=text + _about_oneself(seen, own_id),
        work=delete, done=f"{seen.name} is deleted",
    )  # fmt: skip


def _about_oneself(seen: PersonShown, own_id: str) -> str:
    return "\n\nThis is your own account: you will be signed out." if seen.id == own_id else ""


def _new_password(form: Form, label: str) -> tuple[QLineEdit, QLineEdit]:
    first = form.add_line(label, secret=True)
    first.setPlaceholderText(_LENGTH)
    return first, form.add_line("Once more", secret=True)


def _twice(first: QLineEdit, second: QLineEdit) -> str:
    if not MIN_PASSWORD_CHARS <= len(first.text()) <= MAX_PASSWORD_CHARS:
        raise ValueError(f"a password has {_LENGTH}")
    if first.text() != second.text():
        raise ValueError("the two passwords differ: type the same one twice")
    return first.text()

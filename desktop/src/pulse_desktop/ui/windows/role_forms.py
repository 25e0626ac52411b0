"""Forms for roles and permissions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from ...core.people.changes import Work, edit_permission, edit_role, make_permission, make_role
from ...core.people.directory import Named, PermissionShown, RoleShown
from ..bridge import Asking
from ..theme.style import role
from ..widgets.check_list import CheckList
from .signed_forms import Changed, Confirm, SignedForm

RULES_PX = 150
MOST_NAMES = 6


class RoleForm(SignedForm):
    """Makes a role, or changes the one *seen*."""

    def __init__(
        self, bridge: Asking, changed: Changed, permissions: Sequence[Named], seen: RoleShown | None = None, *,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        title, action = ("New role", "Make") if seen is None else (f"Edit {seen.name}", "Save")
        super().__init__(title, action, bridge, changed, parent)
        self._seen = seen
        self.explain("Nobody can give what they do not hold themselves: the server refuses that.")
        self.name = self.add_line("Name", text="" if seen is None else seen.name)
        self.text = self.add_line("Description", text="" if seen is None else seen.description)
        self.permissions = CheckList(permissions, () if seen is None else {one.id for one in seen.permissions})
        self.add("Gives", self.permissions)
        self.add_own()

    def work(self) -> Callable[[], Any]:
        """Return the change."""
        name, text, chosen = self.name.text().strip(), self.text.text().strip(), self.permissions.chosen()
        if not name:
            raise ValueError("give the role a name")
        if self._seen is None:
            return self.change(make_role(name, text, chosen))
        return self.change(edit_role(self._seen, name=name, description=text, permissions=chosen))

    def said(self) -> str:
        """Say what was done."""
        return f"{self.name.text().strip()} is {'made' if self._seen is None else 'changed'}"


class PermissionForm(SignedForm):
    """Makes a permission, or changes the one *seen*; a built-in one keeps its name, which the programs ask for."""

    def __init__(
        self, bridge: Asking, changed: Changed, seen: PermissionShown | None = None, *, parent: QWidget | None = None
    ) -> None:
        title, action = ("New permission", "Make") if seen is None else (f"Edit {seen.name}", "Save")
        super().__init__(title, action, bridge, changed, parent)
        self.setMinimumWidth(620)
        self._seen = seen
        self.explain("Each line is a topic rule: publish or subscribe, then a topic, + and # as in MQTT.")
        self.name = self.add_line("Name", text="" if seen is None else seen.name)
        if seen is not None and seen.is_built_in:
            self.name.setReadOnly(True)
            self.name.setToolTip("The programs ask for this permission by its name.")
        self.text = self.add_line("Description", text="" if seen is None else seen.description)
        self.rules = role(QPlainTextEdit(), "code")
        self.rules.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.rules.setPlaceholderText("subscribe telemetry/+/live")
        self.rules.setTabChangesFocus(True)
        self.rules.setFixedHeight(RULES_PX)
        if seen is not None:
            self.rules.setPlainText("\n".join(f"{action} {topic}" for action, topic in seen.rules))
        self.add("Topic rules", self.rules)
        self.add_own()

    def work(self) -> Callable[[], Any]:
        """Return the change."""
        name, text = self.name.text().strip(), self.text.text().strip()
        if not name:
            raise ValueError("give the permission a name")
        rules = _rules(self.rules.toPlainText())
        if self._seen is None:
            return self.change(make_permission(name, text, rules))
        return self.change(edit_permission(self._seen, name=name, description=text, rules=rules))

    def said(self) -> str:
        """Say what was done."""
        return f"{self.name.text().strip()} is {'made' if self._seen is None else 'changed'}"


def role_deletion_form(
    bridge: Asking, changed: Changed, seen: RoleShown, work: Work, parent: QWidget | None = None
) -> Confirm:
    """Return the question before a role is deleted."""
    lost = f", and with it {_some(seen.permissions)}" if seen.permissions else ""
    who = f"{_some(seen.members)} lose{'s' * (len(seen.members) == 1)} it{lost}." if seen.members else "Nobody has it."
    return Confirm(
        f"Delete {seen.name}?", "Delete", bridge, changed, parent,
        what_happens=f"{who} Connections that lose a right are cut as soon as the server has this.",
        work=work, done=f"{seen.name} is deleted",
    )  # fmt: skip


def permission_deletion_form(
    bridge: Asking, changed: Changed, seen: PermissionShown, work: Work, parent: QWidget | None = None
) -> Confirm:
    """Return the question before a permission is deleted."""
    where = f"It leaves {_some(seen.roles)}, and everybody who has it by them." if seen.roles else "No role gives it."
    built_in = " The programs ask for it by its name: what it opens is then closed to everybody." * seen.is_built_in
    return Confirm(
        f"Delete {seen.name}?", "Delete", bridge, changed, parent, what_happens=f"{where}{built_in}", work=work,
        done=f"{seen.name} is deleted",
    )  # fmt: skip


def _some(of: Sequence[Named]) -> str:
    names = [one.name for one in of[:MOST_NAMES]]
    more = len(of) - len(names)
    if more:
        return f"{', '.join(names)} and {more} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _rules(text: str) -> list[tuple[str, str]]:
    """Return the rules that the lines of *text* name; the core judges their topics."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(maxsplit=1)
        if not words:
            continue
        if len(words) != 2 or words[0] not in {"publish", "subscribe"}:
            raise ValueError(f"line {number} of the rules: write publish or subscribe, then a topic")
        found.append((words[0], words[1].strip()))
    return found

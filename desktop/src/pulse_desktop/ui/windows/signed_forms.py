"""
Forms for changes of records, which the signed-in person signs: each asks for that person's password.

Read next: ``people_forms``, ``role_forms``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QLabel, QWidget

from ...core.operation import Operation
from ...core.people.changes import Work
from ..bridge import Asking
from ..theme.style import role
from ..widgets.form import Form

Changed = Callable[[str], None]  # is told what was done, as the beginning of a sentence


class SignedForm(Form):
    """*changed* is told what was done; ``add_own`` puts the person's own password below everything else."""

    def __init__(
        self, title: str, action: str, bridge: Asking, changed: Changed, parent: QWidget | None = None
    ) -> None:
        super().__init__(title, action, bridge.ask, parent)
        self.operation: Operation = bridge.operation
        self._changed = changed
        self.setMinimumWidth(500)

    def add_own(self) -> None:
        """Ask for the password of who is signed in."""
        self.own = self.add_line("Your own password", secret=True, is_last=True)
        self.own.setPlaceholderText("signs the change")
        labels = [label for label in self.findChildren(QLabel) if label.buddy() is not None]
        widest = max(label.sizeHint().width() for label in labels)
        for grid in (self.fields, self.last):
            grid.setColumnMinimumWidth(0, widest)

    def signed(self) -> str:
        """
        Return the password of who is signed in.

        Raises:
            ValueError: It is missing.
        """
        if not self.own.text():
            raise ValueError("give your own password: the change is signed with your key")
        return self.own.text()

    def change(self, work: Work) -> Callable[[], Any]:
        """Return the work as it is done elsewhere."""
        operation, own = self.operation, self.signed()
        return lambda: operation.change(own, work)

    def done_with(self, answer: Any) -> None:  # noqa: ARG002 - nothing comes back but that it was done
        """Tell what was done."""
        self._changed(self.said())

    def said(self) -> str:
        """Say what was done, as the beginning of a sentence."""
        raise NotImplementedError


class Confirm(SignedForm):
    """Asks before something that hurts: says what will happen; *done*: what is said afterwards."""

    def __init__(
        self, title: str, action: str, bridge: Asking, changed: Changed, parent: QWidget | None = None, *,
        what_happens: str, work: Work, done: str, is_dangerous: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(title, action, bridge, changed, parent)
        self._work, self._done = work, done
        self.explain(what_happens)
        self.add_own()
        if is_dangerous:
            role(self.do, "danger")

    def work(self) -> Callable[[], Any]:
        """Return the change."""
        return self.change(self._work)

    def said(self) -> str:
        """Say what was done."""
        return self._done


class RepeatForm(SignedForm):
    """Makes a change that was not applied again."""

    def __init__(self, bridge: Asking, changed: Changed, entry: int, what: str, parent: QWidget | None = None) -> None:
        super().__init__("Try again", "Try again", bridge, changed, parent)
        self._entry, self._what = entry, what
        self.explain(
            f"\u201c{what}\u201d is asked for again, on what is shown now, and this entry leaves the list. "
            "If the server still refuses it, it comes back with the reason."
        )
        self.add_own()

    def work(self) -> Callable[[], Any]:
        """Return the change."""
        operation, own, entry = self.operation, self.signed(), self._entry
        return lambda: operation.repeat(own, entry)

    def said(self) -> str:
        """Say what was done."""
        return f"\u201c{self._what}\u201d is asked for again"

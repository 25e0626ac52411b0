"""Signing in on this device: the server decides when it is there, what is mirrored here when it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from ...core.identity.sign_in import Welcome
from ..bridge import Asking
from ..widgets.form import Form


class SignInDialog(Form):
    """Name and password; *welcomed* is told of the sign-in."""

    def __init__(self, bridge: Asking, welcomed: Callable[[Welcome], None], parent: QWidget | None = None) -> None:
        super().__init__("Sign in", "Sign in", bridge.ask, parent)
        self._operation, self._welcomed = bridge.operation, welcomed
        self.explain("The same name and password as in the dashboard. It works with the network down, too.")
        self.name = self.add_line("Name")
        self.password = self.add_line("Password", secret=True)

    def work(self) -> Callable[[], Any]:
        """Return the sign-in."""
        name, password = self.name.text().strip(), self.password.text()
        if not name or not password:
            raise ValueError("give your name and your password")
        return lambda: self._operation.sign_in(name, password)

    def done_with(self, answer: Welcome) -> None:
        """Tell who is there now."""
        self._welcomed(answer)

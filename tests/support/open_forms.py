"""The form that is open over a window, and its signing."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from pulse_desktop.ui.widgets.form import Form
from support.sync_bench import PASSWORD


def open_form(parent: QWidget) -> Any:
    """Return the form that is open over *parent*."""
    (found,) = [one for one in parent.findChildren(Form) if one.isVisible()]
    return found


def sign(form: Any, password: str = PASSWORD) -> None:
    """Give the signed-in person's password and submit."""
    form.own.setText(password)
    form.submit()

"""Making this machine a device by a one-time code, when its folder has no identity; the core does it and checks all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QWidget

from ...core.identity.store import Identity
from ..widgets.form import Asker, Form

ANOTHER = (
    "Another id is another device. All readings of {0} are sent first and stay in the archive under its name; then "
    "this machine goes on under the new one, with the same sources."
)
Enrolling = Callable[[str, str, str, str], Identity]  # device id, API address, code, broker address


class EnrollDialog(Form):
    """``client_id``: the device that was enrolled, ``None`` until then."""

    def __init__(
        self, ask: Asker, enrolling: Enrolling, client_id: str, api_url: str, parent: QWidget | None = None, *,
        instead_of: str = "", done: Callable[[str], None] = lambda _client_id: None,
    ) -> None:  # fmt: skip
        """*instead_of*: the device that this machine has been so far; *done* is told the id of the new one."""
        super().__init__("Another device id" if instead_of else "Enroll this machine", "Enroll", ask, parent)
        self._enrolling, self._done = enrolling, done
        self.client_id: str | None = None
        so_far = ANOTHER.format(instead_of) if instead_of else "This machine is not a device so far."
        self.explain(f"{so_far} An administrator makes a one-time code for it on the dashboard's Devices page.")
        self.device = self.add_line("Device id", text=client_id)
        self.api = self.add_line("API address", text=api_url)
        self.broker = self.add_line("Broker address")
        self.broker.setPlaceholderText("as the server says")
        self.code = self.add_line("One-time code")
        self.setMinimumWidth(520)

    def work(self) -> Callable[[], Any]:
        """Return the enrollment."""
        device, api, code = (line.text().strip() for line in (self.device, self.api, self.code))
        broker = self.broker.text().strip()
        if not device:
            raise ValueError("give the id that the device is to have")
        if not code:
            raise ValueError("give the one-time code, all of it")
        return lambda: self._enrolling(device, api, code, broker)

    def done_with(self, answer: Identity) -> None:
        """Remember and tell which device it is."""
        self.client_id = answer.client_id
        self._done(answer.client_id)

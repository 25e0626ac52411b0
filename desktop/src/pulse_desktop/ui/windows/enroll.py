"""Making this machine a device by a one-time code, when its folder has no identity; the core does it and checks all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.identity.store import Identity
from ..widgets.form import Asker, Form

Enrolling = Callable[[str, str, str, str], Identity]  # device id, API address, code, broker address


class EnrollDialog(Form):
    """``client_id``: the device that was enrolled, ``None`` until then."""

    def __init__(self, ask: Asker, enrolling: Enrolling, client_id: str, api_url: str) -> None:
        super().__init__("Enroll this machine", "Enroll", ask)
        self._enrolling = enrolling
        self.client_id: str | None = None
        self.explain(
            "This machine is not a device so far. An administrator makes a one-time code for it on the dashboard's "
            "Devices page."
        )
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
        if not code:
            raise ValueError("give the one-time code, all of it")
        return lambda: self._enrolling(device, api, code, broker)

    def done_with(self, answer: Identity) -> None:
        """Remember which device it is."""
        self.client_id = answer.client_id

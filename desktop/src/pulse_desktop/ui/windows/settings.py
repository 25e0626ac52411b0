"""
The settings of this device: those mirrored with the server, which need the password again, and this machine's own.

What is in force, who has set it and within which bounds stands beside each. Only what was changed is sent. Read next:
``core.operation`` (who may), ``pulse_sync.settings`` (the bounds).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QWidget

from pulse_sync.settings import KNOWN, Bounds, Choice, problem

from ...core.settings import FixedSetting
from ...core.settings_shown import SettingShown
from ..bridge import Asking
from ..widgets.form import Form

TITLES = {
    "sampling_interval": "Sampling interval",
    "buffer_limit": "Buffer limit",
    "buffer_full_policy": "When the buffer is full",
    "confirmed_keep_h": "Keep confirmed readings",
    "heartbeat_interval": "Heartbeat interval",
    "flush_batch_size": "Readings in a batch",
    "flush_order": "Order of flushing",
    "offline_login_days": "Sign-in without the server",
}
DESKTOP = "desktop:"  # before a device's id, where a change was made at one


@dataclass(frozen=True, slots=True)
class Present:
    """
    What the dialog begins with.

    *local*: settings that the command line or the environment has fixed; *broker_fixed*: the broker's address that the
    environment has fixed, empty when it has not; *id_fixed*: what has fixed the device's id.
    """

    client_id: str
    settings: Sequence[SettingShown]
    local: Mapping[str, FixedSetting]
    api_url: str
    broker_url: str
    broker_told: str
    broker_fixed: str = ""
    id_fixed: str = ""


class SettingsDialog(Form):
    """*saved* is told whether the addresses of this machine have changed, which take a new start of the device."""

    def __init__(
        self,
        bridge: Asking,
        present: Present,
        saved: Callable[[bool], None],
        parent: QWidget | None = None,
        *,
        open_sources: Callable[[], None] = lambda: None,
        open_device: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("Settings", "Save", bridge.ask, parent, is_long=True)
        self._operation, self._present, self._saved = bridge.operation, present, saved
        self.resize(740, 756)
        self.explain(f"Of {present.client_id} alone. They hold at once, and go to the server when it is there.")
        self.lines = {one.key: self._setting(one) for one in present.settings}
        self.broker = self._broker(present)
        self.api = self.add_line("API address", text=present.api_url, hint="of this machine")
        self.device = self.add_line("Device id", text=present.client_id, hint="set at enrollment")
        self.device.setReadOnly(True)
        self.another = QPushButton("Another id \u2026")
        self.another.setAutoDefault(False)
        self.another.setEnabled(not present.id_fixed)
        self.another.clicked.connect(open_device)
        self.add("", self.another, f"fixed by {present.id_fixed}" if present.id_fixed else "with a one-time code")
        self.sources = QPushButton("Sources \u2026")
        self.sources.setAutoDefault(False)
        self.sources.clicked.connect(open_sources)
        self.add("Readings come from", self.sources, "of this machine")
        self.password = self.add_line("Your password", secret=True, is_last=True)
        self.password.setPlaceholderText("for what the server mirrors")

    def work(self) -> Callable[[], Any]:
        """Return the change of what differs."""
        values, password = self._values(), self.password.text()
        broker = self.broker.text().strip() if self.broker.isEnabled() else self._present.broker_url
        addresses = (self.api.text().strip(), broker)
        moves = addresses != (self._present.api_url, self._present.broker_url)
        if values and not password:
            raise ValueError("give your password: the change is signed with your key")

        def save() -> bool:
            api, broker = addresses[0], addresses[1] or None
            if moves:  # what can be refused comes first, so that nothing is saved by half
                self._operation.check_addresses(api, broker)
            if values:
                self._operation.set_settings(password, values, self._present.settings)
            if moves:
                self._operation.set_addresses(api, broker)
            return moves

        return save

    def done_with(self, answer: bool) -> None:  # noqa: FBT001 - what the work returns
        """Tell what has changed."""
        self._saved(answer)

    def _broker(self, present: Present) -> QLineEdit:
        fixed = present.broker_fixed
        hint = "fixed by PULSE_DEVICE_BROKER_URL" if fixed else "of this machine"
        line = self.add_line("Broker address", text=fixed or present.broker_url, hint=hint)
        line.setPlaceholderText(f"{present.broker_told} (from the server)")
        line.setEnabled(not fixed)
        return line

    def _setting(self, one: SettingShown) -> QLineEdit | QComboBox:
        known, fixed = KNOWN[one.key], self._present.local.get(one.key)
        shown = fixed.text if fixed is not None else _text(one.value)
        field: QLineEdit | QComboBox
        if isinstance(known, Choice):
            field = QComboBox()
            field.addItems(known.words)
            field.setCurrentText(shown)
        else:
            field = QLineEdit(shown)
            field.setToolTip(f"{known.least:.10g} to {known.most:.10g} {known.unit}")
        if fixed is not None:
            field.setEnabled(False)
        self.add(TITLES[one.key], field, self._origin(one, known, fixed))
        return field

    def _origin(self, one: SettingShown, known: Bounds | Choice, fixed: FixedSetting | None) -> str:
        """Say where what is in force comes from: fixed, the web, this device, another one, or nobody."""
        unit = f"{known.unit}, " if isinstance(known, Bounds) else ""
        if fixed is not None:
            return f"{unit}fixed by {fixed.by}"
        if one.scope == "default":
            return f"{unit}default"
        where = "on the web " if one.source == "web" else ""
        if one.source and one.source.startswith(DESKTOP):
            device = one.source.removeprefix(DESKTOP)
            where = "here " if device == self._present.client_id else f"on {device} "
        by = (one.changed_by or "").removeprefix("user:") or "somebody"
        return f"{unit}set {where}by {by}" + (", for all devices" if one.scope == "all" else "")

    def _values(self) -> dict[str, Any]:
        """Return what differs from what is in force; raise ``ValueError`` with the bounds when it cannot be."""
        found: dict[str, Any] = {}
        for one in self._present.settings:
            field = self.lines[one.key]
            text = field.currentText() if isinstance(field, QComboBox) else field.text().strip()
            if not field.isEnabled() or text == _text(one.value):
                continue
            value = _value(KNOWN[one.key], text)
            if (why := problem(one.key, value)) is not None:
                raise ValueError(why)
            found[one.key] = value
        return found


def _value(known: Bounds | Choice, text: str) -> Any:
    if isinstance(known, Choice):
        return text
    try:
        return int(text) if known.whole else float(text)
    except ValueError:
        return text  # out of its bounds, and the sentence names them


def _text(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)

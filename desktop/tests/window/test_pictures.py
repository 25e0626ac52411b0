"""Every window in its states, dark and light, as pictures; ``make pictures`` puts them into the documentation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget

from pulse_desktop.core.errors import ChangeError, Link
from pulse_desktop.ui.snapshot import Snapshot
from pulse_desktop.ui.theme.colours import BY_NAME
from pulse_desktop.ui.theme.style import put_on
from pulse_desktop.ui.widgets.cards import StateCard
from pulse_desktop.ui.windows.enroll import EnrollDialog
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.settings import Present, SettingsDialog
from pulse_desktop.ui.windows.sign_in import SignInDialog
from pulse_desktop.ui.windows.sources import SourcesDialog
from support.picture_sheet import sheet
from support.window_fakes import (
    EVERYTHING,
    SETTINGS,
    FakeBridge,
    disconnected,
    everything_wrong,
    online,
    operator,
    syncing,
)

ALL = operator(*EVERYTHING)
# Made when they are shown: the chart ends at the time of the picture.
STATES: dict[str, Callable[[], Snapshot]] = {
    "online": lambda: online(operator=ALL),
    "syncing": lambda: syncing(operator=ALL),
    "disconnected": lambda: disconnected(
        operator=operator("FORCE_SYNC", from_cache=True),
        problems={"notice": "the buffer is filling (8012345 of 10000000 readings); when it is full, new readings are "
                            "given up"},
    ),
    "everything-wrong": everything_wrong,
}  # fmt: skip
API_AWAY = "the API at https://pulse.example.org:8443 gives no token: it does not answer within 10 s"
LINKS: dict[str, Callable[[], Snapshot]] = {
    "starting": lambda: disconnected(Link.CONNECTING, "", is_starting=True),
    "connecting": lambda: disconnected(Link.CONNECTING, ""),
    "no network": disconnected,
    "no broker": lambda: disconnected(Link.NO_BROKER, "the broker does not answer within 8 s"),
    "no server": lambda: disconnected(Link.NO_BROKER, API_AWAY),
    "refused": lambda: disconnected(Link.REFUSED, "the device was revoked"),
    "taken": lambda: disconnected(Link.TAKEN_OVER, "another session takes this id over"),
    "not started": lambda: disconnected(Link.CONNECTING, "", problems={"start": "the disk is read-only"}),
    "archive away": lambda: online(is_archive_away=True),
    "online": online,
}
SOURCES = [
    {"kind": "csv", "name": "press", "prefix": "press/", "interval": 0.5,
     "options": {"file": "press.csv", "columns": {"Speed (1/min)": "speed_rpm"}, "loop": True}},
    {"kind": "boiler", "options": {"address": "10.0.0.7"}},
]  # fmt: skip
SIZES = {"": (1280, 800), "-small": (800, 480)}


def shot(widget: QWidget, file: Path) -> QImage:
    """Save a picture of *widget* and return it."""
    QApplication.processEvents()
    image = widget.grab().toImage()
    assert image.save(str(file))
    return image


def another_id() -> EnrollDialog:
    """Return the dialog for another device id, which will be refused."""
    refused = FakeBridge()
    refused.operation.refusal = ChangeError(
        "readings of DESKTOP-001 are not in the archive so far, and another device could not send them: wait until it "
        "is online and all of its buffer is sent, then try again"
    )
    made = EnrollDialog(
        refused.ask, lambda *_: refused.operation.sync_now(), "PRESS-2", "https://pulse.example",
        instead_of="DESKTOP-001",
    )  # fmt: skip
    made.code.setText("MFRGGZDFMZTWQ2LK.6GZ1")
    return made


def colours_of(image: QImage) -> set[int]:
    return {image.pixel(x, y) for x in range(0, image.width(), 7) for y in range(0, image.height(), 3)}


def all_colours_of(image: QImage, part: QWidget) -> set[int]:
    """Return every colour that the picture of a window has where *part* of it is."""
    place = QRect(part.mapTo(part.window(), QPoint()), part.size())
    xs, ys = range(place.left(), place.right() + 1), range(place.top(), place.bottom() + 1)
    return {image.pixel(x, y) for x in xs for y in ys}


@pytest.mark.parametrize(("state", "size", "theme"), list(itertools.product(STATES, SIZES, BY_NAME)))
def test_picture_of_the_main_window_item_9(  # noqa: PLR0917 - fixtures come by name
    qapp, window: MainWindow, pictures: Path, state: str, size: str, theme: str
):
    put_on(qapp, BY_NAME[theme])
    window.retheme()
    window.resize(*SIZES[size])
    QApplication.processEvents()
    if state != "online" and not size:
        window.work.tabs.setCurrentWidget(window.work.waiting)
    now = STATES[state]()
    for _ in range(2):
        window.show_snapshot(now)
        window.value.metrics.setCurrentText("temperature")
        QApplication.processEvents()
    image = shot(window, pictures / f"desktop-{state}{size}-{theme}.png")
    assert (image.width(), image.height()) == SIZES[size]
    assert QColor(BY_NAME[theme].of(now.lamp)).rgb() in all_colours_of(image, window.state.lamp)
    assert len(colours_of(image)) > 40


@pytest.mark.parametrize("theme", BY_NAME)
def test_picture_of_the_dialogs_item_9(qtbot, qapp, bridge: FakeBridge, pictures: Path, theme: str):
    put_on(qapp, BY_NAME[theme])
    told = Present("DESKTOP-001", SETTINGS, {}, "https://pulse.example", "", "mqtts://pulse.example:8883")
    made = {
        "sign-in": SignInDialog(bridge, lambda _: None),
        "settings": SettingsDialog(bridge, told, lambda _: None),
        "enroll": EnrollDialog(bridge.ask, lambda *_: None, "DESKTOP-001", "https://pulse.example"),
        "another-id": another_id(),
        "sources": SourcesDialog(bridge, SOURCES, lambda: None),
    }
    for name, dialog in made.items():
        qtbot.addWidget(dialog)
        dialog.show()
        if name == "another-id":
            dialog.submit()
        image = shot(dialog, pictures / f"desktop-{name}-{theme}.png")
        assert len(colours_of(image)) > 8, name
        assert QColor(BY_NAME[theme].accent).rgb() in all_colours_of(image, dialog.do), "the button"
        if isinstance(dialog, SourcesDialog):
            seen = all_colours_of(image, dialog.cards[0].options["loop"])
            assert QColor(BY_NAME[theme].on_accent).rgb() in seen, "what is chosen has a tick, not a colour alone"


@pytest.mark.parametrize("theme", BY_NAME)
def test_picture_of_the_links_that_may_be_missing_item_9(qtbot, qapp, pictures: Path, theme: str):
    put_on(qapp, BY_NAME[theme])
    taken: list[QImage] = []
    for name, made in LINKS.items():
        card = StateCard()
        qtbot.addWidget(card)
        card.resize(340, 150)
        card.show()
        card.show_snapshot(made())
        QApplication.processEvents()
        taken.append(card.grab().toImage())
        assert QColor(BY_NAME[theme].of(made().lamp)).rgb() in all_colours_of(taken[-1], card.lamp), name
        assert card.meaning.height() >= card.meaning.heightForWidth(card.meaning.width()), name
    assert sheet(taken, 3, BY_NAME[theme].bg).save(str(pictures / f"desktop-links-{theme}.png"))

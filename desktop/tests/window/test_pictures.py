"""Every window in its states, dark and light, as pictures; ``make pictures`` puts them into the documentation."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget

from pulse_desktop.ui.snapshot import Snapshot
from pulse_desktop.ui.theme.colours import BY_NAME
from pulse_desktop.ui.theme.style import put_on
from pulse_desktop.ui.windows.enroll import EnrollDialog
from pulse_desktop.ui.windows.main import MainWindow
from pulse_desktop.ui.windows.settings import Present, SettingsDialog
from pulse_desktop.ui.windows.sign_in import SignInDialog
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
SIZES = {"": (1280, 800), "-small": (800, 480)}


def shot(widget: QWidget, file: Path) -> QImage:
    """Save a picture of *widget* and return it."""
    QApplication.processEvents()
    image = widget.grab().toImage()
    assert image.save(str(file))
    return image


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
    }
    for name, dialog in made.items():
        qtbot.addWidget(dialog)
        dialog.show()
        image = shot(dialog, pictures / f"desktop-{name}-{theme}.png")
        assert len(colours_of(image)) > 8, name
        assert QColor(BY_NAME[theme].accent).rgb() in all_colours_of(image, dialog.do), "the button"

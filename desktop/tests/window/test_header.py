"""The head of the window where an id or a name is as long as it may be."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from pulse_desktop.ui.windows.main import MainWindow
from support.window_fakes import EVERYTHING, FakeBridge, online, operator
from support.window_layout import faults

LONG_ID, LONG_NAME = "press-hall-west-" * 3 + "press-hall-east1", "maximiliana.of.the.night.shift.in.hall.3"


def show(qtbot, kept: QSettings, client_id: str, name: str, width: int) -> MainWindow:
    made = MainWindow(client_id, FakeBridge(), kept, list)
    qtbot.addWidget(made)
    made.resize(width, 480)
    made.show()
    made.show_snapshot(online(operator=operator(*EVERYTHING, name=name)))
    QApplication.processEvents()
    return made


@pytest.mark.parametrize("width", [760, 800])
@pytest.mark.parametrize(("client_id", "name"), [(LONG_ID, LONG_NAME), (LONG_ID, "olga"), ("D1", LONG_NAME * 2)])
def test_id_and_name_too_long_for_the_header_end_in_an_ellipsis_and_are_whole_in_tooltips_item_2(
    qtbot, kept: QSettings, client_id: str, name: str, width: int
):
    header = show(qtbot, kept, client_id, name, width).header
    assert [why for why in faults(header) if "cut" in why or "out of" in why or "over" in why] == []
    shown = (header.device.text(), header.person.text())
    assert any("\u2026" in text for text in shown)
    for text, whole in zip(shown, (client_id, name), strict=True):
        begun, _, end = text.partition("\u2026")
        assert text == whole or (begun and whole.startswith(begun) and whole.endswith(end)), "not only an ellipsis"
    assert client_id in header.device.toolTip() or header.device.text() == client_id
    assert name in header.person.toolTip()


def test_id_that_was_shortened_is_whole_again_where_there_is_room_item_2(qtbot, kept: QSettings):
    window = show(qtbot, kept, LONG_ID, "olga", 800)
    assert window.header.device.text() != LONG_ID
    window.resize(1600, 800)
    QApplication.processEvents()
    assert (window.header.device.text(), window.header.person.text()) == (LONG_ID, "olga")
    assert LONG_ID not in window.header.device.toolTip()

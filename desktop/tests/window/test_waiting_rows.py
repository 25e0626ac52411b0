"""The list of what waits: how much of it is listed, and of which metric each row shows the value."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QLabel

from pulse_desktop.core.recent import MOST_WAITING
from pulse_desktop.ui.snapshot import Buffer, Snapshot
from pulse_desktop.ui.windows.main import MainWindow
from support.window_fakes import disconnected, online, rows, syncing


def below(window: MainWindow, shown: Snapshot) -> str:
    """Show it with the list of what waits in front; return what is to be read below the rows."""
    window.work.tabs.setCurrentWidget(window.work.waiting)
    for _ in range(2):
        window.show_snapshot(shown)
        QApplication.processEvents()
    page, view = window.work.waiting, window.work.waiting.view
    labels = [one for one in page.findChildren(QLabel) if one.isVisible() and one.text()]
    found = [one for one in labels if not view.isAncestorOf(one)]
    assert all(page.rect().contains(QRect(one.mapTo(page, QPoint()), one.size())) for one in found)
    return " ".join(one.text() for one in found).replace("\u202f", "")


def test_waiting_list_that_is_not_all_of_them_says_how_many_there_are_item_2(window: MainWindow):
    full = syncing(waiting=rows(MOST_WAITING))
    for size in ((800, 480), (1280, 800)):
        window.resize(*size)
        assert below(window, full) == "The oldest 200 of 61234."
    held = Buffer(held=MOST_WAITING, quarantined=12)
    assert below(window, replace(full, buffer=held)) == "The oldest 200 of 212.", "rejected ones are listed, too"
    assert below(window, replace(full, buffer=None)) == "The oldest 200."


def test_waiting_list_that_is_all_of_them_says_nothing_of_it_item_2(window: MainWindow):
    assert below(window, syncing(waiting=rows(MOST_WAITING), buffer=Buffer(held=MOST_WAITING))) == ""
    assert below(window, disconnected(waiting=rows(60), buffer=Buffer(held=61))) == "", (
        "one has come since they were read"
    )
    assert below(window, online(waiting=())) == "Nothing waits: every reading is in the archive."


def test_waiting_row_names_the_metric_of_its_value_where_it_is_not_the_chosen_one_item_2(window: MainWindow):
    one, other = rows(2)
    shown = disconnected(waiting=(one, replace(other, metrics={"door/is_open": True})))
    window.show_snapshot(shown)
    window.value.metrics.setCurrentText("temperature")
    window.show_snapshot(shown)
    assert [row.cells[1] for row in window.work.waiting.model.rows()] == ["71.0", "true  (door/is_open)"]

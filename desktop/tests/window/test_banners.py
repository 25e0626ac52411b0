"""The banners: each until its cause is gone, all of them readable however many there are."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel

from pulse_desktop.ui.windows.main import MainWindow
from support.window_fakes import everything_wrong, online


def test_banner_stands_until_its_cause_is_gone_item_2(window: MainWindow):
    window.show_snapshot(online(problems={"recording": "the disk is full", "notice": "the buffer is filling"}))
    assert window.banners.texts == {"recording": "The disk is full.", "notice": "The buffer is filling."}
    window.show_snapshot(online(problems={"notice": "the buffer is filling"}))
    assert list(window.banners.texts) == ["notice"]
    window.show_snapshot(online())
    assert window.banners.texts == {}
    assert not window.banners.isVisible()


def test_banner_shows_markup_as_it_is_item_2(window: MainWindow):
    window.show_snapshot(online(problems={"source": "<b>a</b> & <img src=x> is not recorded"}))
    (label,) = [one for one in window.banners.findChildren(QLabel) if one.text()]
    assert label.textFormat() is Qt.TextFormat.PlainText


@pytest.mark.parametrize("size", [(800, 480), (1280, 800)])
def test_banners_are_all_readable_beside_value_and_lamp_when_everything_is_wrong_item_2(window: MainWindow, size):
    window.resize(*size)
    window.show_snapshot(online())
    window.say("failed", "the settings cannot be read")
    now = everything_wrong()
    for _ in range(2):
        window.show_snapshot(now)
        QApplication.processEvents()
    labels = [one for one in window.banners.findChildren(QLabel) if one.text()]
    assert len(labels) == len(now.problems) + 2
    tops = []
    for label in labels:
        banner = label.parentWidget()
        assert banner.height() >= banner.heightForWidth(banner.width()), "as high as its text needs"
        assert label.height() >= label.heightForWidth(label.width())
        window.banners.ensureWidgetVisible(banner, 0, 0)
        seen = banner.visibleRegion().boundingRect()
        assert seen.size() == banner.size(), "all of it can be scrolled into sight"
        tops.append(banner.y())
    assert len(set(tops)) == len(tops), "none lies over another"
    meaning, value = window.state.meaning, window.value.value
    assert meaning.height() >= meaning.heightForWidth(meaning.width()), "what the state means"
    assert value.height() >= 56, "the value in large"
    assert window.state.lamp.isVisible()
    assert window.banners.height() <= 0.2 * size[1]
    assert window.work.height() >= 140, "and the chart"


def test_banner_that_comes_is_scrolled_into_sight_and_the_gravest_stand_first_item_2(window: MainWindow, qtbot):
    window.resize(800, 480)
    window.show_snapshot(everything_wrong())
    QApplication.processEvents()
    assert next(iter(window.banners.texts)) == "recording"
    window.say("done", "Sync asked for")
    (done,) = [one for one in window.banners.findChildren(QLabel) if one.text() == "Sync asked for."]
    qtbot.waitUntil(lambda: done.visibleRegion().boundingRect() == done.rect(), timeout=5_000)
    window.say("failed", "that did not work")
    (failed,) = [one for one in window.banners.findChildren(QLabel) if one.text() == "That did not work."]
    qtbot.waitUntil(lambda: failed.visibleRegion().boundingRect() == failed.rect(), timeout=5_000)
    assert failed.parentWidget().y() < done.parentWidget().y()


def test_banner_whose_text_grows_gets_the_room_for_it_item_2(window: MainWindow):
    window.resize(1000, 700)
    window.show_snapshot(online(problems={"source": "the source press has failed: away"}))
    QApplication.processEvents()
    before = window.banners.height()
    window.show_snapshot(
        online(problems={"source": "the source press has failed: " + "the machine does not answer " * 6})
    )
    QApplication.processEvents()
    (label,) = [one for one in window.banners.findChildren(QLabel) if one.text()]
    assert window.banners.height() > before
    assert label.height() >= label.heightForWidth(label.width())
    assert not window.banners.verticalScrollBar().isVisible()


def test_banners_take_less_of_a_window_that_becomes_lower_item_2(window: MainWindow):
    window.resize(1000, 800)
    window.show_snapshot(everything_wrong())
    QApplication.processEvents()
    window.resize(1000, 480)
    window.show_snapshot(everything_wrong())
    QApplication.processEvents()
    assert window.banners.height() <= 96

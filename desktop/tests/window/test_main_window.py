"""The main window: what it shows of a snapshot, what it asks for, what it leaves out."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSettings, Qt
from PySide6.QtGui import QColor, QTextDocumentFragment
from PySide6.QtGui import Qt as Markup
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from pulse_desktop.core.errors import Link, SignInError
from pulse_desktop.core.operation import Operator
from pulse_desktop.core.recent import Point, WaitingRow
from pulse_desktop.ui.snapshot import Buffer, Lamp, LogLine, Snapshot
from pulse_desktop.ui.theme.style import present
from pulse_desktop.ui.tray import Tray
from pulse_desktop.ui.windows import main
from pulse_desktop.ui.windows.main import MainWindow
from pulse_runtime import __version__
from support.window_fakes import EVERYTHING, LARGEST, FakeBridge, disconnected, online, operator, rows, syncing


def choose(window: MainWindow, metric: str) -> None:
    window.value.metrics.setCurrentText(metric)
    window.value.metrics.textActivated.emit(metric)


@pytest.mark.parametrize(
    ("shown", "title", "words"),
    [
        (online(), "Online", "go out as they are taken"),
        (online(is_archive_away=True), "Online", "the archive is away"),
        (syncing(), "Offline \u2013 Syncing", "what was held is sent first"),
        (disconnected(Link.NO_NETWORK), "Disconnected", "No network"),
        (disconnected(Link.NO_BROKER), "Disconnected", "No broker"),
        (disconnected(Link.REFUSED), "Disconnected", "Refused"),
        (disconnected(Link.TAKEN_OVER), "Disconnected", "Another device uses this id"),
    ],
)
def test_state_each_of_the_three_is_named_explained_and_says_which_link_is_missing_item_2(window, shown, title, words):
    window.show_snapshot(shown)
    assert window.state.title.text() == title
    assert words in window.state.meaning.text()
    assert window.state.lamp.state is shown.lamp
    assert present().of(shown.lamp) in window.state.title.styleSheet()


def test_state_colours_of_the_three_differ_in_both_themes_item_1(window: MainWindow):
    for _ in range(2):
        assert len({present().of(lamp) for lamp in Lamp}) == 3
        window.switch_theme()


def test_header_names_product_device_and_version_item_2(window: MainWindow):
    from pulse_runtime import __version__

    header = window.header
    texts = (header.product.text(), header.device.text(), header.version.text())
    assert texts == ("PrecisionPulse", "DESKTOP-001", f"v{__version__}")
    assert "DESKTOP-001" in window.windowTitle()


def test_value_is_that_of_the_chosen_metric_and_an_integer_of_64_bits_stays_exact_item_2(window: MainWindow):
    window.show_snapshot(online())
    choose(window, "motor/rpm")
    window.show_snapshot(online())
    assert window.value.value.text().replace("\u202f", "") == str(LARGEST)
    assert "integer" in window.value.under.text()
    cells = {row.key: row.cells[:3] for row in window.work.metrics.model.rows()}
    assert cells["motor/rpm"] == ("motor/rpm", str(LARGEST), "integer")
    assert cells["temperature"] == ("temperature", "72.45", "decimal")
    assert cells["door/is_open"] == ("door/is_open", "false", "boolean")


def test_value_a_new_one_replaces_the_old_one_item_2(window: MainWindow):
    choose(window, "temperature")
    window.show_snapshot(online())
    choose(window, "temperature")
    window.show_snapshot(online(latest={"temperature": 72.0}))
    assert window.value.value.text() == "72.0"


def test_metric_switched_asks_for_its_curve_and_is_kept_for_the_next_start_item_2(
    window: MainWindow, bridge: FakeBridge, kept: QSettings, qtbot
):
    window.show_snapshot(online())
    choose(window, "pressure/bar")
    assert bridge.shown[-1] == ("pressure/bar", 300.0)
    other = FakeBridge()
    again = MainWindow("DESKTOP-001", other, kept, lambda: None)
    qtbot.addWidget(again)
    again.show_snapshot(online(metric="", points=()))
    assert other.shown[-1] == ("pressure/bar", 300.0)
    assert again.value.chosen == "pressure/bar"


def test_chart_shows_the_points_and_asks_for_another_span_item_2(window: MainWindow, bridge: FakeBridge, qtbot):
    window.show_snapshot(online())
    assert len(window.work.chart.points()) == 300
    button = next(one for one in window.work.chart._buttons.buttons() if one.text() == "24 h")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert bridge.shown[-1][1] == 86_400


def test_chart_draws_no_line_across_an_outage_item_2(window: MainWindow):
    shown = online()
    with_hole = shown.points[:100] + shown.points[200:]
    window.show_snapshot(replace(shown, points=with_hole))
    at, values = drawn(window, with_hole)
    assert np.isnan(values).sum() == 1
    hole = int(np.flatnonzero(np.isnan(values))[0])
    assert (at[hole - 1], at[hole + 1]) == (with_hole[99].at, with_hole[100].at)


def drawn(window: MainWindow, points: tuple[Point, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the times and the values that the chart hands to its painter; times that are no numbers break it."""
    at, values = window.work.chart._curve.getData()
    assert np.isfinite(at).all()
    assert (np.diff(at) >= 0).all()
    assert at[-1] == points[-1].at
    return at, values


def test_chart_keeps_history_and_newest_values_when_the_interval_becomes_shorter_item_2(window: MainWindow):
    slow = tuple(Point(time.time() - 290 + 10 * step, step) for step in range(25))
    fast = tuple(Point(slow[-1].at + 0.1 + 0.1 * step, step) for step in range(300))
    window.show_snapshot(online(points=slow + fast))
    _, values = drawn(window, slow + fast)
    assert not np.isnan(values).any()


@pytest.mark.parametrize(("first", "length"), [(0, 1), (1, 1), (40, 1), (40, 2), (98, 1)])
def test_chart_finds_an_outage_wherever_it_is_item_2(window: MainWindow, first: int, length: int):
    begun = time.time() - 290
    steps = [60.0 if first <= number < first + length else 1.0 for number in range(99)]
    points = tuple(Point(begun + sum(steps[:number]), number) for number in range(100))
    window.show_snapshot(online(points=points))
    _, values = drawn(window, points)
    assert np.isnan(values).sum() == sum(step == 60.0 for step in steps)


def test_buffer_says_how_many_wait_how_long_there_is_room_and_how_far_the_flush_is_item_2(window: MainWindow):
    window.show_snapshot(disconnected())
    assert window.buffer.count.text().replace("\u202f", "") == "4321"
    assert window.buffer.room.text() == "room for 46.5 h"
    assert not window.buffer.progress.isVisible()
    window.show_snapshot(syncing())
    assert window.buffer.progress.isVisible()
    assert window.buffer.progress.value() == 380
    assert window.buffer.under.text() == "38 % sent  \u00b7  1 min 34 s left"


def test_buffer_and_rows_that_are_not_known_are_not_said_to_be_none_item_2(window: MainWindow):
    window.show_snapshot(Snapshot("DESKTOP-001", problems={"start": "the outbox cannot be used"}))
    buffer = window.buffer
    assert (buffer.count.text(), buffer.room.text(), buffer.under.text()) == ("\u2013", "", "not known")
    assert "not known" in window.work.waiting.empty
    assert window.state.meaning.text() == "The device has not started."
    window.show_snapshot(online(waiting=()))
    assert window.work.waiting.empty == "Nothing waits: every reading is in the archive."


def test_waiting_rows_have_number_value_and_state_and_say_why_one_was_rejected_item_2(window: MainWindow):
    odd = WaitingRow("s1", 9, rows(1)[0].recorded_at, {"temperature": 1.5}, "quarantined", "out of range")
    window.show_snapshot(disconnected(waiting=(*rows(2), odd)))
    choose(window, "temperature")
    window.show_snapshot(disconnected(waiting=(*rows(2), odd)))
    shown = window.work.waiting.model.rows()
    assert [row.cells[:3] for row in shown] == [
        ("1", "71.0", "pending"),
        ("2", "72.0", "pending"),
        ("9", "1.5", "rejected"),
    ]
    assert "out of range" in shown[-1].tip
    window.show_snapshot(online(waiting=()))
    assert window.work.waiting.model.rows() == []


def test_person_signed_in_from_cache_is_said_with_the_last_check_item_2(window: MainWindow):
    window.show_snapshot(online(operator=operator("FORCE_SYNC", from_cache=True)))
    assert (
        f"Signed in from cache as olga, last checked {here('2026-11-20T08:30:00+00:00')}"
        in window.banners.texts["cache"]
    )
    window.show_snapshot(online(operator=operator("FORCE_SYNC")))
    assert "cache" not in window.banners.texts


def test_person_whose_sign_in_has_ended_is_told_why_item_2(window: MainWindow):
    window.show_snapshot(online(operator=Operator(ended="the sign-in of olga has ended: deactivated")))
    assert "deactivated" in window.banners.texts["signed-out"]


@pytest.mark.parametrize(
    ("who", "enabled"),
    [
        (Operator(), (False, False)),
        (operator(), (False, False)),
        (operator("FORCE_SYNC"), (True, False)),
        (operator("EDIT_CONFIG"), (False, True)),
        (operator(*EVERYTHING), (True, True)),
    ],
)
def test_buttons_manual_sync_and_settings_are_for_those_allowed_and_say_what_is_missing_item_2(window, who, enabled):
    window.show_snapshot(online(operator=who))
    buttons = (window.header.sync, window.header.settings)
    assert tuple(button.isEnabled() for button in buttons) == enabled
    assert all(button.isEnabled() or button.toolTip() for button in buttons)


def test_manual_sync_asks_the_core_and_its_refusal_is_said_item_2(window: MainWindow, bridge: FakeBridge, qtbot):
    window.show_snapshot(online(operator=operator("FORCE_SYNC")))
    qtbot.mouseClick(window.header.sync, Qt.MouseButton.LeftButton)
    assert bridge.operation.calls == [("sync_now",)]
    bridge.operation.refusal = SignInError("that needs the permission FORCE_SYNC")
    qtbot.mouseClick(window.header.sync, Qt.MouseButton.LeftButton)
    assert window.banners.texts["failed"] == "That needs the permission FORCE_SYNC."


def test_banner_of_a_refusal_goes_when_it_works_and_that_of_a_success_after_a_while_item_2(
    window: MainWindow, bridge: FakeBridge, qtbot, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(main, "DONE_MS", 50)
    window.show_snapshot(online(operator=operator(*EVERYTHING)))
    bridge.operation.refusal = SignInError("that needs the permission FORCE_SYNC")
    qtbot.mouseClick(window.header.sync, Qt.MouseButton.LeftButton)
    assert list(window.banners.texts) == ["failed"]
    bridge.operation.refusal = None
    qtbot.mouseClick(window.header.sync, Qt.MouseButton.LeftButton)
    assert list(window.banners.texts) == ["done"]
    qtbot.waitUntil(lambda: window.banners.texts == {}, timeout=5_000)
    window.say("failed", "the settings cannot be read")
    qtbot.mouseClick(window.header.settings, Qt.MouseButton.LeftButton)
    assert (window.banners.texts, bridge.opened) == ({}, ["settings"])


def test_version_is_in_the_tooltip_of_the_id_where_there_is_no_room_for_it_item_2(window: MainWindow):
    window.show_snapshot(online(operator=operator(*EVERYTHING, name="o" * 40)))  # no letters leave room beside it
    for width, is_shown in ((640, False), (1280, True), (640, False)):
        window.resize(width, 600)
        assert window.header.version.isVisible() is is_shown
        assert (__version__ in window.header.device.toolTip()) is not is_shown
        assert "The id of this device" in window.header.device.toolTip()


@pytest.mark.parametrize("event", ["desktop.lost", "<b>lost</b>"])
def test_log_line_is_whole_in_its_tooltip_however_long_and_as_plain_text_item_2(window: MainWindow, event: str):
    window.work.tabs.setCurrentWidget(window.work.log)
    fields = f"reason={'the broker is gone ' * 30} path={'/x' * 200}  said=<b>loud</b>"
    window.show_snapshot(online(log=(LogLine("2026-11-22T10:00:00.000Z", "warning", event, fields),)))
    tip = window.work.log.model.index(0, 2).data(Qt.ItemDataRole.ToolTipRole)
    seen = QTextDocumentFragment.fromHtml(tip).toPlainText() if Markup.mightBeRichText(tip) else tip
    assert "<b>loud</b>" in seen, "letter by letter"
    whole = "".join(seen.split())
    assert all("".join(part.split()) in whole for part in (fields, event, "warning", "10:00:00.000Z"))
    assert max(map(len, seen.splitlines())) <= 100, "no line leaves the screen"


def test_settings_button_opens_them_item_4(window: MainWindow, bridge: FakeBridge, qtbot):
    window.show_snapshot(online(operator=operator("EDIT_CONFIG")))
    qtbot.mouseClick(window.header.settings, Qt.MouseButton.LeftButton)
    assert bridge.opened == ["settings"]


def test_sign_out_asks_the_core_item_3(window: MainWindow, bridge: FakeBridge):
    window.sign_out()
    assert bridge.operation.calls == [("sign_out",)]


def test_exit_button_and_closing_the_window_both_leave_item_7(window: MainWindow, qtbot):
    left: list[bool] = []
    window.left.connect(lambda: left.append(True))
    qtbot.mouseClick(window.header.exit, Qt.MouseButton.LeftButton)
    assert (left, window.isVisible()) == ([True], False)
    window.show()
    window.close()
    assert (left, window.isVisible()) == ([True, True], False)


def test_theme_is_switched_and_kept_item_1(window: MainWindow, kept: QSettings, qtbot):
    qtbot.mouseClick(window.header.theme, Qt.MouseButton.LeftButton)
    assert (present().name, kept.value("theme")) == ("light", "light")
    qtbot.mouseClick(window.header.theme, Qt.MouseButton.LeftButton)
    assert (present().name, kept.value("theme")) == ("dark", "dark")


def cuts_nothing_off(window: MainWindow) -> bool:
    """Tell whether all is in the window, as wide as its text, and not over another one; the error names what is not."""
    header = [one for one in window.header.findChildren(QWidget) if one.isVisible()]
    shown = [*header, window.state, window.value, window.buffer, window.work.tabs]
    places = {one: QRect(one.mapTo(window, QPoint()), one.size()) for one in shown}
    found = [f"{one} is out of the window" for one, place in places.items() if not window.rect().contains(place)]
    texts = [one for one in header if isinstance(one, QPushButton | QLabel)]
    found += [f"{one.text()} is cut" for one in texts if one.width() < one.sizeHint().width()]
    pairs = itertools.combinations(shown, 2)
    found += [f"{one} lies over {other}" for one, other in pairs if places[one].intersects(places[other])]
    assert found == []
    return True


def test_window_on_a_small_screen_has_the_chart_as_a_tab_and_cuts_nothing_off_item_1(window: MainWindow, qtbot):
    window.show_snapshot(syncing(operator=operator(*EVERYTHING)))
    assert window.work.is_wide
    window.resize(800, 480)
    qtbot.waitUntil(lambda: not window.work.is_wide)
    assert (window.width(), window.height()) == (800, 480)
    assert window.work.tabs.tabText(0) == "Chart"
    qtbot.waitUntil(lambda: cuts_nothing_off(window), timeout=2_000)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: window.work.is_wide)
    assert window.work.tabs.tabText(0) == "Metrics"
    qtbot.waitUntil(lambda: cuts_nothing_off(window), timeout=2_000)


def test_log_shows_the_newest_first_item_2(window: MainWindow, qtbot):
    window.work.tabs.setCurrentWidget(window.work.log)
    qtbot.waitUntil(window.work.log.isVisible)
    window.show_snapshot(online())
    shown = window.work.log.model.rows()
    assert [row.cells[1] for row in shown] == ["desktop.connection_lost", "desktop.started"]
    assert shown[0].tone == "warn"


def test_value_too_long_for_its_card_is_made_smaller_not_cut_item_2(window: MainWindow, qtbot):
    from PySide6.QtGui import QFontMetrics

    window.resize(800, 480)
    choose(window, "motor/rpm")
    window.show_snapshot(online())
    choose(window, "motor/rpm")
    window.show_snapshot(online(latest={"motor/rpm": -LARGEST - 1}))
    label = window.value.value
    qtbot.waitUntil(lambda: QFontMetrics(label.font()).horizontalAdvance(label.text()) <= label.width())
    assert label.text().replace("\u202f", "") == str(-LARGEST - 1)


def test_buffer_without_a_measure_of_the_drain_shows_no_time_left_item_2(window: MainWindow):
    window.show_snapshot(syncing(buffer=Buffer(held=50, progress=0.5)))
    assert window.buffer.under.text() == "50 % sent"


def test_window_shows_a_full_chart_and_a_full_list_without_blocking_item_1(window: MainWindow, qapp):
    now = time.time()
    window.work.tabs.setCurrentWidget(window.work.waiting)
    qapp.processEvents()
    spent = []
    for first in range(4):
        points = tuple(Point(now - 300 + step * 0.075, (step + first) % 7 * 1.5 > 4) for step in range(4_000))
        shown = syncing(points=points, waiting=rows(200 - first))
        window.work.chart._drawn_until = float("-inf")  # each of them is drawn, however soon it comes
        begun = time.thread_time()
        window.show_snapshot(shown)
        qapp.processEvents()
        spent.append(time.thread_time() - begun)
        assert window.work.chart.points() is points
    assert max(spent) < 0.1, f"{spent} seconds of the window's thread"


def here(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def test_tray_icon_shows_the_state_and_brings_the_window_to_the_front_item_2(window: MainWindow):
    tray = Tray(window)
    assert tray.icon.isVisible(), "it wants to be seen as soon as there is a tray, which may start after the program"
    for shown, said in ((online(), "Online, 1 waiting"), (syncing(), "Syncing, 61\u202f234 waiting"),
                        (disconnected(buffer=None), "Disconnected")):  # fmt: skip
        tray.show_snapshot(shown)
        assert tray.icon.toolTip().startswith("PrecisionPulse DESKTOP-001: ")
        assert tray.icon.toolTip().endswith(said)
        image = tray.icon.icon().pixmap(32, 32).toImage()
        colours = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
        assert QColor(present().of(shown.lamp)).rgb() in colours, "the lamp"
    window.showMinimized()
    tray.icon.activated.emit(tray.icon.ActivationReason.Trigger)
    assert not window.isMinimized()
    for state in (Qt.WindowState.WindowMaximized, Qt.WindowState.WindowFullScreen):
        window.setWindowState(state | Qt.WindowState.WindowMinimized)
        tray.icon.activated.emit(tray.icon.ActivationReason.Trigger)
        assert window.windowState() & ~Qt.WindowState.WindowActive == state, "what it was before, and to be seen"
        assert window.isVisible()
    left: list[bool] = []
    window.left.connect(lambda: left.append(True))
    next(one for one in tray.icon.contextMenu().actions() if one.text() == "Exit").trigger()
    assert left == [True]

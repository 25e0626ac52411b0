"""The times that the main window shows: each is that of what it stands beside, and none is without its day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

from pulse_acl.payloads import format_time
from pulse_desktop.ui import words
from pulse_desktop.ui.snapshot import LogLine
from pulse_desktop.ui.widgets import workspace
from pulse_desktop.ui.windows.main import MainWindow
from support.window_fakes import FakeBridge, disconnected, online, rows


def with_day(at: datetime) -> str:
    return f"{at.day} {words.MONTHS[at.month - 1]} {at:%H:%M:%S}"


def test_value_has_the_time_of_its_own_metric_and_not_of_another_ones_reading_item_2(window: MainWindow):
    now = datetime.now(UTC).replace(microsecond=0)
    stopped, goes_on = (now - timedelta(days=2)).astimezone(), now.astimezone()
    at = {"boiler": format_time(stopped), "press": format_time(goes_on)}
    window.show_snapshot(online(latest={"boiler": 71.5, "press": 2.0}, recorded_at=at))
    assert window.value.chosen == "boiler"
    day = with_day(stopped)
    assert window.value.under.text() == f"measured {day}  \u00b7  decimal"
    rows_shown = {row.key: row for row in window.work.metrics.model.rows()}
    assert rows_shown["boiler"].cells[3] == day
    assert f"measured {stopped:%Y-%m-%d %H:%M:%S}" in rows_shown["boiler"].tip
    assert rows_shown["press"].cells[3] == f"{goes_on:%H:%M:%S}"


def test_times_of_another_day_have_their_day_and_room_for_it_whatever_the_letters_item_2(
    qapp: QApplication, bridge: FakeBridge, kept: QSettings, qtbot
):
    before = qapp.font()
    wide = qapp.font()
    wide.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 130)
    qapp.setFont(wide)
    try:
        window = MainWindow("DESKTOP-001", bridge, kept, lambda: None)
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        past = (datetime.now(UTC) - timedelta(days=10)).astimezone()
        at = format_time(past)
        shown = online(waiting=rows(3, "sent", at), log=(LogLine(at, "info", "desktop.connection_lost", ""),),
                       recorded_at=dict.fromkeys(online().latest, at))  # fmt: skip
        for table, column in ((window.work.waiting, 3), (window.work.metrics, 3), (window.work.log, 0)):
            window.work.tabs.setCurrentWidget(table)
            window.show_snapshot(shown)
            assert table.model.rows()[0].cells[column] == with_day(past)
            assert table.view.columnWidth(column) >= table.view.sizeHintForColumn(column) > 0
        assert f"measured {past:%Y-%m-%d %H:%M:%S}" in window.work.waiting.model.rows()[0].tip
        assert window.work.waiting.view.columnWidth(2) >= window.work.waiting.view.sizeHintForColumn(2)
    finally:
        qapp.setFont(before)


@pytest.mark.parametrize(("width", "is_left_out"), [(1024, True), (1500, False), (800, False)])
def test_table_leaves_out_what_tooltips_say_where_name_and_value_have_no_room_item_1(
    window: MainWindow, width: int, is_left_out: bool
):
    past = format_time((datetime.now(UTC) - timedelta(days=2)).astimezone())
    shown = online(waiting=rows(3, "sent", past), recorded_at=dict.fromkeys(online().latest, past))
    window.resize(width, 600)
    for table, wide, spare, said in (
        (window.work.metrics, 0, 2, "integer"),
        (window.work.waiting, 1, 0, "number 2 of stream"),
    ):
        window.work.tabs.setCurrentWidget(table)
        window.show_snapshot(shown)
        QApplication.processEvents()
        assert table.view.isColumnHidden(spare) is is_left_out
        assert table.view.columnWidth(wide) >= 56
        assert not table.view.horizontalScrollBar().isVisible()
        assert said in table.model.rows()[1].tip


def test_rows_that_wait_over_midnight_get_their_day_item_2(window: MainWindow, monkeypatch: pytest.MonkeyPatch):
    window.work.tabs.setCurrentWidget(window.work.log)
    shown = disconnected(waiting=rows(3))
    window.show_snapshot(shown)
    at = datetime.fromisoformat(shown.waiting[0].recorded_at).astimezone()

    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + timedelta(days=1)

    monkeypatch.setattr(workspace, "datetime", Tomorrow)
    window.show_snapshot(shown)
    day = with_day(at)
    assert window.work.waiting.model.rows()[0].cells[3] == day
    assert window.work.log.model.rows()[0].cells[0].startswith(f"{at.day} ")


def test_time_half_a_year_away_has_its_year_instead_of_the_time_item_2():
    def told(year: int, month: int) -> str:
        return words.clock_time(format_time(datetime(year, month, 30, 12).astimezone()), now)

    now = datetime(2026, 1, 1, 12).astimezone()
    assert told(2025, 12) == "30 Dec 12:00:00"
    assert (told(2025, 5), told(2027, 5)) == ("30 May 2025", "30 May 2027")


def test_last_sync_is_shown_with_its_day_and_never_when_there_was_none_item_2(window: MainWindow):
    past = (datetime.now(UTC) - timedelta(days=3)).astimezone()
    window.show_snapshot(online(last_sync_at=format_time(past)))
    assert window.state.last_sync.text() == f"Last sync  {with_day(past)}"
    assert f"{past:%Y-%m-%d %H:%M:%S}" in window.state.toolTip()
    window.show_snapshot(online(last_sync_at=None))
    assert window.state.last_sync.text() == "Last sync  never"

"""The chart of the window with values at the ends of what a metric can be: drawn at once, with all of them in view."""

from __future__ import annotations

import math
import time
from datetime import datetime

import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget

from pulse_desktop.core.recent import Point
from pulse_desktop.ui.widgets.chart import ROW_PX, TICK_PX, Chart, TimeAxis, ValueAxis

LARGEST = 2**63 - 1


@pytest.mark.parametrize(
    "values",
    [
        [LARGEST, LARGEST - 2048],
        [2**53, 2**53 + 2],
        [-1.7e308, 1.7e308],
        [0.0, 5e-324],
        [LARGEST] * 2,
        [5.0, 5.0],
        [True, False],
    ],
)
def test_chart_shows_values_at_the_ends_of_their_range_item_2(qtbot, qapp: QApplication, values: list[float]):
    chart = Chart()
    qtbot.addWidget(chart)
    chart.resize(700, 300)
    chart.show()
    now = time.time()
    chart.show_points("m", tuple(Point(now - 100 + number, values[number % 2]) for number in range(100)), now)
    began = time.thread_time()
    qapp.processEvents()
    assert chart.grab().width() == 700
    assert time.thread_time() - began < 1, "it is drawn, and not for ever"
    low, high = chart.height_shown()
    assert -math.inf < low < high < math.inf
    assert low <= max(min(values), -1e307)
    assert high >= min(max(values), 1e307)


class Paintings(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        self.count += event.type() is QEvent.Type.Paint
        return False


def test_chart_at_rest_is_painted_once_in_a_hundredth_of_its_span_item_2(qtbot, qapp: QApplication):
    chart = Chart()
    qtbot.addWidget(chart)
    chart.resize(700, 300)
    chart.show()
    begun = time.time()
    points = tuple(Point(begun - 100 + number, number % 7) for number in range(100))
    chart.show_points("m", points, begun)
    qtbot.waitExposed(chart)
    qapp.processEvents()
    painted = Paintings(chart.findChild(pg.PlotWidget).viewport())
    for second in range(1, 15):
        if second == 5:  # the axes have taken their room by then
            painted.count = 0
        points = (*points[1:], Point(begun + second, second % 7))
        chart.show_points("m", points, begun + second)
        qapp.processEvents()
    assert painted.count == 3


@pytest.mark.parametrize(("span_s", "step_s"), [(300.0, 60), (3600.0, 600), (86_400.0, 4 * 3600)])
def test_chart_times_stand_at_full_minutes_and_hours_with_room_between_item_2(qtbot, span_s: float, step_s: int):
    axis = TimeAxis("bottom")
    most = datetime(2026, 2, 7, 10, 7, 13).astimezone().timestamp()
    ((step, ticks),) = axis.tickValues(most - span_s, most, 650.0)
    assert step == step_s
    assert 650 / 2 / TICK_PX < len(ticks) <= 650 / TICK_PX + 1
    assert all(most - span_s <= tick <= most for tick in ticks)
    midnight = datetime(2026, 2, 7).astimezone().timestamp()
    assert all((tick - midnight) % step_s == 0 for tick in ticks)
    assert all(len(text) == len("10:00") for text in axis.tickStrings(ticks, 1.0, step))


@pytest.mark.parametrize("height", [40.0, 60.0, 120.0, 800.0])
@pytest.mark.parametrize(("least", "most"), [(66.1, 77.3), (-1.0, 1.0), (0.0, 9e18), (5.0, 5.002)])
def test_chart_values_never_lie_over_one_another_item_1(qtbot, height: float, least: float, most: float):
    levels = ValueAxis("left").tickSpacing(least, most, height)
    steps = [step for step, _ in levels]
    assert steps[0] * height / (most - least) >= ROW_PX
    assert (most - least) / steps[0] >= 1, "one at least is seen"

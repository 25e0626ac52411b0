"""The chart of the window with values at the ends of what a metric can be: drawn at once, with all of them in view."""

from __future__ import annotations

import math
import time

import pytest
from PySide6.QtWidgets import QApplication

from pulse_desktop.core.recent import Point
from pulse_desktop.ui.widgets.chart import Chart

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

"""
The chart of recent values, drawn by pyqtgraph in the theme's colours; it needs no network.

Gaps longer than a few intervals are drawn as gaps: a line across them would show values that nobody measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.lib.stride_tricks import sliding_window_view
from PySide6.QtCore import Signal
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from ...core.recent import Point
from ..theme.style import present, role

SPANS = {"5 min": 300.0, "1 h": 3600.0, "24 h": 86_400.0}
DEFAULT_SPAN_S = 300.0
GAP_STEPS = 6.0
LARGEST = 1e307  # as far as pyqtgraph goes, which calculates with distances; a curve beyond leaves the picture
AROUND = 5  # steps on either side that say what is usual, for the interval may change
TICK_PX = 96.0  # that a time takes with the room beside it
ROW_PX = 16.0  # that a value beside the curve takes
TICK_STEPS_S = (1, 5, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200)
STEPS = 100  # of the span: what is newer is hardly seen in the chart, and the figures beside it show it
DRAW_WITHIN_S = 10.0


class Axis(pg.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types that can be used
    """An axis that is drawn at once; pyqtgraph records it first, and plays that once, which costs twice as much."""

    def paint(self, painter: QPainter, _option: Any, _widget: Any) -> None:
        """Draw line, ticks and texts."""
        specs = self.generateDrawSpecs(painter)
        if specs is not None:
            painter.save()
            self.drawPicture(painter, *specs)
            painter.restore()


class ValueAxis(Axis):
    """Values beside the chart; never so many that one lies over the next, as pyqtgraph has it where a chart is low."""

    def tickSpacing(self, least: float, most: float, size: float) -> list[tuple[float, float]]:  # noqa: N802
        """Return the steps of the levels of ticks, each with its offset; *size* in pixels."""
        levels: list[tuple[float, float]] = super().tickSpacing(least, most, size)
        if not levels or levels[0][0] * size >= ROW_PX * (most - least):
            return levels
        fewer = (times * levels[0][0] for times in (2, 5, 10))
        return [(next((step for step in fewer if step * size >= ROW_PX * (most - least)), most - least), 0.0)]


class TimeAxis(Axis):
    """Local clock times under the chart, at full seconds, minutes and hours; as many as there is room for."""

    def tickValues(self, least: float, most: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802
        """Return the step in seconds and the ticks; *least* and *most* in seconds since 1970, *size* in pixels."""
        at_most = max(1.0, size / TICK_PX)
        step = next((one for one in TICK_STEPS_S if (most - least) / one <= at_most), TICK_STEPS_S[-1])
        offset = datetime.fromtimestamp(most).astimezone().utcoffset()
        shift = offset.total_seconds() if offset is not None else 0.0
        first = math.ceil((least + shift) / step) * step - shift
        return [(step, [first + step * number for number in range(int((most - first) // step) + 1)])]

    def tickStrings(self, values: Sequence[float], _scale: float, spacing: float) -> list[str]:  # noqa: N802
        """Return the text of each tick, with seconds where ticks are close."""
        form = "%H:%M:%S" if spacing < 60 else "%H:%M"
        return [datetime.fromtimestamp(value).astimezone().strftime(form) for value in values]


class Chart(QWidget):
    """A curve, the name of what it shows, and the span; ``span_changed`` brings seconds."""

    span_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plot = pg.PlotWidget(axisItems={"bottom": TimeAxis("bottom"), "left": ValueAxis("left")})
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setMouseEnabled(x=False, y=False)
        self._curve = self._plot.plot([], [], connect="finite", antialias=True)
        self._curve.setDownsampling(auto=True, method="peak")
        self._curve.setClipToView(True)
        self._drawn: tuple[Point, ...] | None = None
        self._asked: tuple[str, float, bool, bool] | None = None
        self._drawn_until = float("-inf")
        self._height = (0.0, 1.0)
        self.title = role(QLabel("Recent values"), "caption")
        self._empty = role(QLabel("No readings in this span."), "muted")
        self._buttons = QButtonGroup(self)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self._empty)
        for name, span_s in SPANS.items():
            head.addWidget(self._span_button(name, span_s))
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 10, 10, 6)
        box.setSpacing(4)
        box.addLayout(head)
        box.addWidget(self._plot, 1)
        self.setMinimumHeight(120)
        self.retheme()

    @property
    def span_s(self) -> float:
        """The span that is chosen, in seconds."""
        checked = self._buttons.checkedButton()
        return SPANS[checked.text()] if checked is not None else DEFAULT_SPAN_S

    def points(self) -> tuple[Point, ...]:
        """Return what is drawn."""
        return self._drawn or ()

    def height_shown(self) -> tuple[float, float]:
        """Return the values at the lower and the upper end."""
        low, high = self._plot.viewRange()[1]
        return low, high

    def show_points(self, metric: str, points: tuple[Point, ...], until: float) -> None:
        """Draw *points* of *metric* now and then; the right end of the chart is *until*, seconds since 1970."""
        asked = (metric, self.span_s, bool(points), self.isVisible())
        if asked == self._asked and 0 <= until - self._drawn_until < min(DRAW_WITHIN_S, self.span_s / STEPS):
            return
        self._asked, self._drawn_until = asked, until
        self.title.setText(metric or "Recent values")
        if points is not self._drawn:
            self._drawn = points
            at, values = _with_gaps(points)
            self._curve.setData(at, values)
            self._height = _height(values)
            self._empty.setVisible(not points)
        if self.isVisible():
            # Both at once and by ourselves: with its own look for the height pyqtgraph paints everything twice.
            self._plot.setRange(xRange=(until - self.span_s, until), yRange=self._height, padding=0)
            self._plot.scene().prepareForPaint()  # before the painting, which it would otherwise ask for twice

    def retheme(self) -> None:
        """Take the colours of the theme that is on."""
        colours = present()
        self._plot.setBackground(QColor(colours.surface))
        # One pixel: Qt draws any wider line a hundred times as slowly, which would block the window.
        self._curve.setPen(pg.mkPen(colours.accent, width=1))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(colours.line))
            axis.setTextPen(pg.mkPen(colours.faint))
            axis.setStyle(tickLength=-4, autoExpandTextSpace=True, maxTickLevel=1)
        self._plot.showGrid(x=True, y=True, alpha=0.6)

    def _span_button(self, name: str, span_s: float) -> QPushButton:
        button = role(QPushButton(name), "segment")
        button.setCheckable(True)
        button.setChecked(not self._buttons.buttons())
        button.clicked.connect(lambda: self.span_changed.emit(span_s))
        self._buttons.addButton(button)
        return button


def _height(values: np.ndarray) -> tuple[float, float]:
    """Return the lower and the upper end of a chart of *values*: a little more than they are apart."""
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = float(known.min()), float(known.max())
    # Half of each, since the distance of two finite numbers may be none. What is flat gets room to be seen as flat.
    around = max(0.1 * (high / 2 - low / 2), 1e-6 * abs(high), 1e-6) if high > low else max(abs(high) / 10, 0.5)
    return max(low - around, -LARGEST), min(high + around, LARGEST)


def _with_gaps(points: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
    """Return times and values, with a value that is none where the distance is far more than those around it."""
    at = np.array([point.at for point in points], dtype=float)
    values = np.array([float(point.value) for point in points], dtype=float)
    if len(at) < 3:
        return at, values
    steps = np.diff(at)
    if steps.max() <= GAP_STEPS * max(steps.min(), 1e-3):  # as regular as most are: what is usual need not be found
        return at, values
    # Times stay numbers: pyqtgraph looks for the visible ones by halving, which a NaN leads astray.
    holes = np.flatnonzero(steps > GAP_STEPS * np.maximum(_usual(steps), 1e-3)) + 1
    return np.insert(at, holes, at[holes]), np.insert(values, holes, np.nan)


def _usual(steps: np.ndarray) -> np.ndarray:
    """Return what is usual around each of *steps*, at least two: the greater one of the medians before and after it."""
    few = min(AROUND, len(steps) - 1)
    medians = np.median(sliding_window_view(np.pad(steps, few, mode="reflect"), few), axis=1)
    usual: np.ndarray = np.maximum(medians[: len(steps)], medians[few + 1 :])
    return usual

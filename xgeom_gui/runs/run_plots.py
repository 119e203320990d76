"""Center and tilt against the frame number, with error bars; a click on a point goes to its frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from xgeom_core.estimate import Estimate
from xgeom_gui.image.axis_colors import AxisColors
from xgeom_gui.look.theme import ACCENT, HINT, SOFT_INK, STATUS_COLORS, THEME
from xgeom_gui.state.batch import BatchRow

_TURN_MS = 5


@dataclass(frozen=True)
class Quantity:
    """Something plotted: its axis label, its name, and its value with sigma from an estimate."""

    label: str
    name: str
    of: Callable[[Estimate], tuple[float, float] | None]


def _center(which: int) -> Callable[[Estimate], tuple[float, float] | None]:
    def value(one: Estimate) -> tuple[float, float]:
        spread = one.center_sigma_px
        return one.center_px[which], spread[which] if spread else math.nan

    return value


def _tilt(which: int) -> Callable[[Estimate], tuple[float, float] | None]:
    def value(one: Estimate) -> tuple[float, float] | None:
        spread = one.tilt_sigma_deg
        return (one.tilt_deg[which], spread[which] if spread else math.nan) if one.tilt_deg else None

    return value


QUANTITIES = (
    Quantity("x, px", "Center along the fast axis over the frame, px", _center(0)),
    Quantity("pitch, °", "Pitch over the frame, degrees", _tilt(0)),
    Quantity("y, px", "Center along the slow axis over the frame, px", _center(1)),
    Quantity("yaw, °", "Yaw over the frame, degrees", _tilt(1)),
)


class FrameAxis(pg.AxisItem):
    """An axis over frame numbers: there is nothing between two frames."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802 (pyqtgraph's name)
        """Whole numbers only."""
        ticks = super().tickValues(minVal, maxVal, size)
        return [(spacing, [at for at in values if at == round(at)]) for spacing, values in ticks]


class RunPlots(QWidget):
    """Four plots side by side over one another.

    Signals
    -------
    chosen : int
        The frame whose point was clicked.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Center and tilt over the frames")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(220)
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._rows: tuple[BatchRow, ...] = ()
        self._mean: Estimate | None = None
        self._span = range(0)
        self._left: list[int] = []
        self._turn = QTimer(self, singleShot=True, interval=_TURN_MS)
        self._turn.timeout.connect(self._draw_next)
        self._plots: list[pg.PlotWidget] = []
        self._points: list[pg.ScatterPlotItem] = []
        self._bars: list[pg.ErrorBarItem] = []
        self._here: list[pg.InfiniteLine] = []
        self._shared: list[pg.InfiniteLine] = []
        self._index = 0
        THEME.changed.connect(self._recolor)

    @property
    def plots(self) -> list[pg.PlotWidget]:
        """Center x and y, pitch and yaw; made when they are first needed."""
        while len(self._plots) < len(QUANTITIES):
            self._make_next()
        return self._plots

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Whoever looks sees plots, of what there is."""
        super().showEvent(event)
        self._draw_soon()

    def _make_next(self) -> None:
        i = len(self._plots)
        self._layout.addWidget(self._add_plot(QUANTITIES[i]), i // 2, i % 2)
        self._paint()
        self.show_frame(self._index)
        self._show_span()

    def _add_plot(self, quantity: Quantity) -> pg.PlotWidget:
        plot = pg.PlotWidget(background=None, enableMenu=False, axisItems={"bottom": FrameAxis("bottom")})
        plot.setAccessibleName(quantity.name)
        plot.setToolTip(f"{quantity.name}. Click a point to go to its frame.")
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.12)
        plot.getAxis("left").setWidth(72)
        plot.getAxis("left").enableAutoSIPrefix(False)
        AxisColors(plot, {"left": quantity.label})
        bars = pg.ErrorBarItem(beam=0)
        points = pg.ScatterPlotItem(size=8, pen=None, hoverable=True, hoverSize=11)
        points.sigClicked.connect(self._on_click)
        here = pg.InfiniteLine(angle=90)
        shared = pg.InfiniteLine(angle=0)
        shared.hide()
        for item in (shared, here, bars, points):
            plot.addItem(item, ignoreBounds=item in (here, shared))
        plot.enableAutoRange(x=False)
        plot.hide()
        if self._plots:
            plot.setXLink(self._plots[0])
        for kept, item in (
            (self._plots, plot),
            (self._bars, bars),
            (self._points, points),
            (self._here, here),
            (self._shared, shared),
        ):
            kept.append(item)
        return plot

    def _recolor(self) -> None:
        self._paint()
        self.show_rows(self._rows, self._mean)

    def _paint(self) -> None:
        for bars, here, shared in zip(self._bars, self._here, self._shared, strict=True):
            bars.setOpts(pen=pg.mkPen(HINT, width=1))
            here.setPen(pg.mkPen(ACCENT, width=1.2))
            shared.setPen(pg.mkPen(SOFT_INK, width=1, style=Qt.PenStyle.DashLine))

    def show_rows(self, rows: Sequence[BatchRow], shared: Estimate | None = None) -> None:
        """Draw what a run has found so far; dashed, the geometry that its frames share."""
        self._rows, self._mean = tuple(rows), shared
        self._draw_soon()

    def _draw_soon(self) -> None:
        if self._rows or self._plots:
            self._left = list(range(len(QUANTITIES)))
            self._turn.start()

    def show_span(self, frames: range) -> None:
        """Make room for all frames of a run from its start.

        Axes that stay as they are need not be drawn again with every frame that is done.
        """
        if frames and frames != self._span:
            self._span = frames
            self._show_span()

    def _show_span(self) -> None:
        if self._plots and self._span:
            self._plots[0].setXRange(self._span[0] - 0.5, self._span[-1] + 0.5, padding=0.02)

    @property
    def settled(self) -> bool:
        """Whether everything is drawn."""
        return not self._left

    def _draw_next(self) -> None:
        # One plot made or drawn a turn of the event loop: four at once would hold the window up.
        if self._left and self._left[0] >= len(self._plots):
            self._make_next()
        elif self._left:
            self._draw(self._left.pop(0))
        if self._left:
            self._turn.start()

    def _draw(self, i: int) -> None:
        rows, shared, quantity = self._rows, self._mean, QUANTITIES[i]
        found = [(row, value) for row in rows if row.best and (value := quantity.of(row.best))]
        at = np.array([row.index for row, _ in found], dtype=float)
        values = np.array([value[0] for _, value in found], dtype=float)
        sigma = np.nan_to_num([value[1] for _, value in found])
        self._bars[i].setData(x=at, y=values, height=2.0 * np.asarray(sigma))
        brushes = [pg.mkBrush(STATUS_COLORS[row.status]) for row, _ in found]
        self._points[i].setData(at, values, data=[row.index for row, _ in found], brush=brushes)
        # An axis without a point says nothing: a model may predict no tilt.
        self.plots[i].setVisible(bool(found))
        mean = quantity.of(shared) if shared is not None else None
        self._shared[i].setVisible(mean is not None)
        if mean is not None:
            self._shared[i].setValue(mean[0])

    def show_frame(self, index: int) -> None:
        """Mark the frame on the screen."""
        self._index = index
        for line in self._here:
            line.setValue(index)

    def _on_click(self, _item: Any, points: Any, _event: Any) -> None:
        if len(points):
            self.chosen.emit(int(points[0].data()))

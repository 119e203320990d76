"""A plot over the step of a run: round numbers on logarithmic axes, curves kept and updated."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QSizePolicy

from xgeom_gui.image.axis_colors import AxisColors
from xgeom_gui.look.theme import UNCERTAIN
from xgeom_gui.services.series import FloatArray

# Digits that get a tick in each decade, by how many decades are in sight.
_DIGITS = ((0.8, (1, 2, 3, 4, 5, 6, 7, 8, 9)), (2.0, (1, 2, 5)), (math.inf, (1,)))
# More points than pixels only cost time.
_MOST_DRAWN = 700
_MOST_MARKED = 120
_LEAST_TICKS, _PARTS = 3, 4


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve to draw.

    Parameters
    ----------
    key : hashable
        What it is; the item on the screen is kept for it.
    points : ndarray, shape (2, N)
    color : QColor
    width : float
        Of the line, px.
    symbol : str
        Marks the points, as the few of a validation are; "" leaves them unmarked.
    level : float or None
        A dashed line at the constant predictor's error.
    """

    key: Hashable
    points: FloatArray
    color: QColor
    width: float = 1.6
    symbol: str = ""
    level: float | None = None


class CurvePlot(pg.PlotWidget):
    """Draws curves over the step; either axis may be logarithmic.

    Parameters
    ----------
    label : str
        Of the axis on the left.
    name : str
        What is plotted, in words, with its unit.
    """

    def __init__(self, label: str, name: str) -> None:
        axes = {side: _DecadeAxis(side) for side in ("left", "bottom")}
        super().__init__(background=None, enableMenu=False, axisItems=axes)
        self.setAccessibleName(name)
        self.setToolTip(f"{name}\nDrag moves, the wheel zooms, double click shows all")
        # Plots ask for far more height than a panel has; they take what is left instead.
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(92)
        self.hideButtons()
        self.showGrid(x=True, y=True, alpha=0.12)
        self.getAxis("left").setWidth(54)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        AxisColors(self, {"left": label})
        self._curves: dict[Hashable, pg.PlotDataItem] = {}
        self._levels: dict[Hashable, pg.InfiniteLine] = {}
        self._log = (False, False)
        self._partners: tuple[CurvePlot, ...] = ()
        self._parting = pg.InfiniteLine(angle=90)
        self._parting.hide()
        self.addItem(self._parting, ignoreBounds=True)

    @property
    def levels(self) -> list[float]:
        """Where the constant predictor's lines are, in units of the axis."""
        return [10.0 ** line.value() if self._log[1] else line.value() for line in self._levels.values()]

    def share_steps(self, partners: Sequence[CurvePlot]) -> None:
        """Zoom and move together with other plots along the step; each keeps its own width."""
        self._partners = tuple(plot for plot in partners if plot is not self)
        self.getViewBox().sigRangeChangedManually.connect(self._lead)

    def _lead(self) -> None:
        low, high = self.getViewBox().viewRange()[0]
        for plot in self._partners:
            plot.setXRange(low, high, padding=0)

    def set_log(self, x: bool, y: bool) -> None:
        """Make the axes logarithmic or not."""
        if (x, y) != self._log:
            self._log = (x, y)
            self.setLogMode(x=x, y=y)
            self.enableAutoRange()

    def show_curves(self, curves: Sequence[Curve]) -> None:
        """Draw these and no others."""
        wanted = {curve.key for curve in curves}
        for key in [key for key in self._curves if key not in wanted]:
            self.removeItem(self._curves.pop(key))
        for key in [key for key in self._levels if key not in wanted]:
            self.removeItem(self._levels.pop(key))
        for curve in curves:
            self._show(curve)

    def show_parting(self, step: float | None) -> None:
        """Mark where the curves part."""
        self._parting.setVisible(step is not None)
        if step is not None:
            self._parting.setPen(pg.mkPen(UNCERTAIN, width=1.4, style=Qt.PenStyle.DashLine))
            self._parting.setValue(math.log10(max(step, 1.0)) if self._log[0] else step)

    def mouseDoubleClickEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Show everything."""
        super().mouseDoubleClickEvent(event)
        for plot in (self, *self._partners):
            plot.enableAutoRange()

    def _show(self, curve: Curve) -> None:
        item = self._curves.get(curve.key)
        if item is None:
            item = self._curves[curve.key] = self.plot([], [])
        x, y = _thinned(curve.points)
        item.setPen(pg.mkPen(curve.color, width=curve.width))
        marked = bool(curve.symbol) and len(x) <= _MOST_MARKED
        item.setSymbol(curve.symbol if marked else None)
        if marked:
            item.setSymbolSize(5)
            item.setSymbolBrush(pg.mkBrush(curve.color))
            item.setSymbolPen(None)
        drawn_log = self._log[1]
        # A logarithm of what is not positive would leave holes with warnings.
        item.setData(x, np.where(y > 0, y, np.nan) if drawn_log else y, connect="finite")
        self._show_level(curve)

    def _show_level(self, curve: Curve) -> None:
        line = self._levels.get(curve.key)
        if curve.level is None or not math.isfinite(curve.level) or (self._log[1] and curve.level <= 0):
            if line is not None:
                self.removeItem(self._levels.pop(curve.key))
            return
        if line is None:
            line = self._levels[curve.key] = pg.InfiniteLine(angle=0)
            self.addItem(line)
        line.setPen(pg.mkPen(curve.color, width=1.3, style=Qt.PenStyle.DashLine))
        line.setValue(math.log10(curve.level) if self._log[1] else curve.level)


def _thinned(points: FloatArray) -> FloatArray:
    """No more points than can be seen, each the mean of its neighbors; the newest stays as it is."""
    count = points.shape[1]
    if count <= _MOST_DRAWN:
        return points
    share = -(-count // _MOST_DRAWN)
    whole = (count - 1) // share * share
    means = points[:, :whole].reshape(2, -1, share).mean(axis=2)
    return np.concatenate([means, points[:, whole:]], axis=1)


def _round_places(low: float, high: float) -> list[float]:
    """Logarithms of round numbers, evenly spaced: within a small part of a decade it is nearly straight."""
    first, last = 10.0**low, 10.0**high
    step = 10.0 ** math.floor(math.log10((last - first) / _PARTS))
    step = next(step * digit for digit in (1, 2, 5, 10) if (last - first) / (step * digit) <= _PARTS)
    numbers = range(math.ceil(first / step), math.floor(last / step) + 1)
    return [math.log10(number * step) for number in numbers if number > 0]


class _DecadeAxis(pg.AxisItem):
    """Plain numbers; where logarithmic, round ones, fewer of them the more decades are in sight."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802 (pyqtgraph's name)
        """Places of the ticks; as logarithms on a logarithmic axis."""
        if not self.logMode:
            return list(super().tickValues(minVal, maxVal, size))
        span = maxVal - minVal
        digits = next(choice for limit, choice in _DIGITS if span < limit)
        decades = range(math.floor(minVal), math.ceil(maxVal) + 1)
        places = [decade + math.log10(digit) for decade in decades for digit in digits]
        seen = [place for place in places if minVal <= place <= maxVal]
        return [(1.0, seen if len(seen) >= _LEAST_TICKS else _round_places(minVal, maxVal))]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802 (pyqtgraph's name)
        """Plain numbers, thousands as k."""
        if not self.logMode:
            if self.orientation == "bottom" and max(map(abs, values), default=0.0) >= 10_000:
                return [f"{value / 1000:g}k" if value else "0" for value in values]
            return list(super().tickStrings(values, scale, spacing))
        if self.orientation == "bottom":
            return [f"{10.0 ** (value - 3):g}k" if value >= 4 else f"{10.0**value:g}" for value in values]
        return [f"{10.0**value:g}" for value in values]

"""The axes of a plot in the colors of the theme."""

from __future__ import annotations

from collections.abc import Mapping

import pyqtgraph as pg
from PySide6.QtCore import QObject

from xgeom_gui.look.theme import GROUND, LINE, SOFT_INK, THEME

_SIDES = ("left", "bottom")


class AxisColors(QObject):
    """Keeps lines, numbers and labels of the axes in soft colors, also when the theme changes.

    Parameters
    ----------
    plot : pyqtgraph.PlotWidget
        Owns it.
    labels : mapping of str to str
        Text of an axis by its side.
    """

    def __init__(self, plot: pg.PlotWidget, labels: Mapping[str, str]) -> None:
        super().__init__(plot)
        self._plot, self._labels = plot, dict(labels)
        THEME.changed.connect(self._apply)
        self._apply()

    def _apply(self) -> None:
        # A background of its own: an empty one is kept in a cache and would stay light.
        self._plot.setBackground(GROUND.color)
        for side in _SIDES:
            axis = self._plot.getAxis(side)
            axis.setPen(pg.mkPen(LINE))
            axis.setTextPen(pg.mkPen(SOFT_INK))
            if side in self._labels:
                self._plot.setLabel(side, self._labels[side], color=str(SOFT_INK), size="9pt")

"""Rings as straight lines in a plot whose abscissa is a radius or an angle."""

from __future__ import annotations

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from xgeom_gui.image.rings_item import RING_COLORS
from xgeom_gui.state.rings import RingKind


class SpacingLines:
    """Upright lines; those that are there already are only moved."""

    def __init__(self, plot: pg.PlotWidget) -> None:
        self._plot = plot
        self._lines: list[pg.InfiniteLine] = []

    def show(self, wanted: Sequence[tuple[RingKind, float]], dark: bool) -> None:
        """Draw a line of the color of its kind at each of these places."""
        while len(self._lines) > len(wanted):
            self._plot.removeItem(self._lines.pop())
        while len(self._lines) < len(wanted):
            self._lines.append(pg.InfiniteLine())
            self._plot.addItem(self._lines[-1], ignoreBounds=True)
        for line, (kind, place) in zip(self._lines, wanted, strict=True):
            color = QColor(RING_COLORS[kind][dark])
            if line.pen.color() != color:
                line.setPen(pg.mkPen(color, width=1, style=Qt.PenStyle.DotLine))
            line.setValue(place)

    @property
    def places(self) -> list[float]:
        """Where lines stand."""
        return [float(line.value()) for line in self._lines]

"""Plots that look like the rest of the window, in its light and its dark theme."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QSizePolicy

from xgeom_gui.state.rings import NICE_A

_AXES = ("left", "bottom")


class Plot(pg.PlotWidget):
    """A plot without frame, menu and scaling by the right button, in the colors of the palette."""

    def __init__(self, name: str, axes: dict[str, pg.AxisItem] | None = None) -> None:
        super().__init__(enableMenu=False, axisItems=axes or {})
        self.setAccessibleName(name)
        self.setToolTip(f"{name}\nDrag moves, the wheel zooms, double click shows all")
        self.hideButtons()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(110)
        self.curve = self.plot([], [], connect="finite")
        self._color = QPalette.ColorRole.Highlight
        self.repaint_colors()

    def show_curve(self, x: object, y: object) -> None:
        """Draw a curve in place of the last one."""
        self.curve.setData(x, y)

    def repaint_colors(self) -> None:
        """Take the colors of the palette."""
        palette = self.palette()
        self.setBackground(palette.color(QPalette.ColorRole.Base))
        soft = palette.color(QPalette.ColorRole.PlaceholderText)
        for name in _AXES:
            axis = self.getAxis(name)
            axis.setPen(pg.mkPen(palette.color(QPalette.ColorRole.Mid)))
            axis.setTextPen(soft)
        self.curve.setPen(pg.mkPen(palette.color(self._color), width=1.6))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's name)
        """Another theme brings other colors."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "curve"):
            self.repaint_colors()

    def mouseDoubleClickEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """Show everything."""
        super().mouseDoubleClickEvent(event)
        self.autoRange()
        self.enableAutoRange()


class SpacingAxis(pg.AxisItem):
    """An axis over 1/d whose ticks are labelled with d in Å."""

    def __init__(self) -> None:
        super().__init__("bottom")
        self.spacings = False

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802 (pyqtgraph's name)
        """Round spacings that stand well apart."""
        if not self.spacings:
            return list(super().tickValues(minVal, maxVal, size))
        least = 46.0 * (maxVal - minVal) / max(size, 1.0)
        places: list[float] = []
        for d in NICE_A:
            place = 1.0 / d
            if minVal <= place <= maxVal and (not places or place - places[-1] >= least):
                places.append(place)
        return [(1.0, places)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802 (pyqtgraph's name)
        """Spacings instead of their inverse."""
        if not self.spacings:
            return list(super().tickStrings(values, scale, spacing))
        return [f"{1.0 / value:.3g}" if value > 0 else "" for value in values]


DASHED = Qt.PenStyle.DashLine

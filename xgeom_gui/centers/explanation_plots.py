"""Plots of an explanation: what was used of the frame, profiles by sector, shifts by sector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QSizePolicy

from xgeom_gui.image.axis_colors import AxisColors
from xgeom_gui.look.marker_styles import style_of
from xgeom_gui.look.theme import AFTER, BEFORE, GROUND, INK, LINE, THEME

if TYPE_CHECKING:
    from xgeom_core.predict.report.explanation import Explanation
    from xgeom_core.predict.report.sector_profiles import SectorProfiles

# Colors over the pixels that the fit did not use, by the names in `explanation.KINDS`.
KIND_COLORS = {
    "masked": "#a47062",
    "inner part": "#5c7cba",
    "spot": "#d07a1f",
    "shadow": "#6b4ba1",
    "bright patch": "#c2a500",
}
_PERCENTILES = (1.0, 99.9)


class KindsView(pg.GraphicsView):
    """The frame in small, with the parts that did not count in color, and the marks of all sources."""

    def __init__(self) -> None:
        super().__init__(background=None)
        self.setAccessibleName("What was used of the frame")
        self.setToolTip("The frame in small; colored: parts that the fit of the background left out")
        self.setFixedHeight(272)
        self._box = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False, enableMouse=False)
        self.setCentralItem(self._box)
        self._image = pg.ImageItem()
        self._over = pg.ImageItem()
        self._marks = pg.ScatterPlotItem(size=13, pxMode=True)
        for item in (self._image, self._over, self._marks):
            self._box.addItem(item)
        THEME.changed.connect(self._recolor)
        self._recolor()

    def _recolor(self) -> None:
        self.setBackground(GROUND.color)

    def show_explanation(self, explanation: Explanation) -> None:
        """Draw another one."""
        from xgeom_core.predict.report.explanation import KINDS  # noqa: PLC0415 - scipy is slow to import

        image = np.sqrt(np.maximum(np.nan_to_num(explanation.image), 0.0))
        seen = image[np.isfinite(explanation.image) & (explanation.kinds == 0)]
        low, high = np.percentile(seen, _PERCENTILES) if seen.size else (0.0, 1.0)
        table = np.linspace(255, 0, 256).astype(np.uint8)[:, None].repeat(3, axis=1)
        rows, columns = explanation.image.shape
        place = QRectF(0, 0, columns, rows)
        self._image.setImage(image, levels=(low, max(high, low + 1e-6)), lut=table)
        over = np.zeros((*explanation.kinds.shape, 4), dtype=np.ubyte)
        for number, name in enumerate(KINDS):
            if name in KIND_COLORS:
                color = QColor(KIND_COLORS[name])
                over[explanation.kinds == number] = (color.red(), color.green(), color.blue(), 190)
        self._over.setImage(over, levels=(0, 255))
        for item in (self._image, self._over):
            item.setRect(place if item is self._image else _over_place(explanation, place))
        places = [explanation.pooling.to_pooled(mark.center_px) for mark in explanation.marks]
        pens = [pg.mkPen(style_of(_source(mark.name)).color, width=2) for mark in explanation.marks]
        self._marks.setData([x for x, _ in places], [y for _, y in places], pen=pens, brush=None, symbol="+")
        self._box.setRange(place, padding=0.01)


def _over_place(explanation: Explanation, place: QRectF) -> QRectF:
    # Both pictures cover the whole frame, even where one of them is finer.
    rows, columns = explanation.kinds.shape
    same = explanation.kinds.shape == explanation.image.shape
    return place if same else QRectF(0, 0, columns, rows)


def _source(name: str) -> str:
    return "fit" if name == "answer" else name


class ProfilesPlot(pg.PlotWidget):
    """Radial profiles of sectors: where they lie on top of each other, the center is right."""

    def __init__(self) -> None:
        super().__init__(background=None, enableMenu=False)
        plain_plot(self, "radius, px", "counts a pixel")
        self.setAccessibleName("Radial profiles by sector")
        self.setToolTip(
            "Counts against the radius in native px for nine sectors of azimuth, leveled to the mean, "
            "which is bold. "
            "About the true center their features lie on top of each other."
        )

    def show_profiles(self, profiles: SectorProfiles | None) -> None:
        """Draw the profiles about one center; nothing where there are none."""
        self.clear()
        if profiles is None:
            return
        count = len(profiles.leveled)
        for i, row in enumerate(profiles.leveled):
            color = QColor.fromHsvF(i / count, 0.55, 0.78, 0.85)
            self.plot(profiles.radius_px, row, pen=pg.mkPen(color, width=1), connect="finite")
        self.plot(profiles.radius_px, profiles.mean, pen=pg.mkPen(INK, width=1.6), connect="finite")
        values = profiles.leveled[np.isfinite(profiles.leveled)]
        if values.size:
            low, high = np.quantile(values, (0.005, 0.995))
            self.setYRange(low, high, padding=0.08)


class ShiftsPlot(pg.PlotWidget):
    """How much farther out the rings of each sector lie, about the first guess and about the answer."""

    def __init__(self) -> None:
        super().__init__(background=None, enableMenu=False)
        plain_plot(self, "azimuth, ° (right → down)", "shift, px")
        self.setAccessibleName("Shift of the rings by sector")
        self.setToolTip(
            "By how many native px the rings of a sector lie farther out than on average, with one standard "
            "deviation. Grey: about the network's center; blue: about the answer, where it should be 0."
        )
        self.getAxis("bottom").setTicks([[(angle, str(angle)) for angle in (0, 90, 180, 270, 360)]])

    def show_shifts(self, before: SectorProfiles | None, after: SectorProfiles | None) -> None:
        """Draw both."""
        self.clear()
        self.addItem(pg.InfiniteLine(0, angle=0, pen=pg.mkPen(LINE, width=1.2)))
        for profiles, color in ((before, BEFORE.color), (after, AFTER.color)):
            if profiles is None:
                continue
            known = np.isfinite(profiles.shift_px)
            x, y = profiles.azimuth_deg[known] % 360.0, profiles.shift_px[known]
            sigma = np.nan_to_num(profiles.sigma_px[known])
            self.addItem(pg.ErrorBarItem(x=x, y=y, height=2 * sigma, beam=0, pen=pg.mkPen(color, width=1.2)))
            self.addItem(pg.ScatterPlotItem(x, y, size=7, pen=None, brush=color))
        self.setXRange(0, 360, padding=0.06)


def plain_plot(plot: pg.PlotWidget, bottom: str, left: str) -> None:
    """Make a plot look like those of an explanation."""
    plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    plot.setFixedHeight(168)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.showGrid(x=True, y=True, alpha=0.10)
    plot.getAxis("left").setWidth(52)
    for side in ("left", "bottom"):
        plot.getAxis(side).enableAutoSIPrefix(False)
    AxisColors(plot, {"left": left, "bottom": bottom})
    plot.viewport().setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents, False)

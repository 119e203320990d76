"""What speaks for a lattice: observed against predicted, and how much of each resolution is indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from xgeom_gui.centers.explanation_plots import plain_plot
from xgeom_gui.look.elided import ElidedLabel
from xgeom_gui.look.theme import AFTER, LINE

if TYPE_CHECKING:
    from xgeom_core.predict.report.explanation import Explanation, SpotsShown

# The typical residual is drawn as long as this share of the frame's longer side.
_ARROW_SHARE = 0.03
_BINS, _LEAST = 10, 5


class LatticePlots(QWidget):
    """Residuals on the detector, and the indexed share of the spots by resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.words = ElidedLabel()
        self.residuals = pg.PlotWidget(background=None, enableMenu=False)
        plain_plot(self.residuals, "fast, px", "slow, px")
        self.residuals.setFixedHeight(260)
        self.residuals.getViewBox().invertY(True)
        self.residuals.getViewBox().setAspectLocked(True)
        self.residuals.setAccessibleName("Residuals of the indexed spots")
        self.residuals.setToolTip(
            "From where the lattice predicts each indexed spot towards where it was found, enlarged. About a "
            "right center and tilt they point everywhere; all one way, or a swirl, is a wrong geometry."
        )
        self.shares = pg.PlotWidget(background=None, enableMenu=False)
        plain_plot(self.shares, "1/d², 1/Å²", "indexed, %")
        self.shares.setFixedHeight(260)
        self.shares.setAccessibleName("Indexed share of the spots by resolution")
        self.shares.setToolTip(
            "How many of the spots found the lattice explains, from the beam (left) to the edge of the frame."
        )
        row = QHBoxLayout()
        row.addWidget(self.residuals, 1)
        row.addWidget(self.shares, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.words)
        layout.addLayout(row)
        self.hide()

    def show_explanation(self, explanation: Explanation) -> None:
        """Draw another answer's; nothing of an answer without a lattice."""
        spots = explanation.spots
        known = spots is not None and bool(spots.indexed.any())
        self.setVisible(known)
        if spots is not None and known:
            gain = self._show_residuals(spots, explanation.shape)
            self._show_shares(spots, explanation)
            text = f"{int(spots.indexed.sum())} of {len(spots.x)} spots indexed; residuals ×{gain:.0f}"
            if spots.reflections is not None:
                text += f"; {len(spots.reflections)} reflections predicted (E shows them on the frame)"
            self.words.setText(text)

    def _show_residuals(self, spots: SpotsShown, shape: tuple[int, int]) -> float:
        """Draw the arrows; by how much they are enlarged."""
        self.residuals.clear()
        told = spots.indexed & np.isfinite(spots.predicted).all(axis=1)
        start = spots.predicted[told]
        off = np.stack([spots.x[told], spots.y[told]], axis=1) - start
        typical = float(np.median(np.hypot(off[:, 0], off[:, 1]))) if len(off) else 1.0
        gain = _ARROW_SHARE * max(shape) / max(typical, 1e-6)
        lines = np.stack([start, start + gain * off], axis=1).reshape(-1, 2)
        self.residuals.plot(
            lines[:, 0], lines[:, 1], connect="pairs", pen=pg.mkPen(AFTER.color, width=1.1), antialias=True
        )
        self.residuals.addItem(
            pg.ScatterPlotItem(start[:, 0], start[:, 1], size=3, pen=None, brush=AFTER.color)
        )
        self.residuals.setRange(xRange=(0, shape[1]), yRange=(0, shape[0]), padding=0.02)
        return gain

    def _show_shares(self, spots: SpotsShown, explanation: Explanation) -> None:
        self.shares.clear()
        if explanation.geometry is None or explanation.geometry.wavelength_A is None:
            return
        s2 = np.asarray(explanation.geometry.resolution_A(spots.x, spots.y)) ** -2.0
        edges = np.linspace(0.0, float(s2.max()), _BINS + 1)
        total = np.histogram(s2, edges)[0]
        share = 100.0 * np.histogram(s2[spots.indexed], edges)[0] / np.maximum(total, 1)
        told = total >= _LEAST
        self.shares.addItem(
            pg.BarGraphItem(
                x0=edges[:-1][told],
                x1=edges[1:][told],
                height=share[told],
                brush=AFTER.color,
                pen=pg.mkPen(LINE),
            )
        )
        self.shares.setRange(xRange=(0, edges[-1]), yRange=(0, 100), padding=0.03)

"""What a network predicted against what is true, frame by frame of a validation set."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QWidget

from xgeom_gui.image.axis_colors import AxisColors
from xgeom_gui.look.theme import ACCENT, SOFT_INK, THEME
from xgeom_gui.services.run_reader import Predictions

QUANTITIES = (
    ("x, px", "Center along the fast axis, px of a frame 820 px wide"),
    ("y, px", "Center along the slow axis, px of a frame 820 px wide"),
    ("pitch, °", "Pitch, degrees"),
    ("yaw, °", "Yaw, degrees"),
)
_ANSWERED = {"both": range(4), "center": range(2), "tilt": range(2, 4)}
_TURN_MS = 4


class TrainingScatter(QWidget):
    """Four plots: a good network lies on the diagonal, the constant predictor on a level line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Predicted against actual")
        self._sets: dict[str, Predictions] = {}
        self._answered = _ANSWERED["both"]
        self.choice = QComboBox()
        self.choice.setAccessibleName("Validation set")
        self.choice.setToolTip("Validation set whose frames are shown")
        self.choice.currentTextChanged.connect(self._redraw)
        self.words = QLabel()
        self.words.setProperty("role", "soft")
        self.words.setWordWrap(True)
        self.plots: list[pg.PlotWidget] = []
        self._points: list[pg.ScatterPlotItem] = []
        self._diagonals: list[pg.InfiniteLine] = []
        self._means: list[pg.InfiniteLine] = []
        self._left: list[int] = []
        self._turn = QTimer(self, singleShot=True, interval=_TURN_MS)
        self._turn.timeout.connect(self._draw_next)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.choice)
        row.addWidget(self.words, 1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addLayout(row, 0, 0, 1, 2)
        for i, (label, name) in enumerate(QUANTITIES):
            grid.addWidget(self._add_plot(label, name), 1 + i // 2, i % 2)
            grid.setRowStretch(1 + i // 2, 1)
        THEME.changed.connect(self._redraw)
        self._redraw()

    @property
    def settled(self) -> bool:
        """Whether everything is drawn."""
        return not self._left

    def show_predictions(self, sets: Mapping[str, Predictions], predicts: str = "both") -> None:
        """Draw the newest predictions of a run, of what its network answers; nothing for an empty mapping."""
        self._sets, self._answered = dict(sets), _ANSWERED.get(predicts, range(4))
        names = [self.choice.itemText(i) for i in range(self.choice.count())]
        if names != list(sets):
            chosen = self.choice.currentText()
            self.choice.blockSignals(True)
            self.choice.clear()
            self.choice.addItems(list(sets))
            self.choice.setCurrentText(chosen)
            self.choice.blockSignals(False)
        self.choice.setVisible(len(sets) > 1)
        self._redraw()

    def _add_plot(self, label: str, name: str) -> pg.PlotWidget:
        plot = pg.PlotWidget(background=None, enableMenu=False)
        plot.setAccessibleName(f"{name}: predicted against actual")
        plot.setToolTip(f"{name}: predicted (up) against actual (right).\nDashed: the mean, always guessed")
        plot.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        plot.setMinimumHeight(110)
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.12)
        plot.getAxis("left").setWidth(54)
        for side in ("left", "bottom"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        AxisColors(plot, {"left": label})
        points = pg.ScatterPlotItem(size=5, pen=None)
        diagonal, mean = pg.InfiniteLine((0, 0), angle=45), pg.InfiniteLine(angle=0)
        mean.hide()
        for item in (diagonal, mean, points):
            plot.addItem(item, ignoreBounds=item is not points)
        self.plots.append(plot)
        self._points.append(points)
        self._diagonals.append(diagonal)
        self._means.append(mean)
        return plot

    def _redraw(self) -> None:
        shown = self._sets.get(self.choice.currentText())
        if shown is None:
            self.words.setText("Predicted against actual appears after the first validation.")
        else:
            self.words.setText(
                f"{len(shown.actual)} frames of {self.choice.currentText()}, predicted against actual"
            )
        self._left = list(range(len(QUANTITIES)))
        self._turn.start()

    def _draw_next(self) -> None:
        if self._left:
            self._draw(self._left.pop(0))
        if self._left:
            self._turn.start()

    def _draw(self, i: int) -> None:
        shown = self._sets.get(self.choice.currentText())
        self.plots[i].setVisible(shown is not None and i in self._answered)
        color = ACCENT.color
        color.setAlphaF(0.6)
        self._points[i].setBrush(pg.mkBrush(color))
        self._diagonals[i].setPen(pg.mkPen(SOFT_INK, width=1))
        self._means[i].setPen(pg.mkPen(SOFT_INK, width=1, style=Qt.PenStyle.DashLine))
        self._means[i].setVisible(shown is not None and bool(len(shown.actual)))
        if shown is None:
            self._points[i].setData([], [])
            return
        actual, predicted = shown.actual[:, i], shown.predicted[:, i]
        good = np.isfinite(actual) & np.isfinite(predicted)
        self._points[i].setData(actual[good], predicted[good])
        if good.any():
            self._means[i].setValue(float(actual[good].mean()))

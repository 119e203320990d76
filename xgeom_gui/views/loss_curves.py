"""Curves of a training run: the loss, and on a logarithmic scale the center error beside the constant's."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from xgeom_gui.services.training_history import TrainingHistory
from xgeom_gui.theme import ACCENT, LINE, OK, SOFT_INK, UNCERTAIN

_SET_COLORS = (UNCERTAIN, OK, "#7b3fa0", "#00808a", "#d01c1c")
# Digits that get a tick in each decade, by how many decades are in sight.
_DIGITS = ((0.8, (1, 2, 3, 4, 5, 6, 7, 8, 9)), (2.0, (1, 2, 5)), (math.inf, (1,)))


class LossCurves(QWidget):
    """Two plots over the step; `show_history` draws them anew."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Training curves")
        # Plots ask for far more height than the panel has; they take what is left instead.
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.setMinimumHeight(300)
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        # The loss is a negative log likelihood: it crosses zero, so its axis cannot be logarithmic.
        self.loss = _plot("loss", "Training and validation loss (negative log likelihood) over the step")
        self.error = _plot(
            "center error, px",
            "Validation center error over the step, px of a frame 820 px wide",
            logarithmic=True,
        )
        self.error.setXLink(self.loss)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.legend)
        layout.addWidget(self.loss, 1)
        layout.addWidget(self.error, 1)

    def show_history(self, history: TrainingHistory) -> None:
        """Draw what a run has said so far."""
        for plot in (self.loss, self.error):
            plot.clear()
        colors = {name: _SET_COLORS[i % len(_SET_COLORS)] for i, name in enumerate(history.validation_sets)}
        self.legend.setText(_legend_text(colors) if history.steps or colors else "")
        steps = history.steps
        self.loss.plot(
            [event.step for event in steps], [event.loss for event in steps], pen=pg.mkPen(ACCENT, width=1.8)
        )
        for name, color in colors.items():
            self._draw_validation(history, name, color)

    def _draw_validation(self, history: TrainingHistory, name: str, color: str) -> None:
        scores = history.validations_of(name)
        at = [score.step for score in scores]
        dots = {"symbol": "o", "symbolSize": 6, "symbolBrush": color, "symbolPen": None}
        pen = pg.mkPen(color, width=1.6)
        self.loss.plot(at, [score.loss for score in scores], pen=pen, **dots)
        self.error.plot(at, [score.center_px for score in scores], pen=pen, **dots)
        # The constant predictor's line: a model that stays above it has learnt nothing.
        dashed = pg.mkPen(color, width=1.4, style=Qt.PenStyle.DashLine)
        self.error.addItem(pg.InfiniteLine(math.log10(scores[-1].center_constant_px), angle=0, pen=dashed))
        # Unlike a curve, a line does not enlarge the range by itself.
        self.error.plot([at[-1]], [scores[-1].center_constant_px], pen=None)


def _legend_text(colors: dict[str, str]) -> str:
    entries = [("━", ACCENT, "training"), *[("●", color, name) for name, color in colors.items()]]
    if colors:
        entries.append(("╌╌", SOFT_INK, "always guessing the middle"))
    return "&nbsp;&nbsp;&nbsp; ".join(
        f'<span style="color:{color}">{sign}</span>&nbsp;<span style="color:{SOFT_INK}">{text}</span>'
        for sign, color, text in entries
    )


class _DecadeAxis(pg.AxisItem):
    """A logarithmic axis with round numbers, fewer of them the more decades are in sight."""

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:  # noqa: N802 (pyqtgraph's name)
        """Places of the ticks, as logarithms."""
        span = maxVal - minVal
        digits = next(choice for limit, choice in _DIGITS if span < limit)
        decades = range(math.floor(minVal), math.ceil(maxVal) + 1)
        places = [decade + math.log10(digit) for decade in decades for digit in digits]
        return [(1.0, [place for place in places if minVal <= place <= maxVal])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:  # noqa: N802 (pyqtgraph's name)
        """Plain numbers."""
        return [f"{10.0**value:g}" for value in values]


def _plot(label: str, name: str, *, logarithmic: bool = False) -> pg.PlotWidget:
    axes = {"left": _DecadeAxis("left")} if logarithmic else {}
    plot = pg.PlotWidget(background="w", axisItems=axes)
    plot.setAccessibleName(name)
    plot.setToolTip(name)
    plot.setMenuEnabled(False)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setLogMode(y=logarithmic)
    plot.showGrid(x=True, y=True, alpha=0.12)
    plot.setLabel("left", label, color=SOFT_INK, size="9pt")
    plot.getAxis("left").setWidth(58)
    for side in ("left", "bottom"):
        plot.getAxis(side).setPen(LINE)
        plot.getAxis(side).setTextPen(SOFT_INK)
    return plot

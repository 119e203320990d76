"""Curves of one or several training runs: the loss, and the errors beside the constant predictor's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from xgeom_gui.look.theme import ACCENT, SOFT_INK, THEME
from xgeom_gui.services.series import Series, smoothed
from xgeom_gui.services.training_history import SetHistory, TrainingHistory
from xgeom_gui.services.training_signs import parting
from xgeom_gui.training.curve_plot import Curve, CurvePlot
from xgeom_gui.training.run_colors import series_color

_TURN_MS = 4
_NOTHING_YET = "The curves begin with the first step."
_SYMBOLS = ("o", "s", "t", "d")
_SIGNS = ("●", "■", "▼", "◆")


@dataclass(frozen=True, eq=False)
class RunCurves:
    """A run to draw.

    Parameters
    ----------
    key : str
        Tells the runs apart.
    title : str
    history : TrainingHistory
    """

    key: str
    title: str
    history: TrainingHistory


class LossCurves(QWidget):
    """Loss on top; below it the errors of center and tilt, side by side.

    One run shows its training in blue and each validation set in a color of its own. Of several runs
    each has one color: thin its training, thick its validation.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Training curves")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.legend = QLabel()
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self.legend.setWordWrap(True)
        self.loss = CurvePlot("loss", "Loss over the step")
        self.error = CurvePlot("center, px", "Center error over the step, px of a frame 820 px wide")
        self.tilt = CurvePlot("tilt, °", "Larger error of pitch and yaw over the step, degrees")
        self.hint = QLabel(_NOTHING_YET)
        self.hint.setProperty("role", "soft")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.plots = (self.loss, self.error, self.tilt)
        for plot in self.plots:
            plot.share_steps(self.plots)
        self._runs: tuple[RunCurves, ...] = ()
        self._left: list[int] = []
        self._drawn: object = None
        self._turn = QTimer(self, singleShot=True, interval=_TURN_MS)
        self._turn.timeout.connect(self._draw_next)
        self._make_controls()
        self._lay_out()
        self._set_log()
        THEME.changed.connect(self._redraw)

    @property
    def settled(self) -> bool:
        """Whether everything is drawn."""
        return not self._left

    def show_history(self, history: TrainingHistory) -> None:
        """Draw one run."""
        self.show_runs([RunCurves("", "", history)])

    def show_runs(self, runs: Sequence[RunCurves]) -> None:
        """Draw these runs, one plot a turn of the event loop; nothing if none has said anything new."""
        state = tuple((run.key, run.title, run.history.revision, id(run.history)) for run in runs)
        if state != self._drawn:
            self._drawn = state
            self._runs = tuple(runs)
            self._redraw()

    def _make_controls(self) -> None:
        self.log_x = _check("log x", "Logarithmic axis of the steps")
        self.log_y = _check("log y", "Logarithmic axes of the errors; of the loss where it is positive")
        self.log_y.setChecked(True)
        self.smoothing = QSlider(Qt.Orientation.Horizontal)
        self.smoothing.setMaximum(100)
        self.smoothing.setFixedWidth(72)
        self.smoothing.setAccessibleName("Smoothing of the training curves")
        self.smoothing.setToolTip("Running mean of the training curves: from none to a fifth of the run")
        self.log_x.toggled.connect(self._set_log)
        self.log_y.toggled.connect(self._set_log)
        self.smoothing.valueChanged.connect(self._redraw)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.legend, 1)
        label = QLabel("smooth")
        label.setProperty("role", "soft")
        label.setBuddy(self.smoothing)
        for widget in (self.log_x, self.log_y, label, self.smoothing):
            row.addWidget(widget)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addLayout(row, 0, 0, 1, 2)
        grid.addWidget(self.loss, 1, 0, 1, 2)
        errors = QHBoxLayout()
        errors.setSpacing(4)
        errors.addWidget(self.error, 1)
        errors.addWidget(self.tilt, 1)
        grid.addLayout(errors, 2, 0, 1, 2)
        grid.addWidget(self.hint, 1, 0, 2, 2)
        grid.setRowStretch(1, 1)
        grid.setRowStretch(2, 1)

    def _set_log(self) -> None:
        x, y = self.log_x.isChecked(), self.log_y.isChecked()
        self.error.set_log(x, y)
        self.tilt.set_log(x, y)
        self._redraw()

    def _redraw(self) -> None:
        self._left = list(range(len(self.plots)))
        self._turn.start()

    def _draw_next(self) -> None:
        # One plot a turn of the event loop: three at once could hold the window up.
        if self._left:
            (self._draw_loss, self._draw_error, self._draw_tilt)[self._left.pop(0)]()
        if self._left:
            self._turn.start()

    def _draw_loss(self) -> None:
        self.legend.setText(self._legend_text())
        curves = []
        for i, run in enumerate(self._runs):
            points = smoothed(run.history.loss.points(), self.smoothing.value() / 100)
            curves.append(Curve((run.key, ""), points, self._training_color(i), 1.2))
            for j, (name, held) in enumerate(run.history.sets.items()):
                color = self._set_color(i, j)
                curves.append(Curve((run.key, name), held.loss.points(), color, 1.8, self._symbol(j)))
        # A negative log likelihood crosses zero: its axis cannot be logarithmic.
        positive = all((curve.points[1] > 0).all() for curve in curves)
        self.loss.set_log(self.log_x.isChecked(), self.log_y.isChecked() and positive)
        self.loss.show_curves(curves)
        self.hint.setVisible(not _drawn(curves))
        self.loss.setVisible(_drawn(curves))
        found = parting(self._runs[0].history) if len(self._runs) == 1 else None
        for plot in self.plots:
            plot.show_parting(found.step if found else None)

    def _draw_error(self) -> None:
        training = []
        for i, run in enumerate(self._runs):
            if not run.history.has_center:
                continue
            points = smoothed(run.history.center_px.points(), self.smoothing.value() / 100)
            training.append(Curve((run.key, ""), points, self._training_color(i), 1.2))
        scores = self._scores(
            lambda run: run.has_center, lambda held: (held.center_px, held.last.center_constant_px)
        )
        self.error.show_curves([*training, *scores])
        self.error.setVisible(_drawn([*training, *scores]))

    def _draw_tilt(self) -> None:
        curves = self._scores(
            lambda run: run.has_tilt, lambda held: (held.tilt_deg, held.last.tilt_constant_deg)
        )
        self.tilt.show_curves(curves)
        self.tilt.setVisible(_drawn(curves))

    def _scores(
        self,
        answered: Callable[[TrainingHistory], bool],
        of: Callable[[SetHistory], tuple[Series, float]],
    ) -> list[Curve]:
        curves = []
        for i, run in enumerate(self._runs):
            if not answered(run.history):
                continue
            for j, (name, held) in enumerate(run.history.sets.items()):
                series, level = of(held)
                points = series.points()
                curves.append(
                    Curve((run.key, name), points, self._set_color(i, j), 1.8, self._symbol(j), level)
                )
        return curves

    def _training_color(self, run: int) -> QColor:
        color = ACCENT.color if len(self._runs) == 1 else series_color(run)
        if len(self._runs) > 1:
            color.setAlphaF(0.45)
        return color

    def _set_color(self, run: int, number: int) -> QColor:
        return series_color(number if len(self._runs) == 1 else run)

    def _symbol(self, number: int) -> str:
        """Of several runs the color tells the run, so the shape tells the validation set."""
        return _SYMBOLS[number % len(_SYMBOLS)] if len(self._runs) > 1 else "o"

    def _legend_text(self) -> str:
        entries: list[tuple[str, str, str]] = []
        if len(self._runs) == 1:
            history = self._runs[0].history
            if len(history.loss):
                entries.append(("━", str(ACCENT), "training"))
            entries += [
                ("●", series_color(i).name(), _escaped(name))
                for i, name in enumerate(history.validation_sets)
            ]
        else:
            entries = [("━", series_color(i).name(), _escaped(run.title)) for i, run in enumerate(self._runs)]
            longest = max((run.history.validation_sets for run in self._runs), key=len, default=())
            entries += [
                (_SIGNS[j % len(_SIGNS)], str(SOFT_INK), _escaped(name)) for j, name in enumerate(longest)
            ]
        if any(run.history.sets for run in self._runs):
            entries.append(("╌╌", str(SOFT_INK), "constant predictor"))
        return "&nbsp;&nbsp; ".join(
            f'<span style="color:{color}">{sign}</span>&nbsp;'
            f'<span style="color:{SOFT_INK}">{text.replace(" ", "&nbsp;")}</span>'
            for sign, color, text in entries
        )


def _drawn(curves: Sequence[Curve]) -> bool:
    """Whether there is anything to see: empty axes say nothing."""
    return any(curve.points.shape[1] for curve in curves)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _check(text: str, tip: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setToolTip(tip)
    box.setAccessibleName(tip)
    return box

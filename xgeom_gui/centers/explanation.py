"""The panel that shows what speaks for the answer; made only while somebody looks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.centers.explanation_plots import KIND_COLORS, KindsView, ProfilesPlot, ShiftsPlot
from xgeom_gui.centers.lattice_plots import LatticePlots
from xgeom_gui.look.theme import SOFT_INK, THEME
from xgeom_gui.services.predictor import PredictionKey, PredictRequest
from xgeom_gui.state.session import Session
from xgeom_gui.state.session_controller import SessionController

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction
    from xgeom_core.predict.report.explanation import Explanation


class ExplanationPanel(QWidget):
    """What was used of the frame, profiles and shifts by sector, and the words.

    Parameters
    ----------
    session : Session
    controller : SessionController
        Has answers explained from the start while the panel can be seen, and later on demand.
    """

    def __init__(
        self, session: Session, controller: SessionController, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._controller = session, controller
        self._asked: PredictionKey | None = None
        self.explanation: Explanation | None = None
        self.hint = QLabel()
        self.hint.setProperty("role", "soft")
        self.hint.setWordWrap(True)
        self.lattice = LatticePlots()
        self.kinds, self.profiles, self.shifts = KindsView(), ProfilesPlot(), ShiftsPlot()
        self.legend, self.lines = QLabel(), QLabel()
        for label in (self.legend, self.lines):
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.lines.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.before_button = _choice("About the first guess", "Profiles about the network's center")
        self.after_button = _choice("About the answer", "Profiles about the answer")
        self.after_button.setChecked(True)
        group = QButtonGroup(self)
        for button in (self.before_button, self.after_button):
            group.addButton(button)
        group.buttonToggled.connect(self._show_profiles)
        self._content = self._lay_out()
        session.prediction_changed.connect(self._ask)
        controller.predictor.why_done.connect(self._take)
        controller.predictor.why_failed.connect(self._on_failed)
        THEME.changed.connect(self._show)
        self._ask()

    def _lay_out(self) -> QWidget:
        content = QWidget()
        choices = QHBoxLayout()
        choices.setSpacing(0)
        for button in (self.before_button, self.after_button):
            choices.addWidget(button)
        choices.addStretch(1)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.addWidget(self.kinds)
        left.addWidget(self.legend)
        left.addStretch(1)
        right.addLayout(choices)
        right.addWidget(self.profiles)
        right.addWidget(self.shifts)
        right.addStretch(1)
        grid = QGridLayout(content)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        # A lattice, where there is one, says most.
        grid.addWidget(self.lattice, 0, 0, 1, 2)
        grid.addLayout(left, 1, 0)
        grid.addLayout(right, 1, 1)
        grid.addWidget(self.lines, 2, 0, 1, 2)
        grid.setColumnStretch(0, 9)
        grid.setColumnStretch(1, 11)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.hint)
        layout.addWidget(content)
        return content

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """What was not asked for while hidden is asked for now."""
        super().showEvent(event)
        self._controller.explaining = True
        self._ask()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 (Qt's name)
        """Nobody looks: answers are cheaper without."""
        super().hideEvent(event)
        self._controller.explaining = False

    def _ask(self) -> None:
        frame, prediction, key = self._session.frame, self._session.prediction, self._session.prediction_key
        if prediction is None or frame is None or prediction.best is None:
            self._asked = self.explanation = None
            why = prediction.reason if prediction is not None else ""
            self._say(why or "What speaks for the answer appears here as soon as the frame is predicted.")
            return
        if key is None or key == self._asked or not self.isVisible():
            return
        self._asked = key
        if prediction.explanation is not None:
            self._take(key, prediction)
            return
        if self.explanation is None:
            self._say("Looking at what speaks for the answer…")
        self._controller.predictor.submit(PredictRequest(key, frame, "why"))

    def _on_failed(self, key: PredictionKey, sentence: str) -> None:
        if key == self._asked:
            self._say(sentence)

    def _take(self, key: PredictionKey, prediction: Prediction) -> None:
        if key != self._asked:
            return
        self.explanation = prediction.explanation
        if self.explanation is None:
            self._say("Nothing more is known of this answer.")
            return
        self._say("")
        self._show()

    def _show(self) -> None:
        explanation = self.explanation
        if explanation is None:
            return
        self.lattice.show_explanation(explanation)
        self.kinds.show_explanation(explanation)
        self.shifts.show_shifts(explanation.before, explanation.after)
        self._show_profiles()
        self.legend.setText(_legend(explanation.shares()))
        self.lines.setText(_lines(explanation.lines))

    def _say(self, text: str) -> None:
        self.hint.setText(text)
        self.hint.setVisible(bool(text))
        self._content.setVisible(not text)

    def _show_profiles(self) -> None:
        if self.explanation is not None:
            before = self.before_button.isChecked()
            self.profiles.show_profiles(self.explanation.before if before else self.explanation.after)


def _choice(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setCheckable(True)
    button.setProperty("role", "framed")
    button.setToolTip(tip)
    button.setAccessibleName(text)
    return button


def _legend(shares: dict[str, float]) -> str:
    used = f"used {100 * shares.get('used', 0.0):.0f} %"
    entries = [
        f'<span style="color:{KIND_COLORS[name]}">■</span>&nbsp;{escape(name)}&nbsp;{_percent(share)}'
        for name, share in shares.items()
        if name in KIND_COLORS
    ]
    return f'<span style="color:{SOFT_INK}">{" &nbsp; ".join([used, *entries])}</span>'


def _percent(share: float) -> str:
    return f"{100 * share:.0f}&nbsp;%" if share >= 0.01 else f"{100 * share:.1f}&nbsp;%"


def _lines(lines: tuple[tuple[str, str], ...]) -> str:
    rows = [
        f'<tr><td style="color:{SOFT_INK}; padding-right:14px">{escape(name)}</td>'
        f"<td>{escape(value)}</td></tr>"
        for name, value in lines
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""

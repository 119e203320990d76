"""Where the beam may be, in doubt: a button a candidate, with what speaks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QButtonGroup, QPushButton, QVBoxLayout, QWidget

from xgeom_gui.centers.card_wording import candidate_words
from xgeom_gui.state.centers import candidate_source
from xgeom_gui.state.session import Session

if TYPE_CHECKING:
    from xgeom_core.predict import Prediction

_MOST = 4


class CandidateButtons(QWidget):
    """A click makes a candidate current and shows its rings."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._group = QButtonGroup(self)
        self.buttons: list[QPushButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        for number in range(_MOST):
            button = QPushButton()
            button.setCheckable(True)
            button.setMinimumWidth(80)
            button.setStyleSheet("text-align: left")
            button.setToolTip("Make it current and show its rings; Accept then takes it")
            button.clicked.connect(lambda _on, which=number: self._choose(which))
            self._group.addButton(button)
            layout.addWidget(button)
            self.buttons.append(button)
        session.current_center.changed.connect(self._mirror)
        self.hide()

    def show_for(self, prediction: Prediction | None) -> None:
        """Offer the candidates of an answer in doubt; those of before stay, out of reach, meanwhile."""
        if prediction is None:
            self.setEnabled(False)
            return
        doubt = prediction.status == "uncertain" and len(prediction.candidates) > 1
        shown = prediction.candidates[:_MOST] if doubt else ()
        for number, button in enumerate(self.buttons):
            button.setVisible(number < len(shown))
            if number < len(shown):
                button.setText(candidate_words(shown[number]))
                button.setAccessibleName(button.text().replace("\n", ", "))
        self.setEnabled(True)
        self.setVisible(bool(shown))
        self._mirror()

    def _choose(self, number: int) -> None:
        self._session.current_center.choose(candidate_source(number))
        if not self._session.rings.any:
            self._session.rings.choose(resolution=True)

    def _mirror(self) -> None:
        current = self._session.current_center.source
        self._group.setExclusive(False)
        for number, button in enumerate(self.buttons):
            button.setChecked(candidate_source(number) == current)
        self._group.setExclusive(True)

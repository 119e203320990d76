"""Below the table of centers: what can be done with the selected one, and how sharp its rings are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_gui.services.sharpness import SharpnessRequest, SharpnessThread
from xgeom_gui.state.centers import NAMES, reference_of
from xgeom_gui.state.session import Session

_TIP = (
    "How much of what varies over the frame rings of equal scattering angle account for, in percent: "
    "largest about the true center. Compare scores of one frame only."
)


class CenterStrip(QWidget):
    """Buttons for the selected center; the sharpness of its rings follows while it is moved.

    Parameters
    ----------
    session : Session
    thread : SharpnessThread
        Asked whenever centers move, while the strip can be seen.
    actions : sequence of QAction
        One button each.
    """

    def __init__(self, session: Session, thread: SharpnessThread, actions: Sequence[QAction]) -> None:
        super().__init__()
        self._session, self._thread = session, thread
        self._frame: Frame | None = None
        self._scores: Mapping[str, float] = {}
        self.score = QLabel()
        self.score.setProperty("role", "soft")
        self.score.setToolTip(_TIP)
        self.score.setAccessibleName("Sharpness of the rings")
        row = QHBoxLayout()
        row.setSpacing(6)
        row.setContentsMargins(0, 0, 0, 0)
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setProperty("role", "framed")
            button.setAccessibleName(action.text())
            row.addWidget(button)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.score)
        session.estimates_changed.connect(self._ask)
        session.corrections.selected_changed.connect(self._ask)
        thread.done.connect(self._take)
        self._ask()

    @property
    def scores(self) -> Mapping[str, float]:
        """Scores from 0 to 1 by source, as shown."""
        return self._scores

    def _ask(self) -> None:
        frame, asked = self._session.frame, self._asked()
        if frame is None or not asked:
            self._scores = {}
            self._show()
        elif self.isVisible():
            self._thread.submit(SharpnessRequest(frame, asked))

    def showEvent(self, event: object) -> None:  # noqa: N802 (Qt's name)
        """What was not asked for while hidden is asked for now."""
        self._ask()

    def _asked(self) -> tuple[Estimate, ...]:
        """The selected center or the one by hand, and the reference."""
        session = self._session
        selected = next(
            (one for one in session.estimates if one.source == session.corrections.selected), None
        )
        candidates = (selected, session.corrections.preferred, reference_of(session))
        found = {one.source: one for one in candidates if one is not None}
        return tuple(found.values())[:2] if len(found) > 1 else tuple(found.values())

    def _take(self, frame: Frame, scores: Mapping[str, float]) -> None:
        if frame is self._session.frame:
            self._scores = dict(scores)
            self._show()

    def _show(self) -> None:
        words = [
            f"{NAMES.get(source, source)} <b>{100 * score:.2f}</b>" for source, score in self._scores.items()
        ]
        self.score.setText(
            f"Sharpness of the rings, %:&nbsp; {' &nbsp;·&nbsp; '.join(words)}" if words else " "
        )

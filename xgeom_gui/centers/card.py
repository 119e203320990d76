"""The answer card: center, how sure, what it rests on and what to do next, to be read in five seconds."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGraphicsOpacityEffect,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.centers.acting_on import ActingOn
from xgeom_gui.centers.banners import model_banner, part_banner
from xgeom_gui.centers.candidates import CandidateButtons
from xgeom_gui.centers.card_wording import Headline, headline
from xgeom_gui.centers.next_step import Step, cures, next_step
from xgeom_gui.look.elided import ElidedLabel
from xgeom_gui.look.theme import SOFT_INK, STATUS_COLORS, THEME, set_role
from xgeom_gui.state.formatting import missing_for_tilt
from xgeom_gui.state.session import Session

# Read from a meter away, or in a picture at a quarter of its size.
CENTER_PX, SPREAD_PX, VERDICT_PX, TILT_PX, BASIS_PX = 30, 24, 21, 20, 14
_DIMMED = 0.4
_REMEMBERED_MS = 8_000
# Buttons in a row of a narrow and of a wide card, and from where it is wide.
_COLUMNS, _WIDE, _NARROWEST = (3, 6), 560, 290


class AnswerCard(QFrame):
    """Says the answer; the one of before stays, dimmed, until the next is there.

    Parameters
    ----------
    session : Session

    Signals
    -------
    step_wanted : Step
        The button of the next step was pressed.
    finished
        Typing has ended: the keyboard is for the frame again.
    """

    step_wanted = Signal(object)
    finished = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._step: Step | None = None
        self._said: tuple[str, Headline] | None = None
        self.setAccessibleName("Answer")
        self.setProperty("role", "card")
        self.center, self.verdict, self.basis = QLabel(), QLabel(), QLabel()
        for label in (self.center, self.verdict, self.basis):
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._head = QWidget()
        self._dim = QGraphicsOpacityEffect(self._head)
        self._dim.setEnabled(False)
        self._head.setGraphicsEffect(self._dim)
        self.candidates = CandidateButtons(session)
        self.step_button = QPushButton()
        self.step_button.setProperty("role", "primary")
        # Long names of programs must not make the panel wider.
        self.step_button.setMinimumWidth(80)
        self.step_button.clicked.connect(self._want_step)
        self.deed = ElidedLabel()
        self.deed.setAccessibleName("Done")
        set_role(self.deed, "ok")
        self._forget = QTimer(self, singleShot=True, interval=_REMEMBERED_MS)
        self._forget.timeout.connect(self.deed.clear)
        self.acting = ActingOn(session)
        self.acting.finished.connect(self.finished)
        self.model, self.part = model_banner(session), part_banner(session)
        self._buttons: list[QToolButton] = []
        self._grid = QGridLayout()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        head = QVBoxLayout(self._head)
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(2)
        for label in (self.center, self.verdict, self.basis):
            head.addWidget(label)
        step = QHBoxLayout()
        step.setSpacing(10)
        step.addWidget(self.step_button)
        step.addWidget(self.deed, 1)
        self._grid.setSpacing(6)
        self._grid.setColumnStretch(_COLUMNS[1], 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.model)
        layout.addWidget(self.part)
        layout.addWidget(self._head)
        layout.addWidget(self.candidates)
        layout.addLayout(step)
        layout.addWidget(self.acting)
        layout.addLayout(self._grid)

    def _connect(self) -> None:
        session = self._session
        about = [session.prediction_changed, session.metadata_changed, session.activity_changed]
        for signal in (
            *about,
            session.frame_changed,
            session.centers_changed,
            session.current_center.changed,
        ):
            signal.connect(self.refresh)
        THEME.changed.connect(self.refresh)
        session.said.connect(self._show_deed)
        session.source_changed.connect(self.deed.clear)
        self.refresh()

    def add_actions(self, actions: Sequence[QAction]) -> None:
        """What else can be done with the current center, one button each."""
        for action in actions:
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setProperty("role", "framed")
            button.setAccessibleName(action.text())
            self._buttons.append(button)
        self._place_buttons()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """As narrow as its buttons in two rows."""
        return QSize(_NARROWEST, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 (Qt's name)
        """A narrow card has its buttons in two rows."""
        super().resizeEvent(event)
        self._place_buttons()

    def _place_buttons(self) -> None:
        columns = _COLUMNS[self.width() >= _WIDE]
        for number, button in enumerate(self._buttons):
            self._grid.addWidget(button, number // columns, number % columns)

    @property
    def step(self) -> Step | None:
        """What its button does."""
        return self._step

    @property
    def dimmed(self) -> bool:
        """Whether what it says is the answer of before."""
        return self._dim.isEnabled()

    def refresh(self) -> None:
        """Say what is known now."""
        session, source = self._session, self._session.source
        prediction = session.prediction
        path = source.path if source is not None else ""
        if prediction is not None:
            self._said = path, headline(prediction, not missing_for_tilt(session.metadata))
        elif self._said is not None and self._said[0] != path:
            # Of another file nothing stays: it would be taken for this one's.
            self._said = None
        waits = prediction is None and self._said is not None
        self._dim.setOpacity(_DIMMED)
        self._dim.setEnabled(waits)
        self._show_head(
            self._said[1] if self._said else Headline(center="–", verdict=self._waiting(), tone="stated")
        )
        self.candidates.show_for(prediction)
        self._show_step()

    def _waiting(self) -> str:
        activity = self._session.activity
        return f"{activity[:1].upper()}{activity[1:]}" if activity else "Not predicted yet"

    def _show_head(self, said: Headline) -> None:
        center, spread = _sized(said.center, CENTER_PX, keep=False), _sized(said.spread, SPREAD_PX)
        self.center.setText(f"{center} {spread} &nbsp; {_sized(said.tilt, TILT_PX)}")
        self.verdict.setText(_sized(said.verdict, VERDICT_PX, STATUS_COLORS[said.tone], keep=False))
        words = " · ".join(part for part in (said.basis, said.header) if part)
        lines = [line for line in (words, said.doubt) if line]
        # The room of its line stays also while there is nothing to say.
        sized = (
            _sized(line, BASIS_PX, SOFT_INK, bold=False, keep=False)
            for line in lines or ["\N{NO-BREAK SPACE}"]
        )
        self.basis.setText("<br>".join(sized))

    def _show_step(self) -> None:
        session = self._session
        cured = cures(
            session.prediction, session.metadata, session.experiment, session.centers, session.reference
        )
        accepted = session.user_centers.current.accepted is not None
        step = next_step(session.prediction, cured, session.current_center, session.metadata, accepted)
        if session.prediction is None and session.activity:
            step = None
        self._step = step
        # Hidden it would leave no room, and all below would jump when it comes.
        self.step_button.setEnabled(step is not None)
        self.step_button.setText(step.text if step else "…")
        self.step_button.setToolTip(step.tip if step else "")
        self.step_button.setAccessibleName(step.text if step else "Nothing to do yet")

    def _want_step(self) -> None:
        if self._step is not None:
            self.step_wanted.emit(self._step)

    def _show_deed(self, text: str) -> None:
        self.deed.setText(text)
        self.deed.setToolTip(text)
        self._forget.start()


def _sized(text: str, pixels: int, color: object = "", *, bold: bool = True, keep: bool = True) -> str:
    """Rich text of a size; kept on one line unless it is a sentence."""
    style = f"font-size:{pixels}px" + ("; font-weight:600" if bold else "")
    style += f"; color:{color}" if color else ""
    words = escape(text).replace(" ", "&nbsp;") if keep else escape(text)
    return f"<span style='{style}'>{words}</span>" if text else ""

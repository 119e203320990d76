"""The answer card with its warnings, and folded under it the table of every source."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QLabel, QToolButton, QVBoxLayout, QWidget

from xgeom_gui.centers.card import AnswerCard
from xgeom_gui.centers.centers_model import CentersModel
from xgeom_gui.centers.centers_table import CentersTable
from xgeom_gui.centers.compare_wording import causes_of, notes_of
from xgeom_gui.centers.next_step import Step, cures
from xgeom_gui.look.theme import THEME, UNCERTAIN
from xgeom_gui.state.centers import Center
from xgeom_gui.state.formatting import center_rows
from xgeom_gui.state.session import Session


class NotesPanel(QWidget):
    """What to know about the answer; a warning that can be cured has the cure as a button.

    Signals
    -------
    step_wanted : Step
    """

    step_wanted = Signal(object)

    def __init__(self, session: Session, rows: Callable[[], list[str]]) -> None:
        super().__init__()
        self._session, self._causes = session, rows
        self._shown: tuple[tuple[str, Step | None], ...] = ()
        self.buttons: list[QToolButton] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)

    def text(self) -> str:
        """Every note, a line each."""
        return "\n".join(text for text, _ in self._shown)

    def refresh(self) -> None:
        """Show the notes of the frame."""
        session = self._session
        frame, prediction = session.frame, session.prediction
        steps = cures(prediction, session.metadata, session.experiment, session.centers, session.reference)
        notes = list(frame.warnings) if frame else []
        notes += self._causes()
        notes += notes_of(session.centers)
        notes += prediction.warnings if prediction else ()
        notes += [step.note for step in steps]
        by_note = {step.note: step for step in steps}
        shown = tuple((note, by_note.get(note)) for note in dict.fromkeys(notes))
        if shown != self._shown:
            self._shown = shown
            self._fill(shown)

    def _fill(self, shown: tuple[tuple[str, Step | None], ...]) -> None:
        while (item := self._layout.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        self.buttons = []
        for note, step in shown:
            line = QWidget()
            row = QVBoxLayout(line)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(2)
            label = QLabel(f'<span style="color:{UNCERTAIN}">•</span> {escape(note)}')
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            row.addWidget(label)
            if step is not None:
                row.addWidget(self._button(step), 0, Qt.AlignmentFlag.AlignLeft)
            self._layout.addWidget(line)
        self.setVisible(bool(shown))

    def _button(self, step: Step) -> QToolButton:
        button = QToolButton()
        button.setText(step.text)
        button.setToolTip(step.tip)
        button.setProperty("role", "framed")
        button.clicked.connect(lambda: self.step_wanted.emit(step))
        self.buttons.append(button)
        return button


class CentersPanel(QWidget):
    """Table of every source, folded away until it is asked for; owns the card and the notes above it.

    Signals
    -------
    chosen : object
        ``(x, y)`` of a center that was double-clicked, in native pixels.
    taken : str
        Source of that center: keys are to move it.
    step_wanted : Step
        A button of the card or of a note was pressed.
    """

    chosen = Signal(object)
    taken = Signal(str)
    step_wanted = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.card = AnswerCard(session)
        self.notes = NotesPanel(session, self._causes)
        for part in (self.card, self.notes):
            part.step_wanted.connect(self.step_wanted)
        self.model = CentersModel(self)
        self.table = CentersTable(self.model)
        self.table.doubleClicked.connect(self._choose)
        self.table.activated.connect(self._choose)
        self.fold = QToolButton()
        self.fold.setCheckable(True)
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setToolTip("Every source of a center, and how they differ")
        self.fold.toggled.connect(self._unfold)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.fold)
        layout.addWidget(self.table)
        self._mirroring = False
        self.model.shown_changed.connect(self._show_mark)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        session.current_center.changed.connect(self._mirror)
        about = (session.prediction_changed, session.metadata_changed)
        # Another reference is no other center.
        for signal in (session.centers_changed, session.external.changed, *about):
            signal.connect(self._refresh)
        THEME.changed.connect(self.notes.refresh)
        self._unfold(False)
        self._refresh()

    def _unfold(self, shown: bool) -> None:
        self.table.setVisible(shown)
        self.fold.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)

    def _refresh(self) -> None:
        session = self._session
        known = session.centers + session.misfits
        rows = center_rows(known, session.reference, session.metadata)
        # A reset flickers: only when something changed.
        if rows != self.model.rows:
            self._mirroring = True
            self.model.set_rows(rows)
            self._mirroring = False
            self._mirror()
        self.fold.setText(f"Sources ({len(rows)})")
        self.notes.refresh()

    def _causes(self) -> list[str]:
        session = self._session
        fitting = [row for row in self.model.rows if row.center.for_size is None]
        return causes_of(fitting, session.metadata, session.image_size)

    def _on_selection(self) -> None:
        selected = self.table.selected
        if not self._mirroring and selected is not None:
            self._session.current_center.choose(selected.estimate.source)

    def _mirror(self) -> None:
        """Select the row of the current center."""
        wanted, selected = self._session.current_center.source, self.table.selected
        if wanted == (selected.estimate.source if selected else ""):
            return
        self._mirroring = True
        if not self.table.select(wanted):
            self.table.clearSelection()
        self._mirroring = False

    def current(self) -> Center | None:
        """The center that actions are about."""
        return self._session.current_center.center

    def _show_mark(self, source: str, shown: bool) -> None:
        self._session.external.set_hidden(source, not shown)

    def _choose(self, index: QModelIndex) -> None:
        center = self.model.center_at(index.row())
        if center.for_size is None:
            self.chosen.emit(center.estimate.center_px)
            self.taken.emit(center.estimate.source)

"""The panel of centers: every source, how they differ, and what to know about the answer."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from xgeom_gui.centers.centers_model import CentersModel
from xgeom_gui.centers.centers_table import CentersTable
from xgeom_gui.centers.compare_wording import causes_of, notes_of
from xgeom_gui.look.theme import SOFT_INK, STATUS_COLORS, THEME, UNCERTAIN
from xgeom_gui.state.centers import Center
from xgeom_gui.state.formatting import CenterRow, candidate_lines, center_rows
from xgeom_gui.state.session import Session

_WORDS = {
    "ok": "The answer is trusted.",
    "stated": "The header stands.",
    "uncertain": "Uncertain.",
    "failed": "No center found.",
}


class CentersPanel(QWidget):
    """Table of centers, the answer's status in words, and its warnings.

    Signals
    -------
    chosen : object
        ``(x, y)`` of a center that was double-clicked, in native pixels.
    taken : str
        Source of that center: keys are to move it.
    """

    chosen = Signal(object)
    taken = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = CentersModel(self)
        self.table = CentersTable(self.model)
        self.table.doubleClicked.connect(self._choose)
        self.table.activated.connect(self._choose)
        self.status = QLabel()
        self.status.setTextFormat(Qt.TextFormat.RichText)
        self.notes = QLabel()
        self.notes.setTextFormat(Qt.TextFormat.RichText)
        for label in (self.status, self.notes):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.table)
        self._below = QVBoxLayout()
        layout.addLayout(self._below)
        layout.addWidget(self.status)
        layout.addWidget(self.notes)
        self._mirroring = False
        self.model.shown_changed.connect(self._show_mark)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        session.current_center.changed.connect(self._mirror)
        about = (session.prediction_changed, session.metadata_changed)
        # Another reference is no other center.
        for signal in (session.centers_changed, session.external.changed, *about):
            signal.connect(self._refresh)
        session.activity_changed.connect(self._refresh_status)
        THEME.changed.connect(self._refresh_status)
        THEME.changed.connect(self._refresh_notes)
        self._refresh()

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
        self._refresh_status()
        self._refresh_notes()

    def _refresh_status(self) -> None:
        prediction = self._session.prediction
        if prediction is None:
            self.status.setText(f'<span style="color:{SOFT_INK}">{escape(self._waiting_text())}</span>')
            return
        color = STATUS_COLORS[prediction.status]
        text = f'<b style="color:{color}">{_WORDS[prediction.status]}</b>'
        if prediction.reason:
            text += f" {escape(prediction.reason)}"
        if prediction.status == "uncertain":
            text += "".join(f"<br>{escape(line)}" for line in candidate_lines(prediction))
        self.status.setText(text)

    def _waiting_text(self) -> str:
        if self._session.frame is None:
            return "Open a frame to see where its beam center is."
        activity = self._session.activity
        return f"{activity[:1].upper()}{activity[1:]}" if activity else "Not predicted yet: press P."

    def _refresh_notes(self) -> None:
        session = self._session
        frame, prediction = session.frame, session.prediction
        notes = list(frame.warnings) if frame else []
        notes += causes_of(self._fitting_rows(), session.metadata, session.image_size)
        notes += notes_of(session.centers)
        notes += prediction.warnings if prediction else ()
        lines = [f'<span style="color:{UNCERTAIN}">•</span> {escape(note)}' for note in dict.fromkeys(notes)]
        self.notes.setText("<br>".join(lines))
        self.notes.setVisible(bool(lines))

    def _fitting_rows(self) -> list[CenterRow]:
        return [row for row in self.model.rows if row.center.for_size is None]

    def add_below_table(self, widget: QWidget) -> None:
        """Show a widget between the table and the words about the answer."""
        self._below.addWidget(widget)

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
        estimate = self.model.center_at(index.row()).estimate
        self.chosen.emit(estimate.center_px)
        self.taken.emit(estimate.source)

"""The panel of centers: every source, how they differ, and what to know about the answer."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from xgeom_gui.panels.centers_model import CentersModel
from xgeom_gui.session import Session
from xgeom_gui.theme import SOFT_INK, STATUS_COLORS, UNCERTAIN
from xgeom_gui.wording import center_rows

_ROW_HEIGHT = 28


class CentersPanel(QWidget):
    """Table of centers, the answer's status in words, and its warnings.

    Signals
    -------
    chosen : object
        ``(x, y)`` of a center that was double-clicked, in native pixels.
    """

    chosen = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = CentersModel(self)
        self.table = _make_table(self.model)
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
        layout.addWidget(self.status)
        layout.addWidget(self.notes)
        session.estimates_changed.connect(self._refresh)
        session.activity_changed.connect(self._refresh_status)
        self._refresh()

    def _refresh(self) -> None:
        session = self._session
        rows = center_rows(session.estimates, session.best, session.metadata)
        # A reset forgets the selection and flickers: only when something changed.
        if [id(row.estimate) for row in rows] != [id(row.estimate) for row in self.model.rows] or (
            rows != self.model.rows
        ):
            self.model.set_rows(rows)
        header = self.table.horizontalHeader().sizeHint().height()
        self.table.setFixedHeight(header + _ROW_HEIGHT * max(len(rows), 1) + 4)
        self._refresh_status()
        self._refresh_notes()

    def _refresh_status(self) -> None:
        prediction = self._session.prediction
        if prediction is None:
            self.status.setText(f'<span style="color:{SOFT_INK}">{escape(self._waiting_text())}</span>')
            return
        words = {"ok": "The answer is trusted.", "uncertain": "Uncertain.", "failed": "No center found."}
        color = STATUS_COLORS[prediction.status]
        text = f'<b style="color:{color}">{words[prediction.status]}</b>'
        self.status.setText(f"{text} {escape(prediction.reason)}" if prediction.reason else text)

    def _waiting_text(self) -> str:
        if self._session.frame is None:
            return "Open a frame to see where its beam center is."
        activity = self._session.activity
        return f"{activity[:1].upper()}{activity[1:]}" if activity else "Not predicted yet: press P."

    def _refresh_notes(self) -> None:
        frame, prediction = self._session.frame, self._session.prediction
        notes = list(frame.warnings) if frame else []
        for estimate in self._session.estimates:
            notes += estimate.warnings
        notes += prediction.warnings if prediction else ()
        lines = [f'<span style="color:{UNCERTAIN}">•</span> {escape(note)}' for note in dict.fromkeys(notes)]
        self.notes.setText("<br>".join(lines))
        self.notes.setVisible(bool(lines))

    def _choose(self, index: QModelIndex) -> None:
        self.chosen.emit(self.model.estimate_at(index.row()).center_px)


def _make_table(model: CentersModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName("Table of centers")
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    # The dock is wide enough for every column; a scroll bar would hide the last row while it settles.
    table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    table.verticalHeader().hide()
    font = table.font()
    font.setPointSizeF(font.pointSizeF() * 0.94)
    table.setFont(font)
    table.horizontalHeader().setFont(font)
    table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
    header = table.horizontalHeader()
    header.setHighlightSections(False)
    header.setMinimumSectionSize(34)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setStretchLastSection(True)
    return table

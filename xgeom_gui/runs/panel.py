"""The panel of a run: predict every frame, see which to doubt, and how the geometry drifts."""

from __future__ import annotations

import time

from PySide6.QtCore import QModelIndex, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.runs.batch_runner import BatchRunner
from xgeom_gui.runs.run_plots import RunPlots
from xgeom_gui.runs.run_table_model import COLUMNS, DoubtModel
from xgeom_gui.state.formatting import center_text
from xgeom_gui.state.session import Session

_REFRESH_MS = 400
_KNOWN = [column.title for column in COLUMNS].index("known px")
_HINT = "Predicts every frame of the open file and lists them with the most doubtful on top."


class RunPanel(QWidget):
    """Range, progress, list of doubt and plots.

    Signals
    -------
    export_wanted
        The list is to be saved to a file.
    """

    export_wanted = Signal()

    def __init__(self, session: Session, runner: BatchRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._runner = session, runner
        self._began = 0.0
        self._visited: int | None = None
        self.first = _spin("First frame", "First frame of the run, counted from 0")
        self.last = _spin("Last frame", "Last frame of the run, counted from 0")
        self.every = _spin("Every so many frames", "1 predicts every frame, 10 every tenth", 1)
        self.start_button = QPushButton("Predict run")
        self.start_button.setProperty("role", "primary")
        self.start_button.setToolTip(
            "Predict these frames; frames whose answer is known are not predicted again"
        )
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; what was found so far stays")
        self.export_button = QPushButton("Export list…")
        self.export_button.setToolTip("Save what was found of every frame as CSV or JSON; px and degrees")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName("Progress of the run")
        self.summary = QLabel(_HINT)
        self.summary.setWordWrap(True)
        self.summary.setProperty("role", "soft")
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.model = DoubtModel(self)
        self.table = _table(self.model)
        self.detail = QLabel()
        self.detail.setWordWrap(True)
        self.detail.setAccessibleName("Reason of the selected frame, in full")
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        # Two lines are there from the start: the table does not jump from frame to frame.
        self.detail.setMinimumHeight(2 * self.detail.fontMetrics().lineSpacing())
        self.detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.plots = RunPlots()
        self._lay_out()
        self._refresh_soon = QTimer(self, singleShot=True, interval=_REFRESH_MS)
        self._refresh_soon.timeout.connect(self._refresh)
        self._connect()
        self._on_source()
        self._on_state()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        for text, spin in (("Frames", self.first), ("to", self.last), ("every", self.every)):
            label = QLabel(text)
            label.setBuddy(spin)
            row.addWidget(label)
            row.addWidget(spin)
        row.addStretch(1)
        # Under the fields, so that a narrow panel holds both.
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.start_button)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        buttons.addWidget(self.export_button)
        split = QSplitter(Qt.Orientation.Vertical)
        listed = QWidget()
        column = QVBoxLayout(listed)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.table, 1)
        column.addWidget(self.detail)
        split.addWidget(listed)
        split.addWidget(self.plots)
        split.setChildrenCollapsible(False)
        split.setSizes([230, 300])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 10)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addLayout(buttons)
        layout.addWidget(self.progress)
        layout.addWidget(self.summary)
        layout.addWidget(split, 1)

    def _connect(self) -> None:
        session = self._session
        self.start_button.clicked.connect(self.start)
        self.export_button.clicked.connect(self.export_wanted)
        self.cancel_button.clicked.connect(self._runner.cancel)
        self.table.activated.connect(self._choose)
        self.table.doubleClicked.connect(self._choose)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_detail())
        self.plots.chosen.connect(self.go_to)
        session.batch.changed.connect(self._on_row)
        session.batch.state_changed.connect(self._on_state)
        session.source_changed.connect(self._on_source)
        session.frame_changed.connect(self._on_frame)

    def start(self) -> None:
        """Predict the frames of the range."""
        first, last = sorted((self.first.value(), self.last.value()))
        self._began = time.monotonic()
        self._visited = None
        self._runner.start(range(first, last + 1, self.every.value()))

    def go_to(self, index: int) -> None:
        """Show a frame of the run, opening its file again if need be."""
        plan, source = self._session.batch.plan, self._session.source
        if plan is None:
            return
        if source is None or (source.path, source.dataset) != (plan.path, plan.dataset):
            self._session.open(plan.spec, index)
        else:
            self._session.show_index(index)

    def next_doubtful(self) -> None:
        """Show the first frame of the list of doubt, or the one below if that is where we are."""
        order = [row.index for row in self._session.batch.doubtful]
        if not order:
            self._session.say("Predict the run first: then its frames are in order of doubt.")
            return
        on_the_way = self._visited == self._session.index and self._visited in order
        here = order.index(self._session.index) if on_the_way else -1
        self._visited = order[(here + 1) % len(order)]
        self.go_to(self._visited)

    def _on_row(self) -> None:
        if not self._refresh_soon.isActive():
            self._refresh_soon.start()

    def _on_state(self) -> None:
        running = self._session.batch.running
        self.cancel_button.setEnabled(running)
        self.start_button.setEnabled(not running and self._session.source is not None)
        self.progress.setVisible(running)
        for spin in (self.first, self.last, self.every):
            spin.setEnabled(not running)
        self._refresh()

    def _on_source(self) -> None:
        source = self._session.source
        last = source.frames - 1 if source else 0
        for spin, value in ((self.first, 0), (self.last, last)):
            with QSignalBlocker(spin):
                spin.setRange(0, last)
                spin.setValue(value)
        self.start_button.setEnabled(source is not None and not self._session.batch.running)

    def _on_frame(self) -> None:
        self.plots.show_frame(self._session.index)
        self._select_here()

    def _refresh(self) -> None:
        batch = self._session.batch
        self.progress.setRange(0, max(batch.total, 1))
        self.progress.setValue(batch.done)
        self.export_button.setEnabled(batch.done > 0)
        self.model.set_rows(batch.doubtful, batch.middle)
        self.table.setColumnHidden(_KNOWN, not any(row.known_px for row in batch.rows))
        self.summary.setText(self._summary())
        self.plots.setVisible(bool(batch.rows))
        self.plots.show_span(batch.plan.frames if batch.plan is not None else range(0))
        self.plots.show_rows(batch.rows, batch.shared)
        self._select_here()

    def _summary(self) -> str:
        batch = self._session.batch
        if not batch.total:
            return _HINT
        if batch.running:
            return f"{batch.done} of {batch.total} frames{self._time_left()}"
        bad = sum(row.status != "ok" for row in batch.rows)
        words = [f"{batch.done} of {batch.total} frames predicted, {bad} to doubt."]
        if batch.shared is not None:
            words.append(f"Shared by the run: {center_text(batch.shared)}.")
        return " ".join(words)

    def _time_left(self) -> str:
        batch = self._session.batch
        if not batch.done or not self._began:
            return ""
        left = (time.monotonic() - self._began) / batch.done * (batch.total - batch.done)
        return f", about {left / 60:.0f} min left" if left > 90 else f", about {left:.0f} s left"

    def _show_detail(self) -> None:
        """The reason of the selected frame in full; the column has room for its first words only."""
        chosen = self.table.selectionModel().selectedRows()
        row = self.model.rows[chosen[0].row()] if chosen else None
        text = f"Frame {row.index}: {row.reason or 'trusted.'}" if row is not None else ""
        self.detail.setText(text)

    def _choose(self, index: QModelIndex) -> None:
        self.go_to(self.model.rows[index.row()].index)

    def _select_here(self) -> None:
        rows = [row.index for row in self.model.rows]
        if self._session.index in rows:
            self.table.selectRow(rows.index(self._session.index))
        self._show_detail()


def _spin(name: str, tip: str, least: int = 0) -> QSpinBox:
    spin = QSpinBox()
    spin.setAccessibleName(name)
    spin.setToolTip(tip)
    spin.setRange(least, 1_000_000 if least else 0)
    spin.setFixedWidth(58)
    # Style sheets set no padding inside spin boxes.
    spin.lineEdit().setTextMargins(5, 0, 0, 0)
    return spin


def _table(model: DoubtModel) -> QTableView:
    table = QTableView()
    table.setModel(model)
    table.setAccessibleName("Frames in order of doubt")
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setTabKeyNavigation(False)
    table.setShowGrid(False)
    table.setWordWrap(False)
    font = table.font()
    font.setPointSizeF(font.pointSizeF() * 0.94)
    table.setFont(font)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(26)
    header = table.horizontalHeader()
    header.setFont(font)
    header.setHighlightSections(False)
    header.setStretchLastSection(True)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    for section, width in enumerate((46, 72, 46, 64, 48, 64, 62, 62, 52, 48)):
        header.resizeSection(section, width)
    return table

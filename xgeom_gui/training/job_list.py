"""The list of jobs: choose one to watch, several to compare; archived ones behind a switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from xgeom_gui.look.theme import TRACK
from xgeom_gui.training.job_model import AGE, PROGRESS, PROGRESS_ROLE, STATE, TITLE, JobModel
from xgeom_gui.training.words import state_color

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, Status
    from xgeom_gui.training.training_desk import TrainingDesk

_WIDTHS = {STATE: 138, PROGRESS: 152, AGE: 58}
_BAR_PX = 3
_AGES_MS = 20_000


class JobList(QTableView):
    """Rows of jobs; the current one is the desk's selected one.

    Parameters
    ----------
    desk : TrainingDesk

    Signals
    -------
    chosen_changed
        Other jobs are selected (`chosen`).
    """

    chosen_changed = Signal()

    def __init__(self, desk: TrainingDesk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._restoring = False
        self._chosen: tuple[str, ...] = ()
        self.jobs = JobModel(desk, self)
        self.setModel(self.jobs)
        self.setItemDelegateForColumn(PROGRESS, _ProgressDelegate(self))
        self._set_up()
        self.jobs.modelReset.connect(self._restore)
        self.selectionModel().selectionChanged.connect(self._on_selection)
        desk.selected_changed.connect(self._restore)
        ages = QTimer(self, interval=_AGES_MS)
        ages.timeout.connect(self.jobs.repaint_ages)
        ages.start()
        self._restore()

    @property
    def chosen(self) -> tuple[Job, ...]:
        """The selected jobs, from top to bottom."""
        return tuple(job for job in self.jobs.rows if job.id in self._chosen)

    def choose(self, *job_ids: str) -> None:
        """Select these jobs; the first is the one that is watched."""
        self._chosen = job_ids
        if job_ids:
            self._desk.select(job_ids[0])
        self._restore()
        self.chosen_changed.emit()

    def status_of(self, job: Job) -> Status | None:
        """How a job stands."""
        return self._desk.status(job.id)

    def edit_title(self, job_id: str) -> None:
        """Let the user type another title."""
        row = self.jobs.row_of(job_id)
        if row >= 0:
            self.setFocus()
            self.edit(self.jobs.index(row, TITLE))

    def _set_up(self) -> None:
        self.setAccessibleName("Jobs")
        self.setToolTip("Jobs: choose one to watch it, several to compare them")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        triggers = QAbstractItemView.EditTrigger
        self.setEditTriggers(triggers.EditKeyPressed | triggers.DoubleClicked)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMinimumHeight(96)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(28)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(TITLE, QHeaderView.ResizeMode.Stretch)
        for section, width in _WIDTHS.items():
            header.resizeSection(section, width)

    def _on_selection(self) -> None:
        if self._restoring:
            return
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        self._chosen = tuple(self.jobs.rows[row].id for row in rows)
        current = self.currentIndex().row()
        watched = self._desk.selected
        if current in rows:
            self._desk.select(self.jobs.rows[current].id)
        elif self._chosen and (watched is None or watched.id not in self._chosen):
            self._desk.select(self._chosen[0])
        self.chosen_changed.emit()

    def _restore(self) -> None:
        """Select what was selected before the rows were put in another order."""
        watched = self._desk.selected
        if watched is not None and watched.id not in self._chosen:
            self._chosen = (watched.id,)
            self.chosen_changed.emit()
        if self._restoring:
            return
        self._restoring = True
        selection = QItemSelection()
        for job_id in self._chosen:
            row = self.jobs.row_of(job_id)
            if row >= 0:
                selection.select(self.jobs.index(row, 0), self.jobs.index(row, AGE))
        flags = QItemSelectionModel.SelectionFlag
        row = self.jobs.row_of(watched.id) if watched is not None else -1
        if row >= 0:
            self.selectionModel().setCurrentIndex(self.jobs.index(row, TITLE), flags.NoUpdate)
        self.selectionModel().select(selection, flags.ClearAndSelect | flags.Rows)
        self._restoring = False


class _ProgressDelegate(QStyledItemDelegate):
    """A thin bar below the text."""

    def __init__(self, owner: JobList) -> None:
        super().__init__(owner)
        self._owner = owner

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Text as ever, and the bar."""
        super().paint(painter, option, index)
        share = index.data(PROGRESS_ROLE)
        if share is None:
            return
        rect = QRectF(option.rect).adjusted(4, 0, -10, 0)
        rect.setTop(rect.bottom() - _BAR_PX - 2)
        rect.setHeight(_BAR_PX)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(Qt.PenStyle.NoPen))
        painter.setBrush(TRACK.color)
        painter.drawRoundedRect(rect, 1.5, 1.5)
        rect.setWidth(rect.width() * min(max(share, 0.0), 1.0))
        job = self._owner.jobs.rows[index.row()]
        painter.setBrush(state_color(self._owner.status_of(job)).color)
        painter.drawRoundedRect(rect, 1.5, 1.5)
        painter.restore()

"""The jobs as a table: those at work on top, then those that wait, then those that ended, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QFont

from xgeom_core.jobs.progress import share_of
from xgeom_gui.look.theme import HINT
from xgeom_gui.training.words import KIND_WORDS, STATE_TIPS, age, duration, state_color, state_text

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job
    from xgeom_gui.services.training_history import TrainingHistory
    from xgeom_gui.training.training_desk import TrainingDesk

_Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
PROGRESS_ROLE = int(_Role.UserRole) + 1
STATE, TITLE, PROGRESS, AGE = range(4)


@dataclass(frozen=True)
class _Column:
    title: str
    tip: str
    text: Callable[[JobModel, Job], str]


class JobModel(QAbstractTableModel):
    """Rows of the desk's jobs; titles can be edited, which renames the job.

    Parameters
    ----------
    desk : TrainingDesk
    """

    def __init__(self, desk: TrainingDesk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._rows: tuple[Job, ...] = ()
        self._archived_ids: frozenset[str] = frozenset()
        self._with_archived = False
        desk.jobs_changed.connect(self.refresh)
        desk.status_changed.connect(self._on_status)
        # Of jobs that have said something: asking the desk for another's would make it read old files.
        self._histories: dict[str, TrainingHistory] = {}
        desk.events_arrived.connect(self._on_events)
        desk.root_changed.connect(self._histories.clear)
        self.refresh()

    @property
    def rows(self) -> tuple[Job, ...]:
        """The jobs shown, from top to bottom."""
        return self._rows

    def row_of(self, job_id: str) -> int:
        """Row of a job; -1 if it is not shown."""
        return next((i for i, job in enumerate(self._rows) if job.id == job_id), -1)

    def is_archived(self, job: Job) -> bool:
        """Whether a job was put out of sight."""
        return job.id in self._archived_ids

    def show_archived(self, on: bool) -> None:
        """List archived jobs as well, at the end."""
        self._with_archived = on
        self.refresh()

    def refresh(self) -> None:
        """Take in other jobs, or another order of them."""
        archived = self._desk.archived
        rows = [*self._ordered(self._desk.jobs), *(self._ordered(archived) if self._with_archived else ())]
        self._archived_ids = frozenset(job.id for job in archived)
        if tuple(rows) == self._rows:
            return
        if [job.id for job in rows] == [job.id for job in self._rows]:
            self._rows = tuple(rows)
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(COLUMNS) - 1))
            return
        self.beginResetModel()
        self._rows = tuple(rows)
        self.endResetModel()

    def repaint_ages(self) -> None:
        """Time has passed."""
        if self._rows:
            self.dataChanged.emit(self.index(0, AGE), self.index(len(self._rows) - 1, AGE))

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 (Qt's signature)
        """Number of jobs."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, N802 (Qt's signature)
        """Number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Titles can be edited."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == TITLE else flags

    def setData(self, index: _Index, value: Any, role: int = _Role.EditRole) -> bool:  # noqa: N802 (Qt's name)
        """Rename a job; an empty name keeps the old one."""
        title, job = str(value).strip(), self._rows[index.row()]
        if role != _Role.EditRole or not title or title == job.title:
            return False
        self._desk.rename(job.id, title)
        return True

    def headerData(  # noqa: N802 (Qt's name)
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        """Headings and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case _Role.DisplayRole:
                return COLUMNS[section].title
            case _Role.ToolTipRole:
                return COLUMNS[section].tip
            case _Role.TextAlignmentRole:
                return _alignment(section)
            case _:
                return None

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:
        """Text, color, share done and tooltip of a cell."""
        job, section = self._rows[index.row()], index.column()
        match role:
            case _Role.DisplayRole | _Role.EditRole:
                return COLUMNS[section].text(self, job)
            case _Role.TextAlignmentRole:
                return _alignment(section)
            case _Role.ToolTipRole:
                return self._tip(job)
            case _Role.ForegroundRole:
                return self._brush(job, section)
            case _Role.FontRole if self.is_archived(job):
                font = QFont()
                font.setItalic(True)
                return font
            case _ if role == PROGRESS_ROLE:
                return self.share(job)
            case _:
                return None

    def share(self, job: Job) -> float | None:
        """Share of the work done; None where nobody knows."""
        status = self._desk.status(job.id)
        if status is None:
            return None
        if status.state == "done":
            return 1.0
        if job.kind == "simulate":
            return share_of(status.reason)
        history = self._histories.get(job.id)
        return history.progress if history is not None and history.planned_steps else None

    def left_text(self, job: Job) -> str:
        """Share done and time left."""
        status, share = self._desk.status(job.id), self.share(job)
        if share is None or status is None or status.state == "done":
            return ""
        history = self._histories.get(job.id)
        left = history.seconds_left if history is not None and not status.over else None
        return f"{100 * share:.0f}%" + (f", {duration(left)} left" if left is not None else "")

    def age_text(self, job: Job) -> str:
        """How long ago it was made."""
        return age(job.created)

    def status_text(self, job: Job) -> str:
        """Its state."""
        return "archived" if self.is_archived(job) else state_text(self._desk.status(job.id))

    def _tip(self, job: Job) -> str:
        status = self._desk.status(job.id)
        lines = [f"{job.title} ({KIND_WORDS[job.kind]}), {', '.join(job.place.devices)}"]
        if status is not None:
            lines.append(status.reason or STATE_TIPS[status.state])
        return "\n".join([*lines, "F2 renames, Ctrl adds a run to compare with"])

    def _brush(self, job: Job, section: int) -> QBrush | None:
        if self.is_archived(job) or section == AGE:
            return QBrush(HINT.color)
        return QBrush(state_color(self._desk.status(job.id)).color) if section == STATE else None

    def _ordered(self, jobs: Iterable[Job]) -> list[Job]:
        def key(job: Job) -> tuple[int, float]:
            status = self._desk.status(job.id)
            if status is None or status.over:
                return 2, -job.created
            return (1, job.created) if status.state == "queued" else (0, job.created)

        return sorted(jobs, key=key)

    def _on_status(self, job_id: str) -> None:
        self.refresh()
        self._repaint(job_id, STATE, PROGRESS)

    def _on_events(self, job_id: str, _events: object) -> None:
        self._histories[job_id] = self._desk.history(job_id)
        self._repaint(job_id, PROGRESS, PROGRESS)

    def _repaint(self, job_id: str, first: int, last: int) -> None:
        row = self.row_of(job_id)
        if row >= 0:
            self.dataChanged.emit(self.index(row, first), self.index(row, last))


COLUMNS = (
    _Column("State", "How the job stands", JobModel.status_text),
    _Column("Title", "Name of the job; F2 or a double click edits it", lambda _model, job: job.title),
    _Column("Progress", "Share of the steps done and time left", JobModel.left_text),
    _Column("Age", "Since the job was made", JobModel.age_text),
)


def _alignment(section: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if section == AGE else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter

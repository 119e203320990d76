"""The Training tab: the jobs, and below them the one that is looked at."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.training.job_list import JobList
from xgeom_gui.training.live_mark import LiveMark
from xgeom_gui.training.reuse import restore_default
from xgeom_gui.training.watch_page import WatchPage

if TYPE_CHECKING:
    from xgeom_gui.services.predictor import PredictorThread
    from xgeom_gui.state.session import Session
    from xgeom_gui.state.settings import Settings
    from xgeom_gui.training.training_desk import TrainingDesk

REDRAW_MS = 200
_EMPTY = (
    "A training teaches a network to see the beam center and the tilt, from simulated frames or your own. "
    "It runs in a process of its own and goes on when this window is closed."
)


class JobsPanel(QWidget):
    """List of jobs and page of the selected one, or a word of welcome while there is none.

    Parameters
    ----------
    session : Session
        Takes models into use; shows the running model's center on the open frame.
    desk : TrainingDesk
    settings : Settings
        Remembers the default model.
    predictor : PredictorThread
        Asks the running model's network.
    """

    def __init__(
        self,
        session: Session,
        desk: TrainingDesk,
        settings: Settings,
        predictor: PredictorThread,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._desk, self._settings = session, desk, settings
        self.live = LiveMark(session, desk, predictor, self)
        self.list = JobList(desk)
        self.new_button = QPushButton("New training…")
        self.new_button.setProperty("role", "primary")
        self.new_button.setToolTip("Compose a training and start it")
        self.new_button.clicked.connect(self._compose)
        self.archived_box = QCheckBox("Archived")
        self.archived_box.setToolTip("List archived jobs as well; nothing is ever deleted")
        self.archived_box.toggled.connect(self.list.jobs.show_archived)
        self.counts = QLabel()
        self.counts.setProperty("role", "soft")
        self._lay_out()
        # At most five times a second, however fast the events come.
        self._redraw = QTimer(self, singleShot=True, interval=REDRAW_MS)
        self._redraw.timeout.connect(self.refresh)
        desk.jobs_changed.connect(self.refresh)
        desk.selected_changed.connect(self.refresh)
        desk.status_changed.connect(self._on_news)
        desk.events_arrived.connect(lambda job_id, _events: self._on_news(job_id))
        desk.failed.connect(session.notice)
        self.list.chosen_changed.connect(self.refresh)
        restore_default(session, settings)
        self.refresh()

    @cached_property
    def page(self) -> WatchPage:
        """The page of the job that is looked at; its many plots are made for the first one."""
        page = WatchPage(self._session, self._desk, self._settings, self.live)
        page.control.rename_wanted.connect(self.list.edit_title)
        self._below.addWidget(page, 1)
        return page

    def refresh(self) -> None:
        """Draw what is known now."""
        desk = self._desk
        if desk.selected is None and desk.jobs and self.isVisible():
            # Only while somebody looks: a running model would mark the open frame.
            desk.select(max(desk.jobs, key=lambda job: job.created).id)
        self.pages.setCurrentIndex(1 if desk.jobs or desk.archived else 0)
        self.counts.setText(self._counts_text())
        self.archived_box.setVisible(bool(desk.archived))
        job = desk.selected
        if job is not None or self._has_page:
            self.page.setVisible(job is not None)
        self.choose_hint.setVisible(job is None)
        if job is not None and self.isVisible():
            self.page.show_jobs(job, self.list.chosen, self.list.jobs.is_archived(job))

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """End what the panel started for itself, never a job; whether that has ended in time."""
        self._redraw.stop()
        return not self._has_page or self.page.shutdown(wait_ms)

    @property
    def _has_page(self) -> bool:
        return "page" in self.__dict__

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 (Qt's name)
        """Catch up with what came while nobody looked."""
        super().showEvent(event)
        self.refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.new_button)
        row.addWidget(self.counts, 1)
        row.addWidget(self.archived_box)
        self.choose_hint = QLabel("Choose a job to watch it.")
        self.choose_hint.setProperty("role", "soft")
        self.choose_hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        below = QWidget()
        self._below = QVBoxLayout(below)
        self._below.setContentsMargins(0, 8, 0, 0)
        self._below.addWidget(self.choose_hint, 1)
        split = QSplitter(Qt.Orientation.Vertical)
        split.setChildrenCollapsible(False)
        split.addWidget(self.list)
        split.addWidget(below)
        split.setStretchFactor(0, 0)
        split.setStretchFactor(1, 1)
        split.setSizes([146, 500])
        jobs = QWidget()
        layout = QVBoxLayout(jobs)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addLayout(row)
        layout.addWidget(split, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(self._welcome())
        self.pages.addWidget(jobs)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.pages)

    def _welcome(self) -> QWidget:
        page = QWidget()
        title = QLabel("No training yet")
        title.setProperty("role", "title")
        words = QLabel(_EMPTY)
        words.setProperty("role", "soft")
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words.setFixedWidth(420)
        # A wrapped label under an alignment is given the height of its first guess.
        words.setMinimumHeight(words.heightForWidth(420))
        self.first_button = QPushButton("New training…")
        self.first_button.setProperty("role", "primary")
        self.first_button.setToolTip("Compose a training and start it")
        self.first_button.clicked.connect(self._compose)
        layout = QVBoxLayout(page)
        layout.setSpacing(12)
        layout.addStretch(2)
        for widget in (title, words, self.first_button):
            layout.addWidget(widget, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)
        return page

    def _compose(self) -> None:
        self._desk.compose()

    def _counts_text(self) -> str:
        states = [
            status.state for job in self._desk.jobs if (status := self._desk.status(job.id)) is not None
        ]
        waiting = states.count("queued")
        working = sum(state in {"starting", "running", "stopping", "paused"} for state in states)
        words = [f"{working} at work"] if working else []
        words += [f"{waiting} waiting"] if waiting else []
        return ", ".join(words)

    def _on_news(self, job_id: str) -> None:
        chosen = {job.id for job in self.list.chosen}
        selected = self._desk.selected
        concerns = job_id in chosen or (selected is not None and selected.id == job_id)
        if (concerns or not self.counts.text()) and not self._redraw.isActive():
            self._redraw.start()

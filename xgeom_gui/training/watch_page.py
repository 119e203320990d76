"""Everything about the selected job: how it stands, what can be done, and what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import (
    QCheckBox,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from xgeom_gui.services.run_reader import RunReader, RunRequest
from xgeom_gui.training.compare import ComparePane
from xgeom_gui.training.control import ControlBar
from xgeom_gui.training.evaluation import EvaluationPane
from xgeom_gui.training.log_pane import LogPane
from xgeom_gui.training.loss_curves import LossCurves, RunCurves
from xgeom_gui.training.ranking import RankingPane
from xgeom_gui.training.reuse import Reuse
from xgeom_gui.training.training_scatter import TrainingScatter
from xgeom_gui.training.watch import WatchHeader

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, Status
    from xgeom_gui.state.session import Session
    from xgeom_gui.state.settings import Settings
    from xgeom_gui.training.live_mark import LiveMark
    from xgeom_gui.training.training_desk import TrainingDesk

_MOST_COMPARED = 8
_CURVES, _SCATTER, _LOG, _COMPARE, _RANKING, _RESULT = range(6)
_TABS_OF = {
    "train": {_CURVES, _SCATTER, _LOG, _COMPARE},
    "sweep": {_RANKING, _LOG},
    "evaluate": {_RESULT, _LOG},
}


class WatchPage(QWidget):
    """Header, controls and tabs of one job; several chosen ones share curves and comparison.

    Parameters
    ----------
    session : Session
    desk : TrainingDesk
    settings : Settings
    live : LiveMark
        Shows the running model's center on the open frame.
    """

    def __init__(
        self,
        session: Session,
        desk: TrainingDesk,
        settings: Settings,
        live: LiveMark,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._desk = session, desk
        self._job: Job | None = None
        self._chosen: tuple[Job, ...] = ()
        self._asked: dict[str, object] = {}
        self.header = WatchHeader()
        self.control = ControlBar(desk)
        self.reuse = Reuse(session, desk, settings, self.control)
        self.log_button = QPushButton("Show log")
        self.log_button.setToolTip("What the job's program wrote before it ended")
        self.log_button.clicked.connect(lambda: self.tabs.setCurrentIndex(_LOG))
        self.control.add_button(self.log_button)
        self.curves, self.scatter, self.log = LossCurves(), TrainingScatter(), LogPane(desk)
        self.compare, self.ranking, self.result = ComparePane(), RankingPane(), EvaluationPane(desk)
        self.live_box = QCheckBox("X on frame")
        self.live_box.setToolTip("Show where the running model sees the center of the open frame")
        self.live_box.setChecked(live.shown)
        self.live_box.toggled.connect(live.set_shown)
        self.reader = RunReader(self)
        self._lay_out()
        self._connect()

    def show_jobs(self, job: Job, chosen: Sequence[Job], archived: bool) -> None:
        """Show one job, beside others that are chosen with it."""
        new = self._job is None or job.id != self._job.id
        if new:
            self._asked.clear()
            self.scatter.show_predictions({})
            self.ranking.show_trials(())
        self._job = job
        self._chosen = tuple(chosen)[:_MOST_COMPARED] or (job,)
        status, history = self._desk.status(job.id), self._desk.history(job.id)
        self.header.show_job(job, status, history)
        self.control.show_job(job, status, archived)
        self.reuse.show_job(job, status, history)
        self.log.show_job(job)
        in_trouble = status is not None and status.state in {"failed", "lost", "killed"}
        self.log_button.setVisible(in_trouble and self.tabs.currentIndex() != _LOG)
        self._show_tabs(job, status)
        if new and job.kind == "evaluate":
            self.tabs.setCurrentIndex(_RESULT)
        self._show_tab()

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """End the reader; whether it has ended in time."""
        return self.reader.shutdown(wait_ms)

    def _lay_out(self) -> None:
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        for widget, title, tip in (
            (self.curves, "Curves", "Losses and errors over the step"),
            (self.scatter, "Predicted", "Predicted against actual, frame by frame"),
            (self.log, "Log", "What the job's program wrote"),
            (self.compare, "Compare", "Settings that differ beside the results of the chosen runs"),
            (self.ranking, "Ranking", "The variants of the sweep, the best first"),
            (self.result, "Result", "Errors of the model on each set of frames"),
        ):
            page = QWidget()
            layout = QVBoxLayout(page)
            layout.setContentsMargins(0, 8, 0, 0)
            layout.addWidget(widget)
            self.tabs.setTabToolTip(self.tabs.addTab(page, title), tip)
        self.tabs.setCornerWidget(self.live_box)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        # What is clicked comes before what grows: no text of another job moves it.
        layout.addWidget(self.control)
        layout.addWidget(self.header)
        layout.addWidget(self.tabs, 1)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._on_tab)
        self.control.said.connect(self._session.say)
        self.reader.predictions_read.connect(self._on_predictions)
        self.reader.comparison_read.connect(self._on_comparison)
        self.reader.ranking_read.connect(self._on_ranking)
        self.reader.failed.connect(self._on_refused)
        self.ranking.model_wanted.connect(self._session.use_model)

    def _show_tabs(self, job: Job, status: Status | None) -> None:
        there = _TABS_OF.get(job.kind, {_LOG})
        for index in range(self.tabs.count()):
            self.tabs.setTabVisible(index, index in there)
        many = len(self._trainings())
        self.tabs.setTabText(_COMPARE, f"Compare {many}" if many > 1 else "Compare")
        self.live_box.setVisible(job.kind == "train" and status is not None and not status.over)

    def _on_tab(self) -> None:
        if self._job is not None:
            self.log_button.setVisible(self.log_button.isVisible() and self.tabs.currentIndex() != _LOG)
            self._show_tab()

    def _show_tab(self) -> None:
        """Bring the tab in sight up to date; the others wait until they are."""
        match self.tabs.currentIndex():
            case 0:
                runs = [RunCurves(job.id, job.title, self._desk.history(job.id)) for job in self._trainings()]
                self.curves.show_runs(runs)
            case 1:
                self._ask_predictions()
            case 3:
                self._ask_comparison()
            case 4:
                self._ask_ranking()
            case 5 if self._job is not None:
                self.result.show_job(self._job, self._desk.status(self._job.id))
            case _:
                pass

    def _trainings(self) -> tuple[Job, ...]:
        """The trainings among the chosen jobs, the one that is looked at first."""
        chosen = [job for job in self._chosen if job.kind == "train"]
        return tuple(sorted(chosen, key=lambda job: self._job is None or job.id != self._job.id))

    def _ask_predictions(self) -> None:
        if self._job is None:
            return
        history = self._desk.history(self._job.id)
        step = history.validations[-1].step if history.validations else -1
        self._ask(RunRequest("predictions", (self._job.folder,)), step)

    def _ask_comparison(self) -> None:
        jobs = self._trainings()
        if len(jobs) < 2:
            self.compare.show_hint()
            self._asked.pop("comparison", None)
            return
        scores = tuple(sum(len(one.loss) for one in self._desk.history(job.id).sets.values()) for job in jobs)
        titles = tuple(job.title for job in jobs)
        self._ask(RunRequest("comparison", tuple(job.folder for job in jobs), titles), scores)

    def _ask_ranking(self) -> None:
        if self._job is not None:
            request = RunRequest("ranking", (sweep_folder(self._job),))
            status = self._desk.status(self._job.id)
            # A sweep tells nothing by itself: its folder is looked at with every heartbeat.
            self._ask(request, status)

    def _ask(self, request: RunRequest, state: object) -> None:
        """Read it, unless nothing has changed since it was read."""
        if self._asked.get(request.wish) != (request, state):
            self._asked[request.wish] = (request, state)
            self.reader.submit(request)

    def _is_wanted(self, request: RunRequest) -> bool:
        asked = self._asked.get(request.wish)
        return isinstance(asked, tuple) and asked[0] == request

    def _on_predictions(self, request: RunRequest, sets: object) -> None:
        if self._is_wanted(request):
            predicts = self._desk.history(self._job.id).predicts if self._job is not None else "both"
            self.scatter.show_predictions(sets, predicts)  # type: ignore[arg-type]

    def _on_comparison(self, request: RunRequest, comparison: object) -> None:
        if self._is_wanted(request):
            self.compare.show_comparison(request.titles, comparison)  # type: ignore[arg-type]

    def _on_ranking(self, request: RunRequest, trials: object) -> None:
        if self._is_wanted(request):
            self.ranking.show_trials(trials)  # type: ignore[arg-type]

    def _on_refused(self, request: RunRequest, text: str) -> None:
        if self._is_wanted(request):
            if request.wish == "comparison":
                self.compare.show_hint(text)
            else:
                self._session.notice(text)


def sweep_folder(job: Job) -> Path:
    """Folder in which a sweep keeps its variants."""
    words = job.arguments
    return Path(words[words.index("--dir") + 1]) if "--dir" in words[:-1] else job.folder

"""The state of the Training tab: which jobs there are, how they stand, which one is looked at.

Panels read its properties, subscribe to its signals and ask by its methods; nothing here blocks. What
the methods ask for happens in the thread of `JobsOwner`; a failure comes back as `failed`, in words.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import shiboken6
from PySide6.QtCore import QObject, QTimer, Signal

from xgeom_core.jobs.job import ENDED
from xgeom_core.jobs.store import JobStore
from xgeom_gui.services.jobs_owner import Ask, JobsOwner
from xgeom_gui.services.training_history import TrainingHistory

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, JobKind, Place, Status
    from xgeom_core.training.config import Config
    from xgeom_core.training.events import Event

_T = TypeVar("_T")
# Events of a long run come by the hundred thousand: a few milliseconds a turn of the event loop.
_TURN_S = 0.008
_SLICE = 250


class TrainingDesk(QObject):
    """Jobs, their statuses and histories, and the one that is selected.

    Parameters
    ----------
    owner : JobsOwner
        The thread; the desk starts it and takes it as its child.
    root : Path
        Folder below which the jobs are kept.

    Signals
    -------
    jobs_changed
        Jobs came, went, were renamed or archived (`jobs`, `archived`).
    status_changed : str
        A job's status is another (`status`); while it runs, twice a second with its heartbeat.
    events_arrived : str, list of Event
        A job said something; `history` holds it already. Long runs arrive in slices.
    selected_changed
        Another job is looked at, or none.
    submitted : str
        A job asked for by `submit` or `train` was taken; it is selected.
    root_changed
        The jobs are kept below another folder.
    compose_asked : Config or None, str
        The composer should open with this configuration (None: as it was left) and this title.
    failed : str
        A sentence for the user.
    """

    jobs_changed = Signal()
    status_changed = Signal(str)
    events_arrived = Signal(str, object)
    selected_changed = Signal()
    root_changed = Signal()
    compose_asked = Signal(object, str)
    submitted = Signal(str)
    failed = Signal(str)

    def __init__(self, owner: JobsOwner, root: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._owner, self._root = owner, root
        owner.setParent(self)
        self._jobs: tuple[Job, ...] = ()
        self._archived: tuple[Job, ...] = ()
        self._statuses: dict[str, Status] = {}
        self._histories: dict[str, TrainingHistory] = {}
        self._selected: str | None = None
        self._wanted_selection = ""
        self._pending: deque[tuple[str, Sequence[Event]]] = deque()
        self._turn = QTimer(self, singleShot=True, interval=0)
        self._turn.timeout.connect(self._drain)
        owner.listed.connect(self._on_listed)
        owner.looked.connect(self._on_looked)
        owner.events_read.connect(self._on_events)
        owner.answered.connect(self._on_answer)
        owner.refused.connect(self._on_refusal)

    def start(self) -> None:
        """Begin to look at the jobs; those begun in an earlier window are there again."""
        if not self._owner.isRunning():
            self._owner.start()

    def shutdown(self, wait_ms: int = 15_000) -> bool:
        """Stop looking; the jobs themselves go on. Whether the thread has ended in time."""
        self._turn.stop()
        self._pending.clear()
        return self._owner.shutdown(wait_ms)

    # ------------------------------------------------------------------------------------ reading

    @property
    def root(self) -> Path:
        """Folder below which jobs are kept."""
        return self._root

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Jobs that are not archived, oldest first."""
        return self._jobs

    @property
    def archived(self) -> tuple[Job, ...]:
        """Archived jobs, oldest first."""
        return self._archived

    @property
    def active(self) -> tuple[Job, ...]:
        """Jobs that wait or run."""
        return tuple(job for job in self._jobs if (s := self.status(job.id)) and s.state not in ENDED)

    def job(self, job_id: str) -> Job | None:
        """A job by its id, archived or not."""
        return next((job for job in (*self._jobs, *self._archived) if job.id == job_id), None)

    def status(self, job_id: str) -> Status | None:
        """How a job stands; None before the first look at it."""
        return self._statuses.get(job_id)

    def history(self, job_id: str) -> TrainingHistory:
        """What a job has said; of one that has ended it is read now, and `events_arrived` tells."""
        self._owner.want_events(job_id)
        return self._histories.setdefault(job_id, TrainingHistory())

    @property
    def selected(self) -> Job | None:
        """The job that is looked at."""
        return self.job(self._selected) if self._selected is not None else None

    # ------------------------------------------------------------------------------------- asking

    def select(self, job_id: str | None) -> None:
        """Look at another job."""
        if job_id != self._selected:
            self._selected = job_id
            if job_id is not None:
                self._owner.want_events(job_id)
            self.selected_changed.emit()

    def set_root(self, root: Path) -> None:
        """Keep jobs below another folder, and look at those that are there."""
        if root == self._root:
            return
        self._root = root
        self._histories.clear()
        self._statuses.clear()
        self._pending.clear()
        self._owner.set_root(root)
        self.select(None)
        self.root_changed.emit()

    def compose(self, config: Config | None = None, title: str = "") -> None:
        """Open the composer, with the settings of another run if there is a configuration."""
        self.compose_asked.emit(config, title)

    def ask(
        self,
        work: Callable[[JobStore], _T],
        then: Callable[[_T], None] | None = None,
        otherwise: Callable[[str], None] | None = None,
        owner: QObject | None = None,
    ) -> None:
        """Do anything with the store, off the window's thread.

        Parameters
        ----------
        work : callable
            Takes the store; must not touch what the window owns.
        then : callable, optional
            Takes the result, in the window's thread.
        otherwise : callable, optional
            Takes the sentence of a failure; without it, `failed` is emitted.
        owner : QObject, optional
            The answer is dropped once this one is gone.
        """
        self._owner.ask(Ask(work, then, otherwise, owner))

    # ----------------------------------------------------------------------------------- commands

    def submit(
        self,
        kind: JobKind,
        arguments: Sequence[str],
        place: Place,
        title: str = "",
        folder: Path | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """Start a job, or queue it; `submitted` tells when it is taken."""
        given = tuple(arguments)
        self.ask(lambda store: store.submit(kind, given, place, title, folder, files), self._on_taken)

    def train(self, config: Config, place: Place, title: str = "", folder: Path | None = None) -> None:
        """Start a training, or queue it."""
        self.ask(lambda store: store.train(config, place, title, folder), self._on_taken)

    def stop(self, job_id: str) -> None:
        """Ask a job to save and end."""
        self._of(job_id, JobStore.stop)

    def kill(self, job_id: str) -> None:
        """End a job and everything it started at once."""
        self._of(job_id, JobStore.kill)

    def pause(self, job_id: str) -> None:
        """Freeze a job where it is."""
        self._of(job_id, JobStore.pause)

    def unpause(self, job_id: str) -> None:
        """Let a frozen job go on."""
        self._of(job_id, JobStore.unpause)

    def resume(self, job_id: str, agreed: str = "") -> None:
        """Let a job that ended go on; `agreed` is what `JobStore.resume` calls so."""
        self._of(job_id, lambda store, job: store.resume(job, agreed))

    def rename(self, job_id: str, title: str) -> None:
        """Call a job something else."""
        self._of(job_id, lambda store, job: store.rename(job, title))

    def archive(self, job_id: str) -> None:
        """Put a job that ended out of sight; nothing is deleted."""
        self._of(job_id, JobStore.archive)

    def unarchive(self, job_id: str) -> None:
        """Bring an archived job back."""
        self._of(job_id, JobStore.unarchive)

    def _of(self, job_id: str, work: Callable[[JobStore, Job], Any]) -> None:
        job = self.job(job_id)
        if job is None:
            self.failed.emit("That job is no longer there; somebody moved its folder.")
            return
        self.ask(lambda store: work(store, job))

    # ------------------------------------------------------------------------------------ answers

    def _on_taken(self, job: Job) -> None:
        self._wanted_selection = job.id
        self._select_wanted()
        self.submitted.emit(job.id)

    def _select_wanted(self) -> None:
        """The new job is selected once it is in the list."""
        if self._wanted_selection and self.job(self._wanted_selection) is not None:
            wanted, self._wanted_selection = self._wanted_selection, ""
            self.select(wanted)

    def _on_listed(self, jobs: tuple[Job, ...], archived: tuple[Job, ...]) -> None:
        self._jobs, self._archived = jobs, archived
        self.jobs_changed.emit()
        self._select_wanted()
        if self._selected is not None and self.selected is None:
            self.select(None)

    def _on_looked(self, statuses: dict[str, Status]) -> None:
        self._statuses.update(statuses)
        for job_id in statuses:
            self.status_changed.emit(job_id)

    def _on_events(self, job_id: str, events: Sequence[Event]) -> None:
        for begin in range(0, len(events), _SLICE):
            self._pending.append((job_id, events[begin : begin + _SLICE]))
        if not self._turn.isActive():
            self._turn.start()

    def _drain(self) -> None:
        end = time.monotonic() + _TURN_S
        while self._pending and time.monotonic() < end:
            job_id, events = self._pending.popleft()
            history = self._histories.setdefault(job_id, TrainingHistory())
            for event in events:
                history.add(event)
            self.events_arrived.emit(job_id, events)
        if self._pending:
            self._turn.start()

    def _on_answer(self, request: Ask, result: Any) -> None:
        if request.then is not None and _alive(request.owner):
            request.then(result)

    def _on_refusal(self, request: Ask | None, sentence: str) -> None:
        if request is not None and request.otherwise is not None:
            if _alive(request.owner):
                request.otherwise(sentence)
            return
        self.failed.emit(sentence)


def _alive(owner: QObject | None) -> bool:
    return owner is None or shiboken6.isValid(owner)

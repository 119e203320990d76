"""A desk whose jobs stand as a test says; nothing runs. Same signals and methods as `TrainingDesk`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from xgeom_core.errors import XgeomError
from xgeom_core.jobs.job import Job, Place, Status
from xgeom_core.training.events import Checkpoint, Heartbeat, RunStarted, Step, Validation
from xgeom_gui.services.training_history import TrainingHistory


class FakeStore:
    """What panels ask of the store in the worker thread."""

    def __init__(self) -> None:
        self.logs: dict[str, str] = {}

    def log(self, job: Job, last_bytes: int = 200_000) -> str:
        return self.logs.get(job.id, "")[-last_bytes:]


class FakeDesk(QObject):
    jobs_changed = Signal()
    status_changed = Signal(str)
    events_arrived = Signal(str, object)
    selected_changed = Signal()
    submitted = Signal(str)
    root_changed = Signal()
    compose_asked = Signal(object, str)
    failed = Signal(str)

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.store = FakeStore()
        self.jobs: tuple[Job, ...] = ()
        self.archived: tuple[Job, ...] = ()
        self.statuses: dict[str, Status] = {}
        self.histories: dict[str, TrainingHistory] = {}
        self.done: list[tuple[Any, ...]] = []
        self._selected: str | None = None

    # what a test sets

    def put(self, name: str, state: str, kind: str = "train", title: str = "", **more: Any) -> Job:
        """A job in a state; more goes to its status."""
        place = more.pop("place", Place())
        arguments = more.pop("arguments", ("train",))
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        job = Job(name, kind, title or name, folder, arguments, place, 1e9 + len(self.jobs))
        self.jobs = (*self.jobs, job)
        self.statuses[name] = Status(state, **more)
        self.jobs_changed.emit()
        return job

    def set_status(self, name: str, state: str, **more: Any) -> None:
        self.statuses[name] = Status(state, **more)
        self.status_changed.emit(name)

    def tell(self, name: str, *events: Any) -> None:
        history = self.history(name)
        for event in events:
            history.add(event)
        self.events_arrived.emit(name, list(events))

    # what panels use

    @property
    def selected(self) -> Job | None:
        return self.job(self._selected) if self._selected else None

    def job(self, job_id: str) -> Job | None:
        return next((job for job in (*self.jobs, *self.archived) if job.id == job_id), None)

    def status(self, job_id: str) -> Status | None:
        return self.statuses.get(job_id)

    def history(self, job_id: str) -> TrainingHistory:
        return self.histories.setdefault(job_id, TrainingHistory())

    def select(self, job_id: str | None) -> None:
        if job_id != self._selected:
            self._selected = job_id
            self.selected_changed.emit()

    def ask(self, work: Any, then: Any = None, otherwise: Any = None, owner: Any = None) -> None:
        QTimer.singleShot(0, self, lambda: self._answer(work, then, otherwise))

    def _answer(self, work: Any, then: Any, otherwise: Any) -> None:
        try:
            result = work(self.store)
        except XgeomError as error:
            (otherwise or self.failed.emit)(str(error))
            return
        if then is not None:
            then(result)

    def compose(self, config: Any = None, title: str = "") -> None:
        self.compose_asked.emit(config, title)

    def submit(self, kind: Any, arguments: Any, place: Any, title: str = "", folder: Any = None) -> None:
        self.done.append(("submit", kind, tuple(arguments), place, title, folder))

    def stop(self, job_id: str) -> None:
        self.done.append(("stop", job_id))
        self.set_status(job_id, "stopping")

    def kill(self, job_id: str) -> None:
        self.done.append(("kill", job_id))
        self.set_status(job_id, "killed", reason="It was killed.")

    def pause(self, job_id: str) -> None:
        self.done.append(("pause", job_id))
        self.set_status(job_id, "paused")

    def unpause(self, job_id: str) -> None:
        self.done.append(("unpause", job_id))
        self.set_status(job_id, "running")

    def resume(self, job_id: str, agreed: str = "") -> None:
        self.done.append(("resume", job_id, agreed) if agreed else ("resume", job_id))
        self.set_status(job_id, "queued")

    def rename(self, job_id: str, title: str) -> None:
        self.done.append(("rename", job_id, title))
        self.jobs = tuple(replace(job, title=title) if job.id == job_id else job for job in self.jobs)
        self.jobs_changed.emit()

    def archive(self, job_id: str) -> None:
        self.done.append(("archive", job_id))
        moved = tuple(job for job in self.jobs if job.id == job_id)
        self.jobs = tuple(job for job in self.jobs if job.id != job_id)
        self.archived = (*self.archived, *moved)
        self.jobs_changed.emit()

    def unarchive(self, job_id: str) -> None:
        self.done.append(("unarchive", job_id))
        moved = tuple(job for job in self.archived if job.id == job_id)
        self.archived = tuple(job for job in self.archived if job.id != job_id)
        self.jobs = (*self.jobs, *moved)
        self.jobs_changed.emit()


def started(steps: int = 2000, first: int = 0) -> RunStarted:
    return RunStarted(pid=1, command="xgeom train", xgeom_version="0", steps=steps, first_step=first)


def step(at: int, steps: int = 2000, loss: float = 1.0, center: float = 5.0, **more: Any) -> Step:
    return Step(
        step=at,
        steps=steps,
        frames=32 * at,
        loss=loss,
        center_px=center,
        learning_rate=1e-3,
        frames_per_s=83.0,
        **more,
    )


def score(
    at: int, loss: float = 1.0, center: float = 6.0, data: str = "flat", tilt: float = 0.4
) -> Validation:
    return Validation(
        step=at,
        data=data,
        loss=loss,
        center_px=center,
        center_constant_px=22.0,
        tilt_deg=tilt,
        tilt_constant_deg=0.9,
    )


def checkpoint(at: int, folder: Path) -> Checkpoint:
    return Checkpoint(step=at, model=str(folder / "model.safetensors"))


def beat(**more: Any) -> Heartbeat:
    return Heartbeat(process="x", clock=0.0, **{"memory_gb": 1.4, **more})

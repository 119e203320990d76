"""What can be asked of jobs: start, stop, pause, rename, ...; each asks and returns at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from xgeom_core.jobs.job import Job, JobKind, Place
    from xgeom_core.jobs.store import JobStore
    from xgeom_core.training.config import Config

_T = TypeVar("_T")


class DeskCommands(QObject):
    """The commands of the desk; how they are carried out is the desk's own affair.

    Signals
    -------
    submitted : str
        A job asked for by `submit` or `train` was taken; it is selected.
    failed : str
        A sentence for the user.
    """

    submitted = Signal(str)
    failed = Signal(str)

    def job(self, job_id: str) -> Job | None:
        """A job by its id, archived or not."""
        raise NotImplementedError

    def ask(
        self,
        work: Callable[[JobStore], _T],
        then: Callable[[_T], None] | None = None,
        otherwise: Callable[[str], None] | None = None,
        owner: QObject | None = None,
    ) -> None:
        """Do anything with the store, off the window's thread."""
        raise NotImplementedError

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

    def duplicate(self, job_id: str, **changes: Any) -> None:
        """Start a job like another one, with changes."""
        self._of(job_id, lambda store, job: store.duplicate(job, **changes), self._on_taken)

    def stop(self, job_id: str) -> None:
        """Ask a job to save and end."""
        self._of(job_id, lambda store, job: store.stop(job))

    def kill(self, job_id: str) -> None:
        """End a job and everything it started at once."""
        self._of(job_id, lambda store, job: store.kill(job))

    def pause(self, job_id: str) -> None:
        """Freeze a job where it is."""
        self._of(job_id, lambda store, job: store.pause(job))

    def unpause(self, job_id: str) -> None:
        """Let a frozen job go on."""
        self._of(job_id, lambda store, job: store.unpause(job))

    def resume(self, job_id: str) -> None:
        """Let a job that ended go on from its checkpoint."""
        self._of(job_id, lambda store, job: store.resume(job))

    def rename(self, job_id: str, title: str) -> None:
        """Call a job something else."""
        self._of(job_id, lambda store, job: store.rename(job, title))

    def archive(self, job_id: str) -> None:
        """Put a job that ended out of sight; nothing is deleted."""
        self._of(job_id, lambda store, job: store.archive(job))

    def unarchive(self, job_id: str) -> None:
        """Bring an archived job back."""
        self._of(job_id, lambda store, job: store.unarchive(job))

    def _of(
        self,
        job_id: str,
        work: Callable[[JobStore, Job], Any],
        then: Callable[[Any], None] | None = None,
    ) -> None:
        job = self.job(job_id)
        if job is None:
            self.failed.emit("That job is no longer there; somebody moved its folder.")
            return
        self.ask(lambda store: work(store, job), then)

    def _on_taken(self, job: Job) -> None:
        """A job that was asked for is there."""
        raise NotImplementedError

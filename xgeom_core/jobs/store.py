"""The jobs below one folder: the only door to them for windows and the command line."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import time
from types import ModuleType
from typing import TYPE_CHECKING

import platformdirs

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import control, job_folders, launch, records, trust
from xgeom_core.jobs.job import Job, JobKind, Place, Status
from xgeom_core.jobs.queue import draw_ticket, folders_locked
from xgeom_core.jobs.settings import check_place, for_place
from xgeom_core.jobs.state import Watch
from xgeom_core.system.lock import waiting_lock
from xgeom_core.system.safe_files import write_text
from xgeom_core.system.text import name_problem

if TYPE_CHECKING:
    from xgeom_core.training.config import Config


_RESUMING = "resume.lock"


def default_root() -> Path:
    """Folder below which jobs are kept unless the user says otherwise."""
    return Path(platformdirs.user_data_dir("xgeom", appauthor=False)) / "runs"


class JobStore:
    """Jobs below a folder. Every method may be called from any thread; most touch the disk.

    Parameters
    ----------
    root : Path
        Made when the first job is submitted.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self._watch = Watch()

    # ------------------------------------------------------------------------------------- looking

    def jobs(self, archived: bool = False) -> list[Job]:
        """All jobs, or all archived ones, oldest first.

        Runs begun in a terminal with a run folder below the root are listed as well.

        Raises
        ------
        TrainingError
            If the root is there and cannot be read.
        """
        folder = job_folders.archive_of(self.root) if archived else self.root
        try:
            folders = [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise TrainingError(
                f"The folder of jobs {folder} cannot be read: {error.strerror}. Choose another."
            ) from None
        found = [job for path in folders if (job := records.read_job(path)) is not None]
        return sorted(found, key=_age)

    def find(self, text: str) -> Job:
        """The job with this id, folder, folder name or title, archived or not.

        Raises
        ------
        TrainingError
            If there is none, or more than one.
        """
        everyone = [*self.jobs(), *self.jobs(archived=True)]
        for fits in (_is_exactly, _begins_with):
            found = [job for job in everyone if fits(job, text)]
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(job.folder.name for job in found[:5])
                raise TrainingError(f"{text!r} may be any of {names}; give the name of its folder.")
        raise TrainingError(f"There is no job {text!r} below {self.root}; 'xgeom jobs list' shows them.")

    def job(self, job_id: str) -> Job | None:
        """The job with this id, or None."""
        everyone = [*self.jobs(), *self.jobs(archived=True)]
        return next((job for job in everyone if job.id == job_id), None)

    def status(self, job: Job) -> Status:
        """How a job stands. Reads small files only; call it as often as wanted."""
        return self._watch.status(job)

    def log(self, job: Job, last_bytes: int = 200_000) -> str:
        """The end of what the job's command printed."""
        return records.end_of_log(job.folder, last_bytes)

    def new_folder(self, kind: JobKind, now: datetime | None = None) -> Path:
        """A folder that does not exist yet, named after kind and time. It is not made."""
        return job_folders.new_folder(self.root, kind, now)

    # ------------------------------------------------------------------------------------ starting

    def submit(
        self,
        kind: JobKind,
        arguments: tuple[str, ...],
        place: Place,
        title: str = "",
        folder: Path | None = None,
        files: Mapping[str, str] | None = None,
        program: tuple[str, ...] = (),
    ) -> Job:
        """Start a job, or queue it behind those that need the same device.

        Parameters
        ----------
        kind : JobKind
        arguments : tuple of str
            What follows ``xgeom``; paths absolute.
        place : Place
        title : str
            For people; the name of the folder unless given.
        folder : Path, optional
            A new folder directly below the root.
        files : mapping of str to str
            Names and texts of files to write into the folder first.
        program : tuple of str
            What to run in place of this Python's xgeom.

        Raises
        ------
        TrainingError
            If the folder is taken or cannot be written, or the job cannot be started.
        """
        path = (folder or self.new_folder(kind)).absolute()
        job = Job(
            id=uuid.uuid4().hex[:12],
            kind=kind,
            title=_checked(title) if title else path.name,
            folder=path,
            arguments=tuple(arguments),
            place=place,
            created=time(),
            program=program,
        )
        job_folders.make_root(self.root)
        with folders_locked(self.root):
            job_folders.make_folder(self.root, path)
            try:
                for name, text in (files or {}).items():
                    write_text(path / name, text)
            except OSError as error:
                raise records.cannot_write(path, error) from None
            records.write_job(job)
        self._begin(job)
        return job

    def train(self, config: Config, place: Place, title: str = "", folder: Path | None = None) -> Job:
        """Start a training, or queue it.

        The configuration is written into the folder with the device of `place` and absolute paths.

        Raises
        ------
        ConfigError
            If the place does not fit the configuration.
        TrainingError
            As `submit` does.
        """
        path = folder if folder is not None else self.new_folder("train")
        fitted = for_place(config, place)
        check_place(fitted, place)
        arguments = ("train", str(path / records.CONFIG), "--run-dir", str(path))
        files = {records.CONFIG: fitted.to_toml()}
        return self.submit("train", arguments, place, title or config.name, path, files)

    def resume(self, job: Job, agreed: str = "") -> None:
        """Go on with a job that was stopped, killed, crashed or lost: same folder, same command.

        It goes to the end of its queue, and a training goes on from its last checkpoint.

        Parameters
        ----------
        job : Job
        agreed : str
            `trust.code_of` the job whose command the user has seen and agreed to, where that is needed.

        Raises
        ------
        ConsentNeededError
            If its command was not written down by this user's xgeom, and nobody agreed to it.
        TrainingError
            If it still runs, is done, or cannot be started.
        """
        try:
            with waiting_lock(job.folder / _RESUMING):
                self._resume(job, agreed)
        except OSError as error:
            raise records.cannot_write(job.folder, error) from None

    def _resume(self, job: Job, agreed: str) -> None:
        if job.trouble:
            raise TrainingError(job.trouble)
        status = self.status(job)
        if not status.over:
            raise TrainingError(f"{job.title} is {status.state}; it can go on only after it has ended.")
        if status.state == "done":
            raise TrainingError(f"{job.title} is done; duplicate it to train on with other settings.")
        if job.folder.parent == job_folders.archive_of(self.root):
            raise TrainingError(f"{job.title} is archived; take it out of the archive first.")
        trust.check_consent(job, agreed)
        control.clear(job)
        if not (job.managed and job.ours):
            # Begun in a terminal, or agreed to: from now on it is looked after, and known.
            job = replace(job, ours=True)
            records.write_job(job)
        self._watch.forget(job)
        self._begin(job)

    # ------------------------------------------------------------------------------------- control

    def stop(self, job: Job) -> None:
        """Ask a job to end in order; a training saves first. Returns at once."""
        # A file left in the folder of an ended run would stop its next start.
        if not self.status(job).over:
            control.stop(job)

    def kill(self, job: Job) -> None:
        """End a job and every process it started, now. What was not saved is lost."""
        if job.place.slurm is None:
            control.kill(job)
        else:
            _slurm().cancel_slurm(job)

    def pause(self, job: Job) -> None:
        """Halt every process of a job; it keeps its memory and its device."""
        _only_here(job)
        control.pause(job)

    def unpause(self, job: Job) -> None:
        """Let a paused job go on."""
        _only_here(job)
        control.unpause(job)

    # ------------------------------------------------------------------------------------- keeping

    def rename(self, job: Job, title: str) -> Job:
        """Give a job another title; its folder stays."""
        renamed = replace(job, title=_checked(title), managed=True)
        records.write_job(renamed)
        return renamed

    def archive(self, job: Job) -> Job:
        """Move an ended job's folder to the archive; nothing is deleted."""
        status = self.status(job)
        if not status.over:
            raise TrainingError(f"{job.title} is {status.state}; stop it before it is archived.")
        return job_folders.move(job, job_folders.archive_of(self.root))

    def unarchive(self, job: Job) -> Job:
        """Move a job's folder back from the archive."""
        return job_folders.move(job, self.root)

    # ------------------------------------------------------------------------------------ internal

    def _begin(self, job: Job) -> None:
        draw_ticket(self.root, job.folder, job.place)
        if job.place.slurm is None:
            launch.start_supervisor(job)
        else:
            _slurm().submit_slurm(job)


def _slurm() -> ModuleType:
    from xgeom_core.jobs import slurm  # noqa: PLC0415 - only for those who have a cluster

    return slurm


def _only_here(job: Job) -> None:
    if job.place.slurm is not None:
        raise TrainingError(
            f"{job.title} runs on Slurm, where users cannot pause a job; stop it and resume it later."
        )


def _checked(title: str) -> str:
    problem = name_problem(title)
    if problem:
        raise TrainingError(f"This will not do as a job's title: {problem}.")
    return title.strip()


def _age(job: Job) -> tuple[float, int, str]:
    """By day of birth; jobs of the same moment by their number."""
    ticket = records.read_ticket(job.folder)
    return job.created, ticket.number if ticket is not None else 0, job.folder.name


def _is_exactly(job: Job, text: str) -> bool:
    return text in {job.id, job.folder.name, str(job.folder), job.title}


def _begins_with(job: Job, text: str) -> bool:
    title = job.title.casefold().startswith(text.casefold())
    return title or job.id.startswith(text) or job.folder.name.startswith(text)

"""Where the folders of jobs stand: names, making, moving to the archive and back. Nothing is deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from xgeom_core.errors import TrainingError
from xgeom_core.jobs.job import Job, JobKind
from xgeom_core.jobs.records import read_job
from xgeom_core.system import safe_files

_ARCHIVE = "archive"


def archive_of(root: Path) -> Path:
    """The folder of archived jobs."""
    return root / _ARCHIVE


def new_folder(root: Path, kind: JobKind, now: datetime | None = None) -> Path:
    """A folder that does not exist yet, named after kind and time."""
    name = f"{kind}-{now or datetime.now():%Y%m%d-%H%M%S}"
    taken = {*_names(root), *_names(archive_of(root))}
    count = 1
    while (numbered := name if count == 1 else f"{name}-{count}") in taken:
        count += 1
    return root / numbered


def make_root(root: Path) -> None:
    """Make the folder of the jobs.

    Raises
    ------
    TrainingError
        If it cannot be made.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TrainingError(f"The folder {root} cannot be made: {error.strerror}. Choose another.") from None


def make_folder(root: Path, path: Path) -> None:
    """Make a job's folder.

    Raises
    ------
    TrainingError
        If it holds a job already, cannot be made, or does not lie directly below the root.
    """
    if path.parent != root:
        raise TrainingError(f"{path} does not lie in {root}, where the jobs are kept; choose a folder there.")
    try:
        safe_files.make_folder(path)
    except OSError as error:
        raise TrainingError(f"The folder {path} cannot be made: {error.strerror}. Choose another.") from None
    if read_job(path) is not None:
        raise TrainingError(f"{path} holds another job; choose a new folder.")


def move(job: Job, parent: Path) -> Job:
    """Move a job's folder, under another name if that one is taken there.

    Raises
    ------
    TrainingError
        If it cannot be moved.
    """
    target, count = parent / job.folder.name, 1
    while target.exists():
        count += 1
        target = parent / f"{job.folder.name}-{count}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        job.folder.rename(target)
    except OSError as error:
        raise TrainingError(f"{job.folder} cannot be moved to {parent}: {error.strerror}.") from None
    return read_job(target) or replace(job, folder=target)


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir()]
    except OSError:
        return []

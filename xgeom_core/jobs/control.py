"""Power over a job of this machine: stop, kill, pause."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import process_tree
from xgeom_core.jobs.job import EndState, Job
from xgeom_core.jobs.records import (
    EVENTS,
    EXIT,
    KILL,
    LAST_EXIT,
    MARKERS,
    PAUSED,
    PROCESS,
    STOP,
    Exit,
    cannot_write,
    supervisor_of,
    write_record,
)
from xgeom_core.system.processes import Identity
from xgeom_core.system.safe_files import touch
from xgeom_core.training.events import Heartbeat, last_event

_PATIENCE_S = 15.0


def stop(job: Job) -> None:
    """Ask a job to end in order: a training obeys the file itself, its supervisor passes on the rest.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    _mark(job, STOP)
    if (job.folder / PAUSED).exists():
        # Whoever is halted cannot obey.
        unpause(job)


def kill(job: Job) -> None:
    """End a job and every process it started.

    Raises
    ------
    TrainingError
        If a process does not end, or the one that the folder names is not the job's.
    """
    child = _child_of(job)
    # A full or read-only disk must not keep a run alive.
    with suppress(TrainingError):
        _mark(job, KILL)
    supervisor, _ = supervisor_of(job.folder)
    gone = process_tree.end_all(job, child)
    (job.folder / PAUSED).unlink(missing_ok=True)
    if not gone:
        raise TrainingError(f"A process of {job.title} does not end, not even by SIGKILL; ask again later.")
    if supervisor is not None and supervisor.alive:
        _await_exit(job.folder, supervisor)
    elif not (job.folder / EXIT).exists():
        with suppress(OSError):
            write_record(job.folder / EXIT, exit_record("killed", -signal.SIGKILL))


def pause(job: Job) -> None:
    """Halt every process of a job.

    Raises
    ------
    TrainingError
        If it does not run, the process that the folder names is not the job's, or the folder cannot be
        written.
    """
    child = _child_of(job)
    if child is None or not child.alive:
        raise TrainingError(f"{job.title} does not run now; only a running job can be paused.")
    _mark(job, PAUSED)
    halted: set[int] = set()
    # Again until nobody new is seen: a process may start another while it is being halted.
    while fresh := [each for each in process_tree.members(job, child) if each.pid not in halted]:
        process_tree.send(fresh, signal.SIGSTOP)
        halted.update(each.pid for each in fresh)


def unpause(job: Job) -> None:
    """Let a paused job go on."""
    process_tree.send(process_tree.members(job, _child_of(job)), signal.SIGCONT)
    try:
        (job.folder / PAUSED).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(job.folder, error) from None


def clear(job: Job) -> None:
    """Make a folder ready for the job to begin again; how it ended before is kept aside.

    Raises
    ------
    TrainingError
        If the folder cannot be written.
    """
    try:
        with suppress(FileNotFoundError):
            (job.folder / EXIT).replace(job.folder / LAST_EXIT)
        for name in (*MARKERS, PROCESS):
            (job.folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(job.folder, error) from None


def exit_record(state: EndState, code: int | None = None, sentence: str = "", started: float = 0.0) -> Exit:
    """What ``exit.json`` is to hold of a job that ends now."""
    name = signal.Signals(-code).name if code is not None and -64 <= code < 0 else ""
    return Exit(state, code, name, sentence, started, time.time())


def _mark(job: Job, name: str) -> None:
    try:
        touch(job.folder / name)
    except OSError as error:
        raise cannot_write(job.folder / name, error) from None


def _await_exit(folder: Path, supervisor: Identity) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not (folder / EXIT).exists() and supervisor.alive and time.monotonic() < deadline:
        time.sleep(0.05)


def _child_of(job: Job) -> Identity | None:
    """The process of a job; of a run begun in a terminal, the one that its heartbeat names.

    Raises
    ------
    TrainingError
        If that process runs and was not started for this job: a folder may name any process.
    """
    child = supervisor_of(job.folder)[1]
    if child is None:
        beat = last_event(job.folder / EVENTS, Heartbeat)
        child = Identity.parse(beat.process) if beat is not None else None
    if child is not None and child.alive and not process_tree.is_member(job, child):
        raise TrainingError(
            f"{job.folder} says that process {child.pid} is its run, but that one was not started for this "
            "folder; it is left alone."
        )
    return child

"""Power over a job of this machine: stop, kill, pause; and the end of its log."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from pathlib import Path

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import family
from xgeom_core.jobs.job import Job
from xgeom_core.jobs.queue import supervisor_of
from xgeom_core.jobs.records import (
    EVENTS,
    EXIT,
    KILL,
    LAST_EXIT,
    LOG,
    MARKERS,
    PAUSED,
    PROCESS,
    STOP,
    cannot_write,
    write_json,
)
from xgeom_core.system.processes import Identity
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
        If a process does not end.
    """
    # A full or read-only disk must not keep a run alive.
    with suppress(TrainingError):
        _mark(job, KILL)
    supervisor, child = supervisor_of(job.folder)
    child = child or _child_by_events(job.folder)
    gone = family.end_all(job, child)
    (job.folder / PAUSED).unlink(missing_ok=True)
    if not gone:
        raise TrainingError(f"A process of {job.title} does not end, not even by SIGKILL; ask again later.")
    if supervisor is not None and supervisor.alive:
        _await_exit(job.folder, supervisor)
    elif not (job.folder / EXIT).exists():
        with suppress(OSError):
            write_json(job.folder / EXIT, exit_record("killed", -signal.SIGKILL, "", 0))


def pause(job: Job) -> None:
    """Halt every process of a job.

    Raises
    ------
    TrainingError
        If it does not run or the folder cannot be written.
    """
    child = supervisor_of(job.folder)[1] or _child_by_events(job.folder)
    if child is None or not child.alive:
        raise TrainingError(f"{job.title} does not run now; only a running job can be paused.")
    _mark(job, PAUSED)
    halted: set[int] = set()
    # Again until nobody new is seen: a process may start another while it is being halted.
    while fresh := [each for each in family.members(job, child) if each.pid not in halted]:
        family.send(fresh, signal.SIGSTOP)
        halted.update(each.pid for each in fresh)


def unpause(job: Job) -> None:
    """Let a paused job go on."""
    child = supervisor_of(job.folder)[1] or _child_by_events(job.folder)
    family.send(family.members(job, child), signal.SIGCONT)
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


def exit_record(state: str, code: int | None, sentence: str, started: float) -> dict[str, object]:
    """What ``exit.json`` holds."""
    return {
        "state": state,
        "code": code,
        "signal": signal.Signals(-code).name if code is not None and -64 <= code < 0 else "",
        "sentence": sentence,
        "started": started,
        "time": time.time(),
    }


def end_of_log(folder: Path, last_bytes: int, since: int = 0) -> str:
    """The end of ``log.txt`` from byte `since` on, whole lines only; empty if there is none."""
    try:
        with (folder / LOG).open("rb") as stream:
            size = stream.seek(0, 2)
            start = max(size - last_bytes, since, 0)
            stream.seek(max(start - 1, 0))
            data = stream.read(last_bytes + 1)
    except OSError:
        return ""
    if start > 0:
        # From the first line that begins in the part.
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", errors="replace")


def _mark(job: Job, name: str) -> None:
    try:
        (job.folder / name).touch()
    except OSError as error:
        raise cannot_write(job.folder / name, error) from None


def _await_exit(folder: Path, supervisor: Identity) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not (folder / EXIT).exists() and supervisor.alive and time.monotonic() < deadline:
        time.sleep(0.05)


def _child_by_events(folder: Path) -> Identity | None:
    """The process of a run begun in a terminal, as its heartbeat names it."""
    beat = last_event(folder / EVENTS, Heartbeat)
    return Identity.parse(beat.process) if beat is not None else None

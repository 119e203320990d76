"""How a job stands, decided from its small files and from which processes live."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from xgeom_core.jobs.dependencies import files_needed
from xgeom_core.jobs.job import ENDED, Job, JobState, Status
from xgeom_core.jobs.progress import progress_text
from xgeom_core.jobs.records import (
    EVENTS,
    KILL,
    PAUSED,
    STOP,
    Process,
    read_exit,
    read_process,
    read_ticket,
)
from xgeom_core.system.processes import Identity, boot
from xgeom_core.system.records import Damaged
from xgeom_core.system.text import visible
from xgeom_core.training.events import Event, Failed, Finished, Heartbeat, RunStarted, end_of_events
from xgeom_core.training.failure_messages import what_is_kept

STALLED_AFTER_S = 30.0
_LOST = "It ended without a word: its processes are gone, perhaps because the machine was switched off."


@dataclass
class _Seen:
    """What was seen of a run's events, and when, by a clock that nobody sets."""

    signature: tuple[int, int] = (0, 0)
    # Size of the events when the job began (again): what is before that says nothing of this start.
    begin: int = 0
    last_sign: float | None = None
    events: tuple[Event, ...] = ()


class Watch:
    """Says how jobs stand; remembers when each last gave a sign of life. Safe from any thread."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def forget(self, job: Job) -> None:
        """Begin anew with a job that begins anew."""
        with self._lock:
            self._seen.pop(str(job.folder), None)

    def status(self, job: Job) -> Status:
        """How a job stands."""
        status = self._status(job)
        return replace(status, reason=f"{job.trouble} {status.reason}".strip()) if job.trouble else status

    def _status(self, job: Job) -> Status:
        over = _ended(job.folder)
        if over is not None:
            return over
        process = read_process(job.folder)
        if isinstance(process, Damaged):
            return Status("lost", f"{visible(process.sentence)} {_lost(job.folder)}")
        with self._lock:
            seen = self._look(job.folder, process.events_from if process is not None else 0)
        # Outside the lock: Slurm may let one wait.
        status = _alive(job, process, seen)
        if status.state in ENDED:
            return status
        if status.state == "paused":
            # Time spent halted is not time spent silent.
            seen.last_sign = time.monotonic()
            return status
        if job.kind == "simulate" and status.state == "running" and not status.reason:
            status = replace(status, reason=progress_text(job.folder))
        age = None if seen.last_sign is None else max(time.monotonic() - seen.last_sign, 0.0)
        stalled = status.state in {"running", "stopping"} and age is not None and age > STALLED_AFTER_S
        return replace(status, heartbeat_age_s=age, stalled=stalled)

    def _look(self, folder: Path, begin: int) -> _Seen:
        """Read the end of the events if they have grown."""
        seen = self._seen.get(str(folder))
        if seen is None or seen.begin != begin:
            seen = self._seen[str(folder)] = _Seen(begin=begin)
        try:
            stat = (folder / EVENTS).stat()
        except OSError:
            return seen
        signature = (stat.st_size, stat.st_mtime_ns)
        if signature == seen.signature:
            return seen
        first_look = seen.signature == (0, 0)
        seen.events, seen.signature = tuple(end_of_events(folder / EVENTS)), signature
        now = time.monotonic()
        beat = _last(seen.events, Heartbeat)
        if first_look and stat.st_size > begin and isinstance(beat, Heartbeat) and _here(beat):
            # The same clock runs in all processes of a machine, so the age is known at first sight.
            seen.last_sign = beat.clock if 0 <= beat.clock <= now else now
        else:
            seen.last_sign = now
        return seen


def _alive(job: Job, process: Process | None, seen: _Seen) -> Status:
    """How a job stands that has not recorded its end."""
    if job.place.slurm is not None and not job.trouble:
        from xgeom_core.jobs import slurm  # noqa: PLC0415 - only for those who have a cluster

        return slurm.slurm_state(job)
    return _without_process(job, seen.events) if process is None else _with_process(job, process, seen)


def _ended(folder: Path) -> Status | None:
    found = read_exit(folder)
    if isinstance(found, Damaged):
        return Status("lost", f"{visible(found.sentence)} {_lost(folder)}")
    if found is None:
        return None
    return Status(
        found.state,
        found.sentence,
        started=found.started or None,
        ended=found.time or None,
        exit_code=found.code,
    )


def _lost(folder: Path) -> str:
    return f"{_LOST} {what_is_kept(folder)}"


def _without_process(job: Job, events: tuple[Event, ...]) -> Status:
    ticket = read_ticket(job.folder)
    if ticket is not None and not job.trouble:
        if ticket.drawer_lives:
            return Status("starting")
        return Status("lost", "It was never started: whoever submitted it ended too early. Resume starts it.")
    by_events = _by_events(events)
    if by_events is not None:
        return by_events
    beat = _last(events, Heartbeat)
    who = Identity.parse(beat.process) if isinstance(beat, Heartbeat) else None
    if who is not None and who.alive:
        return _going_on(job.folder, who.pid, None, "")
    return Status("lost", _lost(job.folder))


def _with_process(job: Job, process: Process, seen: _Seen) -> Status:
    supervisor, child = process.identities
    started = process.started or None
    if supervisor is not None and supervisor.alive:
        if process.phase == "queued":
            return _queued(job.folder, process.ahead)
        status = _going_on(job.folder, process.pid, started, "")
        # After its last word a run only tidies up.
        said_all = seen.signature[0] > seen.begin and isinstance(_last(seen.events, Event), Finished | Failed)
        return replace(status, state="stopping") if said_all else status
    if child is not None and child.alive:
        return _going_on(job.folder, child.pid, started, "Nobody looks after it any more, but it runs.")
    by_events = _by_events(seen.events)
    if by_events is not None:
        return replace(by_events, started=started)
    if supervisor is not None and supervisor.boot != boot() and process.host != socket.gethostname():
        return _elsewhere(job.folder, visible(process.host), started, seen)
    return Status("lost", _lost(job.folder), started=started)


def _elsewhere(folder: Path, host: str, started: float | None, seen: _Seen) -> Status:
    """A job of another machine that shares the disk: only its events tell whether it lives."""
    if seen.last_sign is not None and time.monotonic() - seen.last_sign < STALLED_AFTER_S:
        return Status("running", f"It runs on {host}; it can be watched and stopped from here.", 0, started)
    return Status("lost", f"It ran on {host} and gives no sign of life. {_lost(folder)}", started=started)


def _queued(folder: Path, ahead: int) -> Status:
    if (folder / STOP).exists() or (folder / KILL).exists():
        return Status("stopping", ahead=ahead)
    if not ahead:
        return Status("starting")
    jobs = "another job" if ahead == 1 else f"{ahead} other jobs"
    also = ", or making its frames" if files_needed(folder) else ""
    return Status("queued", f"It waits for {jobs} on the same device{also}.", ahead=ahead)


def _going_on(folder: Path, pid: int, started: float | None, reason: str) -> Status:
    state: JobState = "running"
    if (folder / PAUSED).exists():
        state = "paused"
    elif (folder / STOP).exists() or (folder / KILL).exists():
        state = "stopping"
    return Status(state, reason, pid, started)


def _by_events(events: tuple[Event, ...]) -> Status | None:
    """How a run says that it ended; None if it does not."""
    last = _last(events, Finished, Failed, RunStarted)
    ended = last.time if last is not None else None
    if isinstance(last, Finished):
        return Status("stopped" if last.reason == "stopped" else "done", ended=ended)
    if isinstance(last, Failed):
        return Status("failed", visible(last.message), ended=ended)
    return None


def _last(events: tuple[Event, ...], *kinds: type[Event]) -> Event | None:
    return next((event for event in reversed(events) if isinstance(event, kinds)), None)


def _here(beat: Heartbeat) -> bool:
    who = Identity.parse(beat.process)
    return who is not None and who.boot == boot()

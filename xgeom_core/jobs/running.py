"""Run a job's command and record how it ended. The supervisor does this here, Slurm's job there."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from xgeom_core.jobs import process_tree
from xgeom_core.jobs.control import exit_record
from xgeom_core.jobs.job import EndState, Job, command_of, command_text
from xgeom_core.jobs.launch import child_environment
from xgeom_core.jobs.reasons import Begin, why_it_failed
from xgeom_core.jobs.records import EVENTS, EXIT, KILL, LOG, PROCESS, RESERVE, STOP, Process, write_record
from xgeom_core.system.processes import Identity
from xgeom_core.system.safe_files import open_to_append, write_bytes
from xgeom_core.training.events import Failed, Finished, last_event

_POLL_S = 0.3
# Frame-preparing processes notice within seconds that their parent is gone.
_LAST_OUT_S = 8.0
_RESERVED_BYTES = 16_384
_RETRY_S = 120.0


def run_job(job: Job, asked_to_end: Callable[[], bool] = lambda: False) -> EndState:
    """Run the command of a job in a session of its own, wait, and write ``exit.json``.

    Parameters
    ----------
    job : Job
    asked_to_end : callable
        Whether the one who waits here was told to end (SIGTERM): the command is told so, too.

    Returns
    -------
    EndState
        How it ended.
    """
    folder = job.folder
    keep_room(folder)
    started = time.time()
    begins = Begin(_size(folder / LOG), _size(folder / EVENTS))
    try:
        process = _start(job)
    except OSError as error:
        what = error.filename or job.program or "the command"
        return finish(folder, "failed", None, f"{what} cannot be run: {error.strerror}.", started)
    child = Identity.of(process.pid)
    note(
        folder,
        phase="running",
        child=str(child or ""),
        pid=process.pid,
        started=started,
        events_from=begins.events,
    )
    code = _wait(job, process, asked_to_end)
    # Nobody is left behind, even if the command was killed alone.
    if not process_tree.wait_for_all(job, child, _LAST_OUT_S if code == 0 else 2.0):
        process_tree.end_all(job, child)
    state = _how(job, code, begins)
    sentence = why_it_failed(folder, code, begins) if state == "failed" else ""
    return finish(folder, state, code, sentence, started)


def note(folder: Path, **facts: Any) -> None:
    """Write ``process.json``: who looks after the job, and who does it.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    write_record(folder / PROCESS, Process(str(Identity.of()), socket.gethostname(), **facts))


def keep_room(folder: Path) -> None:
    """Take some room on the disk, so that the end can be told when it is full."""
    try:
        write_bytes(folder / RESERVE, b" " * _RESERVED_BYTES)
    except OSError:
        (folder / RESERVE).unlink(missing_ok=True)


def finish(
    folder: Path,
    state: EndState,
    code: int | None = None,
    sentence: str = "",
    started: float = 0.0,
    patience_s: float = _RETRY_S,
) -> EndState:
    """Write ``exit.json``; on a full disk, again and again for a while."""
    record = exit_record(state, code, sentence, started)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            (folder / RESERVE).unlink(missing_ok=True)
            write_record(folder / EXIT, record)
            return state
        except OSError:
            if not folder.exists() or time.monotonic() > deadline:
                return state
            time.sleep(1.0)


def _start(job: Job) -> subprocess.Popen[bytes]:
    command = command_of(job)
    with open_to_append(job.folder / LOG) as log:
        log.write(f"$ {command_text(job)}\n".encode())
        log.flush()
        return subprocess.Popen(
            list(command.words),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=job.folder,
            env=child_environment(command.environment | process_tree.marks_of(job)),
            start_new_session=True,
        )


def _wait(job: Job, process: subprocess.Popen[bytes], asked_to_end: Callable[[], bool]) -> int:
    told = passed_on = False
    while True:
        try:
            return process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            pass
        # A training reads the file itself; everything else knows Ctrl+C, which goes to the group once.
        if job.kind != "train" and not told and (job.folder / STOP).exists():
            told = True
            _signal_group(process.pid, signal.SIGINT)
        if asked_to_end() and not passed_on:
            passed_on = True
            _signal_group(process.pid, signal.SIGTERM)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _how(job: Job, code: int, begins: Begin) -> EndState:
    folder = job.folder
    if (folder / KILL).exists():
        return "killed"
    ended = last_event(folder / EVENTS, Finished, Failed, since=begins.events)
    if code == 0:
        return "stopped" if isinstance(ended, Finished) and ended.reason == "stopped" else "done"
    if job.kind != "train" and (folder / STOP).exists():
        return "stopped"
    # torchrun that is told to end reports a failure although its processes ended in order.
    if isinstance(ended, Finished) and job.place.processes > 1:
        return "stopped" if ended.reason == "stopped" else "done"
    return "failed"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

"""The processes of a job: found by descent, by session and by marks in their environment.

One way alone is not enough. torchrun puts its processes into sessions of their own, and whoever outlives
a killed parent is nobody's child any more; the environment a process began with stays.

A job's folder may name any process. None is signaled that does not itself say that it belongs to the job:
by the marks that it was started with, or by the command of a run that was begun in a terminal.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from xgeom_core.jobs.job import Job
from xgeom_core.system.processes import Identity

MARK = "XGEOM_JOB"
# Which folder on the disk: a copied folder has the same id in it, but is another job.
FOLDER_MARK = "XGEOM_JOB_FOLDER"
_ROUND_S = 0.3


def marks_of(job: Job) -> dict[str, str]:
    """The environment that marks a job's processes."""
    return {MARK: job.id, FOLDER_MARK: _folder_mark(job.folder)}


def members(job: Job, child: Identity | None) -> list[psutil.Process]:
    """All living processes of a job.

    Parameters
    ----------
    job : Job
    child : Identity, optional
        The process that its command became; passed over if it does not belong to the job.
    """
    found: dict[int, psutil.Process] = {}
    marks = marks_of(job)
    sessions = {child.pid} if child is not None and is_member(job, child) else set()
    for pid in psutil.pids():
        if pid != os.getpid() and (_session(pid) in sessions or _marked(pid, marks)):
            _add(found, pid)
    for pid in sessions:
        _add(found, pid)
    for process in list(found.values()):
        try:
            found.update({each.pid: each for each in process.children(recursive=True)})
        except psutil.Error:
            continue
    return [process for process in found.values() if _lives(process)]


def is_member(job: Job, process: Identity) -> bool:
    """Whether a process still runs and belongs to a job, by its own word."""
    return process.alive and (_marked(process.pid, marks_of(job)) or _trains_in(process.pid, job.folder))


def end_all(job: Job, child: Identity | None, patience_s: float = 15.0) -> bool:
    """Kill every process of a job, whatever they start meanwhile; whether none is left."""
    deadline = time.monotonic() + patience_s
    while there := members(job, child):
        if time.monotonic() > deadline:
            return False
        send(there, signal.SIGKILL)
        psutil.wait_procs(there, timeout=_ROUND_S)
    return True


def wait_for_all(job: Job, child: Identity | None, patience_s: float) -> bool:
    """Give the processes of a job time to end by themselves; whether they did."""
    deadline = time.monotonic() + patience_s
    while there := members(job, child):
        if time.monotonic() > deadline:
            return False
        psutil.wait_procs(there, timeout=_ROUND_S)
    return True


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those that still live."""
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.Error:
            continue


def _folder_mark(folder: Path) -> str:
    try:
        stat = folder.stat()
    except OSError:
        return ""
    return f"{stat.st_dev}:{stat.st_ino}"


def _add(found: dict[int, psutil.Process], pid: int) -> None:
    try:
        found[pid] = psutil.Process(pid)
    except psutil.Error:
        return


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _marked(pid: int, marks: dict[str, str]) -> bool:
    """Whether a process began with the marks in its environment; those of other users never did."""
    try:
        there = psutil.Process(pid).environ()
    except (psutil.Error, OSError, ValueError):
        return False
    # One that an older version started has no second mark.
    return there.get(MARK) == marks[MARK] and there.get(FOLDER_MARK) in {marks[FOLDER_MARK], None}


def _trains_in(pid: int, folder: Path) -> bool:
    """Whether a process is an ``xgeom train`` of this user that was told to train in a folder."""
    try:
        process = psutil.Process(pid)
        words, where = process.cmdline(), process.cwd()
        own = process.uids().real == os.getuid()
    except (psutil.Error, OSError):
        return False
    told = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "--run-dir"]
    told += [word.partition("=")[2] for word in words if word.startswith("--run-dir=")]
    try:
        return own and "train" in words and any((Path(where) / name).samefile(folder) for name in told)
    except OSError:
        return False


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False

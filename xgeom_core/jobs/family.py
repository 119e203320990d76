"""The processes of a job: found by descent, by session and by a mark in their environment.

One way alone is not enough. torchrun puts its processes into sessions of their own, and whoever outlives
a killed parent is nobody's child any more; the environment a process began with stays.
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
_ROUND_S = 0.3


def members(job: Job, child: Identity | None) -> list[psutil.Process]:
    """All living processes of a job.

    Parameters
    ----------
    job : Job
    child : Identity, optional
        The process that its command became.
    """
    found: dict[int, psutil.Process] = {}
    mark = f"{MARK}={job.id}".encode()
    sessions = {child.pid} if child is not None and child.alive else set()
    for pid in psutil.pids():
        if pid != os.getpid() and (_session(pid) in sessions or _marked(pid, mark)):
            _add(found, pid)
    if sessions and child is not None:
        _add(found, child.pid)
    for process in list(found.values()):
        try:
            found.update({each.pid: each for each in process.children(recursive=True)})
        except psutil.Error:
            continue
    return [process for process in found.values() if _lives(process)]


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


def _marked(pid: int, mark: bytes) -> bool:
    """Whether a process began with the mark in its environment; those of other users never did."""
    try:
        return mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        if Path("/proc/self").exists():
            return False
    except OSError:
        return False
    try:
        return psutil.Process(pid).environ().get(MARK, "").encode() == mark.partition(b"=")[2]
    except (psutil.Error, OSError):
        return False


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False

"""Ending a process and everything that it started, on a machine that runs other things too."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess

import psutil

# Every process started by a run inherits this variable, so that even those that left their parent are
# found; nothing else bears its value.
MARK = "XGEOM_RUN"
_PATIENCE_S = 3.0


def descendants(process: subprocess.Popen[bytes], mark: str) -> list[psutil.Process]:
    """The process, its children of all generations, and whatever bears the mark of this run."""
    found: dict[int, psutil.Process] = {}
    # An error means that it is gone already.
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process.pid)
        found[root.pid] = root
        found |= {child.pid: child for child in root.children(recursive=True)}
    for other in psutil.process_iter():
        try:
            if other.pid != os.getpid() and other.environ().get(MARK) == mark:
                found[other.pid] = other
        except (psutil.Error, OSError):
            # Processes of other users do not show their environment.
            continue
    return list(found.values())


def end(process: subprocess.Popen[bytes], mark: str) -> None:
    """Ask all processes of a run to end, then make them; returns once they are gone."""
    running = descendants(process, mark)
    for one in running:
        _signal(one, signal.SIGTERM)
    gone, alive = psutil.wait_procs(running, timeout=_PATIENCE_S)
    # A program may have started another while it was being asked.
    alive += [one for one in descendants(process, mark) if one not in gone and one not in alive]
    for one in alive:
        _signal(one, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=_PATIENCE_S)
    # It does not end when stuck in the kernel, on a dead network disk for example; it cannot run on either.
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_PATIENCE_S)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    # It may have ended by itself meanwhile.
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)

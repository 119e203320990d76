"""``python -m xgeom_core.jobs.supervise FOLDER DIGEST``: wait for a job's turn, run it, record how it ended.

The process forks at once and its first half ends as soon as the second has taken over: what stays is
nobody's child, in no terminal, and lives on when the window is closed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from xgeom_core.jobs import running
from xgeom_core.jobs.job import Job
from xgeom_core.jobs.queue import jobs_ahead
from xgeom_core.jobs.records import KILL, STOP, read_job
from xgeom_core.jobs.trust import digest_of

_LOOK_S = 0.5
_TAKEN_OVER = b"1"


def main(arguments: list[str]) -> int:
    """Detach, then supervise the job in the folder that is named."""
    folder, digest = Path(arguments[0]), arguments[1]
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        said = os.read(reading, 1)
        return 0 if said == _TAKEN_OVER else 1
    os.close(reading)
    os.setsid()
    # Deaf through a handler, not SIG_IGN: that one would be inherited, and the command must hear Ctrl+C.
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    try:
        _supervise(folder, digest, writing)
    except OSError as error:
        # This goes to the supervisor's log; the starter reads it from there.
        sys.stderr.write(f"{folder}: {error.strerror or error}\n")
        return 1
    return 0


def _supervise(folder: Path, digest: str, writing: int) -> None:
    job = read_job(folder)
    if job is None or job.trouble:
        raise OSError(job.trouble if job is not None else "there is no job.json")
    if digest_of(job) != digest:
        raise OSError("its job.json was replaced while it was being started; nothing was run")
    ahead = jobs_ahead(folder.parent, folder)
    running.note(folder, phase="queued", ahead=ahead)
    os.write(writing, _TAKEN_OVER)
    os.close(writing)
    told: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))
    if _turn_came(job, ahead, told):
        running.run_job(job, lambda: bool(told))


def _turn_came(job: Job, ahead: int, told: list[int]) -> bool:
    """Wait for the job's turn; False if it is no longer wanted."""
    folder = job.folder
    while True:
        if (folder / KILL).exists():
            running.finish(folder, "killed")
            return False
        if (folder / STOP).exists():
            (folder / STOP).unlink(missing_ok=True)
            running.finish(folder, "stopped", None, "It was taken out of the queue before it began.")
            return False
        if told:
            # The machine goes down: the job is lost to the queue and can be resumed.
            return False
        if ahead == 0:
            return True
        time.sleep(_LOOK_S)
        now = jobs_ahead(folder.parent, folder)
        if now != ahead:
            ahead = now
            running.note(folder, phase="queued", ahead=ahead)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

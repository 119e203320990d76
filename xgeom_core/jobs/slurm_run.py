"""What runs inside a Slurm job: the job's command, as on this machine, with an ear for Slurm's signals."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

from xgeom_core.jobs import process_tree, running
from xgeom_core.jobs.job import EndState, Job
from xgeom_core.jobs.records import EXIT, KILL, STOP, Exit, read_exit, read_job, write_record
from xgeom_core.jobs.slurm_words import ended_from_outside, time_is_up
from xgeom_core.jobs.trust import digest_of

# Slurm tells every process of the job to end. Only where the command was passed over is it told again:
# torchrun would take a second word for an order to leave its processes behind.
_HEARD_S = 8.0
# Slurm may warn up to a minute too early.
_EARLY_S = 100.0


@dataclass
class _Ear:
    """Whether Slurm told this job to end, and when, by a clock that nobody sets."""

    began: float
    told: float | None = None

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Take note of a signal."""
        if self.told is None:
            self.told = time.monotonic()


def run_in_slurm(folder: str, digest: str) -> None:
    """Run the job in a folder and record how it ended; submitit calls this on the node.

    Parameters
    ----------
    folder : str
        Job folder, on a disk that the node shares.
    digest : str
        `trust.digest_of` the job that was handed in: nothing else is run.

    Raises
    ------
    SystemExit
        With code 1 if the job failed, so that Slurm calls it failed as well.
    """
    ear = _Ear(time.monotonic())
    # submitit's own handlers would requeue or ignore.
    signal.signal(signal.SIGTERM, ear.hear)
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    path = Path(folder)
    job = read_job(path)
    reason = job.trouble if job is not None else f"{path} holds no job on this node; is the disk shared?"
    if not reason and job is not None and digest_of(job) != digest:
        reason = f"The job.json in {path} was replaced since it was handed in; nothing was run."
    if reason or job is None:
        running.finish(path, "failed", None, reason)
        raise SystemExit(1)
    if not _wanted(path):
        return
    state = running.run_job(job, lambda: _end_now(job, ear))
    if ear.told is not None and not (path / KILL).exists():
        state = _explain(job, ear)
    if state == "failed":
        raise SystemExit(1)


def _wanted(folder: Path) -> bool:
    """Whether the job is still to be begun."""
    if (folder / KILL).exists():
        running.finish(folder, "killed")
        return False
    if (folder / STOP).exists():
        (folder / STOP).unlink(missing_ok=True)
        running.finish(folder, "stopped", None, "It was taken out of the queue before it began.")
        return False
    return True


def _end_now(job: Job, ear: _Ear) -> bool:
    """Whether to tell the command to end; one that is to be killed is killed at once."""
    if (job.folder / KILL).exists():
        process_tree.end_all(job, None)
    return ear.told is not None and time.monotonic() - ear.told > _HEARD_S


def _explain(job: Job, ear: _Ear) -> EndState:
    """Say in ``exit.json`` why a job ended that Slurm told to; how it stands now."""
    record = read_exit(job.folder)
    if not isinstance(record, Exit):
        return "failed"
    if record.state == "done" or job.place.slurm is None or ear.told is None:
        return record.state
    limit = job.place.slurm.hours * 3600.0
    near = ear.told - ear.began > limit - warning_s(job.place.slurm.hours) - _EARLY_S
    sentence = time_is_up(job.place.slurm.hours) if near else ended_from_outside()
    if (
        record.state == "failed"
        and job.kind == "train"
        and record.code not in {-signal.SIGTERM, 128 + signal.SIGTERM}
    ):
        # It failed for a reason of its own while it was saving.
        return record.state
    with suppress(OSError):
        write_record(job.folder / EXIT, replace(record, state="stopped", sentence=sentence))
    return "stopped"


def warning_s(hours: float) -> int:
    """How long before its time limit a job is told to save, in s."""
    return int(min(max(hours * 360.0, 30.0), 180.0))

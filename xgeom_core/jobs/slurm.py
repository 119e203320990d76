"""Jobs on a Slurm cluster: submitted through submitit, watched through squeue and the job folder.

Whoever knows the folder can watch: ``slurm.json`` in it names Slurm's job. sacct is never asked; many
clusters have none.
"""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import running, slurm_words
from xgeom_core.jobs.control import end_of_log
from xgeom_core.jobs.job import Job, JobState, SlurmSettings, Status
from xgeom_core.jobs.queue import read_ticket
from xgeom_core.jobs.reasons import why_it_failed
from xgeom_core.jobs.records import (
    EXIT,
    KILL,
    LOG,
    PROCESS,
    STOP,
    TICKET,
    cannot_write,
    read_json,
    write_json,
)
from xgeom_core.jobs.slurm_queue import Queue, SlurmJob, SlurmSilentError, look_up, run_program
from xgeom_core.jobs.slurm_submit import SLURM, SUBMITIT, hand_in

# The node writes the end of a job; other machines see it a little later on a shared disk.
_GRACE_S = 8.0
_queue = Queue()
_lock = threading.Lock()
# When a job of which Slurm says that it ended was first seen so, by a clock that nobody sets.
_ended_since: dict[str, float] = {}
_last: dict[str, Status] = {}


def submit_slurm(job: Job) -> None:
    """Submit a job; its folder holds ``job.json``.

    Raises
    ------
    TrainingError
        If there is no Slurm here, submitit is missing, or Slurm refuses the job; the job is then marked as
        failed.
    """
    _leave_local_queue(job)
    try:
        number = hand_in(job)
    except TrainingError as error:
        running.finish(job.folder, "failed", None, str(error), 0, patience_s=0.0)
        raise
    _forget(job)
    try:
        write_json(job.folder / SLURM, number)
    except OSError as error:
        # Nobody could find it again.
        with suppress(TrainingError):
            run_program(["scancel", str(number["number"])])
        raise cannot_write(job.folder, error) from None


def slurm_state(job: Job) -> Status:
    """How a job stands that has not recorded its end. Asks Slurm at most every 2 s for all jobs together."""
    record = read_json(job.folder / SLURM)
    if record is None:
        return _not_submitted(job)
    number = str(record.get("number"))
    try:
        seen = _queue.job(number) or look_up(number)
    except SlurmSilentError as error:
        return _silent(job, str(error))
    if seen is not None and seen.comment not in {"", job.id}:
        # The cluster began to count anew: another job has the number now.
        seen = None
    status = _status(job, number, seen)
    _last[_key(job)] = status
    return status


def cancel_slurm(job: Job) -> None:
    """End a job now, on the node or in the queue.

    Raises
    ------
    TrainingError
        If Slurm does not answer.
    """
    with suppress(OSError):
        # The node looks for it: what Slurm's signal does not reach ends as well.
        (job.folder / KILL).touch()
    record = read_json(job.folder / SLURM)
    if record is not None:
        number = str(record.get("number"))
        try:
            run_program(["scancel", number])
        except SlurmSilentError:
            raise
        except TrainingError as error:
            if "Invalid job id" not in str(error) and "already" not in str(error):
                raise TrainingError(f"Slurm does not cancel {job.title} (job {number}): {error}.") from None
    _queue.forget()
    if not (job.folder / PROCESS).exists() and not (job.folder / EXIT).exists():
        running.finish(job.folder, "killed", None, "", 0, patience_s=0.0)


def _status(job: Job, number: str, seen: SlurmJob | None) -> Status:
    process = read_json(job.folder / PROCESS)
    if seen is None:
        return _ended(job, SlurmJob(number, ""), process)
    asked = (job.folder / STOP).exists() or (job.folder / KILL).exists()
    where = f"Slurm job {number}" + (f" on {seen.nodes}" if seen.nodes else "")
    started = _started(process)
    if seen.state in slurm_words.PENDING:
        if asked:
            # Only if it has not begun meanwhile: then the STOP file will do.
            with suppress(TrainingError):
                run_program(["scancel", "--state=PENDING", number])
            _queue.forget()
            return Status("stopping", f"{where} is taken out of the queue.")
        return Status("queued", f"{where}. {slurm_words.why_it_waits(seen.reason, number, seen.begins)}")
    if seen.state in slurm_words.STARTING:
        return Status("starting", f"{where}: the node is being made ready.")
    if seen.state in slurm_words.SUSPENDED:
        return Status("paused", f"{where} was suspended by Slurm.", started=started)
    if seen.state in slurm_words.ENDING:
        return Status("stopping", f"{where} is ending.", started=started)
    if seen.state in slurm_words.RUNNING:
        state: JobState = "stopping" if asked else "running" if process else "starting"
        return Status(state, f"{where}.", started=started)
    return _ended(job, seen, process)


def _ended(job: Job, seen: SlurmJob, process: dict[str, Any] | None) -> Status:
    """A job that is over for Slurm and has not said how; after some grace that is settled."""
    with _lock:
        since = _ended_since.setdefault(_key(job), time.monotonic())
    waited = time.monotonic() - since
    # One that never began has nothing more to say.
    if waited < _GRACE_S and not (process is None and seen.state == "CANCELLED"):
        return Status("stopping", f"Slurm job {seen.number} has ended.", started=_started(process))
    if (job.folder / EXIT).exists():
        # Its last word came while it was being asked for.
        return Status("stopping", started=_started(process))
    state, sentence = _settled(job, seen, process)
    running.finish(job.folder, state, None, sentence, _started(process) or 0.0, patience_s=0.0)
    return Status(state, sentence, started=_started(process))


def _settled(job: Job, seen: SlurmJob, process: dict[str, Any] | None) -> tuple[JobState, str]:
    wanted = job.place.slurm or SlurmSettings()
    killed = (job.folder / KILL).exists()
    if process is None:
        if (job.folder / STOP).exists() and not killed:
            return "stopped", "It was taken out of the queue before it began."
        words = _take_over_log(job)
        if seen.state in {"FAILED", "COMPLETED", ""} and words:
            return "failed", f"It could not begin on the cluster: {words}"
    if not seen.state:
        return ("killed", "") if killed else ("lost", _FORGOTTEN)
    state, sentence = slurm_words.end_of(seen.state, wanted, killed, seen.code)
    if seen.state in {"FAILED", "COMPLETED"} and process is not None:
        sentence = why_it_failed(job.folder, None)
    return state, sentence


_FORGOTTEN = (
    "Slurm no longer knows it and it did not record its end, perhaps because its node failed. Its last "
    "checkpoint, if it had one, is whole: resume goes on from there."
)


def _take_over_log(job: Job) -> str:
    """Add to the log what was said before the command began; the last line of that."""
    record = read_json(job.folder / SLURM) or {}
    folder = job.folder / SUBMITIT / str(record.get("folder", ""))
    said = "\n".join(_text(path) for path in sorted(folder.glob("*_log.*")))
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return ""
    with contextlib.suppress(OSError), (job.folder / LOG).open("a", encoding="utf-8") as log:
        log.write(said.rstrip() + "\n")
    # The step that srun reports on is not the cause.
    causes = [line for line in lines if not line.startswith(("srun:", "slurmstepd:"))]
    return f"{(causes or lines)[-1].rstrip('.')}. Mend its set-up lines or the environment, then resume."


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _not_submitted(job: Job) -> Status:
    ticket = read_ticket(job.folder)
    if ticket is not None and ticket.by is not None and ticket.by.alive:
        return Status("starting", "It is being handed to Slurm.")
    return Status(
        "lost", "It was never handed to Slurm: whoever submitted it ended too early. Resume does it."
    )


def _silent(job: Job, why: str) -> Status:
    """What was last known, or what the folder shows, while Slurm does not answer."""
    last = _last.get(_key(job))
    process = read_json(job.folder / PROCESS)
    if last is not None and last.state in {"paused", "stopping"}:
        return Status(last.state, f"{why} Shown is what was last known.", started=_started(process))
    state: JobState = "running" if process is not None else "queued"
    return Status(state, f"{why} Shown is what its folder tells.", started=_started(process))


def _leave_local_queue(job: Job) -> None:
    """A job of the cluster keeps nobody waiting for a device of this machine."""
    ticket = read_json(job.folder / TICKET)
    if ticket is not None and ticket.get("devices"):
        with suppress(OSError):
            write_json(job.folder / TICKET, {**ticket, "devices": []})


def _forget(job: Job) -> None:
    """Begin anew with a job that begins anew."""
    _queue.forget()
    with _lock:
        for kept in (_ended_since, _last):
            for key in [key for key in kept if key.startswith(f"{job.folder}|")]:
                del kept[key]


def _key(job: Job) -> str:
    record = read_json(job.folder / SLURM) or {}
    return f"{job.folder}|{record.get('folder', '')}"


def _started(process: dict[str, Any] | None) -> float | None:
    return float(process["started"]) if process and process.get("started") else None


__all__ = ["cancel_slurm", "end_of_log", "slurm_state", "submit_slurm"]

"""Jobs on a Slurm cluster: submitted through submitit, watched through squeue and the job folder.

Whoever knows the folder can watch: ``slurm.json`` in it names Slurm's job. sacct is never asked; many
clusters have none.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import running, slurm_words
from xgeom_core.jobs.job import EndState, Job, JobState, SlurmSettings, Status
from xgeom_core.jobs.reasons import why_it_failed
from xgeom_core.jobs.records import (
    EXIT,
    KILL,
    LOG,
    PROCESS,
    SLURM,
    STOP,
    TICKET,
    Process,
    cannot_write,
    read_process,
    read_slurm,
    read_ticket,
    write_record,
)
from xgeom_core.jobs.slurm_queue import Queue, SlurmJob, SlurmSilentError, look_up, run_program
from xgeom_core.jobs.slurm_submit import SUBMITIT, hand_in
from xgeom_core.system.safe_files import end_of_file, open_to_append, touch

# The node writes the end of a job; other machines see it a little later on a shared disk.
_GRACE_S = 8.0
_MOST_SAID = 100_000
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
        taken = hand_in(job)
    except TrainingError as error:
        running.finish(job.folder, "failed", None, str(error), patience_s=0.0)
        raise
    _forget(job)
    try:
        write_record(job.folder / SLURM, taken)
    except OSError as error:
        # Nobody could find it again.
        with suppress(TrainingError):
            run_program(["scancel", taken.number])
        raise cannot_write(job.folder, error) from None


def slurm_state(job: Job) -> Status:
    """How a job stands that has not recorded its end. Asks Slurm at most every 2 s for all jobs together."""
    record = read_slurm(job.folder)
    if record is None:
        return _not_submitted(job)
    number = record.number
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
        If Slurm does not answer, or this user's xgeom did not submit the job: its folder may name any number.
    """
    if not job.ours:
        raise TrainingError(f"{job.title} was not submitted by your xgeom; use scancel if it is your job.")
    with suppress(OSError):
        # The node looks for it: what Slurm's signal does not reach ends as well.
        touch(job.folder / KILL)
    record = read_slurm(job.folder)
    if record is not None:
        try:
            run_program(["scancel", record.number])
        except SlurmSilentError:
            raise
        except TrainingError as error:
            if "Invalid job id" not in str(error) and "already" not in str(error):
                raise TrainingError(
                    f"Slurm does not cancel {job.title} (job {record.number}): {error}."
                ) from None
    _queue.forget()
    if not (job.folder / PROCESS).exists() and not (job.folder / EXIT).exists():
        running.finish(job.folder, "killed", patience_s=0.0)


def _status(job: Job, number: str, seen: SlurmJob | None) -> Status:
    process = _process(job)
    if seen is None:
        return _ended(job, SlurmJob(number, ""), process)
    asked = (job.folder / STOP).exists() or (job.folder / KILL).exists()
    where = f"Slurm job {number}" + (f" on {seen.nodes}" if seen.nodes else "")
    started = _started(process)
    if seen.state in slurm_words.PENDING:
        if asked and job.ours:
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


def _ended(job: Job, seen: SlurmJob, process: Process | None) -> Status:
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


def _settled(job: Job, seen: SlurmJob, process: Process | None) -> tuple[EndState, str]:
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
    record = read_slurm(job.folder)
    folder = job.folder / SUBMITIT / (record.folder if record is not None else "")
    parts = (end_of_file(path, _MOST_SAID) for path in sorted(folder.glob("*_log.*")))
    said = "\n".join(part.decode("utf-8", errors="replace") for part in parts)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return ""
    with suppress(OSError), open_to_append(job.folder / LOG) as log:
        log.write(f"{said.rstrip()}\n".encode())
    # The step that srun reports on is not the cause.
    causes = [line for line in lines if not line.startswith(("srun:", "slurmstepd:"))]
    return f"{(causes or lines)[-1].rstrip('.')}. Mend its set-up lines or the environment, then resume."


def _not_submitted(job: Job) -> Status:
    ticket = read_ticket(job.folder)
    if ticket is not None and ticket.drawer_lives:
        return Status("starting", "It is being handed to Slurm.")
    return Status(
        "lost", "It was never handed to Slurm: whoever submitted it ended too early. Resume does it."
    )


def _silent(job: Job, why: str) -> Status:
    """What was last known, or what the folder shows, while Slurm does not answer."""
    last = _last.get(_key(job))
    process = _process(job)
    if last is not None and last.state in {"paused", "stopping"}:
        return Status(last.state, f"{why} Shown is what was last known.", started=_started(process))
    state: JobState = "running" if process is not None else "queued"
    return Status(state, f"{why} Shown is what its folder tells.", started=_started(process))


def _leave_local_queue(job: Job) -> None:
    """A job of the cluster keeps nobody waiting for a device of this machine."""
    ticket = read_ticket(job.folder)
    if ticket is not None and ticket.devices:
        with suppress(OSError):
            write_record(job.folder / TICKET, replace(ticket, devices=()))


def _forget(job: Job) -> None:
    """Begin anew with a job that begins anew."""
    _queue.forget()
    with _lock:
        for kept in (_ended_since, _last):
            for key in [key for key in kept if key.startswith(f"{job.folder}|")]:
                del kept[key]


def _key(job: Job) -> str:
    record = read_slurm(job.folder)
    return f"{job.folder}|{record.folder if record is not None else ''}"


def _process(job: Job) -> Process | None:
    process = read_process(job.folder)
    return process if isinstance(process, Process) else None


def _started(process: Process | None) -> float | None:
    return process.started or None if process is not None else None

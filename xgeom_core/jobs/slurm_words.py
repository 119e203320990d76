"""What Slurm says, in words for people. Knows no cluster and runs nothing."""

from __future__ import annotations

from xgeom_core.jobs.job import EndState, SlurmSettings

# Base states of a job that has not ended; all others are ends.
PENDING = frozenset({"PENDING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT"})
STARTING = frozenset({"CONFIGURING"})
RUNNING = frozenset({"RUNNING", "SIGNALING", "STAGE_OUT", "RESIZING"})
SUSPENDED = frozenset({"SUSPENDED", "STOPPED"})
ENDING = frozenset({"COMPLETING"})

_RESUME = "Its last checkpoint, if it had one, is whole: resume goes on from there."
_WAITS = {
    "None": "Slurm has just taken it and will look for a place.",
    "Resources": "It waits for free nodes, processors, memory or GPUs.",
    "Priority": "It waits for jobs of higher priority.",
    "Dependency": "It waits for another job to end.",
    "DependencyNeverSatisfied": "It waits for a job that can no longer end well. Kill it and begin anew.",
    "BeginTime": "It waits for the time at which it may begin.",
    "Licenses": "It waits for a license.",
    "Reservation": "It waits for a reservation to begin.",
    "JobHeldUser": "It is held by its owner. Let it go with: scontrol release {id}",
    "JobHeldAdmin": "It is held by an administrator of the cluster. Ask them.",
    "JobArrayTaskLimit": "It waits for other jobs of the same array.",
    "NodeDown": "It waits for a node that is down.",
    "ReqNodeNotAvail": "The nodes it needs are down, reserved or drained.",
    "PartitionDown": "The partition is switched off. Ask the administrators, or choose another one.",
    "PartitionInactive": "The partition takes jobs but starts none at present.",
    "PartitionTimeLimit": "It asks for more time than the partition allows. Ask for fewer hours.",
    "PartitionNodeLimit": "It asks for more than the partition has. Ask for less, or choose another one.",
    "PartitionConfig": "The partition does not allow what it asks for. Choose another one.",
    "BadConstraints": "No node can ever give what it asks for. Ask for less.",
    "AccountNotAllowed": "The account may not use this partition. Choose another account or partition.",
    "InvalidAccount": "Slurm does not know the account. Choose another one.",
    "InvalidQOS": "Slurm does not know the quality of service asked for.",
    "Cleaning": "It waits until its last start is cleaned up.",
}
_BY_BEGINNING = {
    "QOS": "It waits because of a limit of the quality of service ({reason}).",
    "Assoc": "It waits because the account or user has reached a limit ({reason}).",
    "MaxCpuPerAccount": "It waits because the account has reached its limit of processors.",
    "MaxMemPerLimit": "It asks for more memory than is allowed. Ask for less.",
    "Nodes required for job are DOWN": "The nodes it needs are down, drained or kept for others.",
    "launch failed": "Slurm could not start it and holds it. Let it go with: scontrol release {id}",
    "job requeued in held state": "It is held after a failed start. Let it go with: scontrol release {id}",
}


def why_it_waits(reason: str, number: str, begins: str = "") -> str:
    """A sentence for the reason that squeue gives for a pending job.

    Parameters
    ----------
    reason : str
        Such as ``"Resources"`` or ``"(Priority)"``.
    number : str
        Slurm's number of the job.
    begins : str
        When Slurm expects it to begin; empty if it does not say.
    """
    reason = reason.strip("() ")
    text = _WAITS.get(reason) or next(
        (words for begin, words in _BY_BEGINNING.items() if reason.startswith(begin)), ""
    )
    text = (text or "It waits in the queue of Slurm ({reason}).").format(reason=reason, id=number)
    return f"{text} Slurm expects it to begin at {begins.replace('T', ' ')}." if begins else text


def end_of(state: str, wanted: SlurmSettings, killed: bool, code: str = "") -> tuple[EndState, str]:
    """How a job ended of which nothing but Slurm's state is known.

    Parameters
    ----------
    state : str
        Slurm's, such as ``"TIMEOUT"``.
    wanted : SlurmSettings
        What was asked for.
    killed : bool
        Whether it was killed from xgeom.
    code : str
        Exit code, if Slurm says one.
    """
    if state == "CANCELLED":
        return (
            ("killed", "") if killed else ("killed", f"It was cancelled in Slurm, not from here. {_RESUME}")
        )
    if state == "TIMEOUT":
        return "failed", (
            f"Slurm ended it at its time limit of {wanted.hours:g} h before it could save. {_RESUME} "
            "Ask for more hours."
        )
    if state == "OUT_OF_MEMORY":
        return "failed", (
            f"Slurm ended it because it used more than the {wanted.memory_gb:g} GB it was given. Ask for "
            f"more memory, or lower training.batch or data.workers. {_RESUME}"
        )
    if state == "PREEMPTED":
        return "failed", f"Slurm took its place for a more urgent job. {_RESUME}"
    if state in {"NODE_FAIL", "BOOT_FAIL"}:
        return "failed", f"The node it ran on failed. {_RESUME}"
    if state == "DEADLINE":
        return "failed", f"Slurm ended it at its deadline. {_RESUME}"
    how = f" with exit code {code}" if code else ""
    return "failed", f"It ended on the cluster{how} before xgeom could record why."


def time_is_up(hours: float) -> str:
    """The sentence of a run that was asked to save before its time limit, and did."""
    return (
        f"Its time limit of {hours:g} h on Slurm was near, so it saved and ended. Resume goes on from there."
    )


def ended_from_outside() -> str:
    """The sentence of a run that Slurm told to end for another reason."""
    return "Slurm told it to end (cancelled or preempted), so it saved and ended. Resume goes on from there."

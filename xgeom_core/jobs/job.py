"""What a job is, and what can be said of it. Plain records; needs neither torch nor Qt."""

from __future__ import annotations

import functools
import os
import shlex
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

JobKind = Literal["train", "simulate", "evaluate", "sweep", "export"]
EndState = Literal["done", "stopped", "failed", "killed", "lost"]
JobState = Literal["queued", "starting", "running", "paused", "stopping"] | EndState

ENDED: frozenset[JobState] = frozenset({"done", "stopped", "failed", "killed", "lost"})
# Stands for the job's own folder in the arguments on disk.
HERE = "{folder}"
# How the torch that trains is told which GPUs it may see; empty hides them all.
_VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class SlurmSettings:
    """What to ask Slurm for.

    Parameters
    ----------
    partition, account : str
        Empty leaves the choice to Slurm.
    gpus, cpus : int
        Of the one node that is asked for.
    memory_gb, hours : float
        Limits; a run is asked to save before the time is over.
    setup : tuple of str
        Shell lines that run first, such as the activation of an environment.
    """

    partition: str = ""
    gpus: int = 0
    cpus: int = 2
    memory_gb: float = 8.0
    hours: float = 4.0
    account: str = ""
    setup: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where a job runs.

    Parameters
    ----------
    devices : tuple of str
        ``"cpu"``, ``"cuda:0"``, ..., ``"mps"``. Jobs that share one run one after another.
    processes : int
        Processes that share a training, started by torchrun; 1 needs none.
    slurm : SlurmSettings, optional
        Run on a cluster instead of this machine.
    """

    devices: tuple[str, ...] = ("cpu",)
    processes: int = 1
    slurm: SlurmSettings | None = None

    @property
    def gpus(self) -> tuple[int, ...]:
        """Numbers of the NVIDIA GPUs among the devices."""
        return tuple(int(name.partition(":")[2] or 0) for name in self.devices if name.startswith("cuda"))


@dataclass(frozen=True)
class Job:
    """One job.

    Parameters
    ----------
    id : str
        Stays the same when the job is renamed or archived.
    kind : JobKind
    title : str
        For people.
    folder : Path
        Everything about the job; of a training it is the run folder.
    arguments : tuple of str
        What follows ``xgeom`` on the command line. Paths must be absolute: the job runs in its folder.
    place : Place
    created : float
        Seconds since the epoch.
    program : tuple of str
        What to run in place of this Python's xgeom, such as the one of another environment.
    managed : bool
        False for a run begun in a terminal, which has events but nobody who started it for us.
    trouble : str
        A sentence when the folder's record of the job cannot be read.
    ours : bool
        Whether this user's xgeom wrote down what the job runs; see `xgeom_core.jobs.trust`.
    """

    id: str
    kind: JobKind
    title: str
    folder: Path
    arguments: tuple[str, ...]
    place: Place
    created: float
    program: tuple[str, ...] = ()
    managed: bool = True
    trouble: str = ""
    ours: bool = True


@dataclass(frozen=True)
class Status:
    """How a job stands.

    Parameters
    ----------
    state : JobState
    reason : str
        A sentence; empty when nothing is to be said.
    pid : int
        Process id of the command; 0 when there is none.
    started, ended : float, optional
        Seconds since the epoch.
    heartbeat_age_s : float, optional
        Seconds since the run last gave a sign of life; None where it gives none.
    stalled : bool
        Whether that is too long ago.
    ahead : int
        Jobs before it in its queue.
    exit_code : int, optional
        Of the command; negative for the signal that ended it.
    """

    state: JobState
    reason: str = ""
    pid: int = 0
    started: float | None = None
    ended: float | None = None
    heartbeat_age_s: float | None = None
    stalled: bool = False
    ahead: int = 0
    exit_code: int | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in ENDED


@dataclass(frozen=True)
class Command:
    """What is run for a job.

    Parameters
    ----------
    words : tuple of str
        Program and arguments.
    environment : dict of str to str
        Variables set besides those that are there.
    """

    words: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


def portable_arguments(job: Job) -> tuple[str, ...]:
    """Its arguments as they stand on the disk, where its folder may be moved."""
    return tuple(word.replace(str(job.folder), HERE) for word in job.arguments)


def own_training(job: Job) -> bool:
    """Whether a job trains what stands in its own folder, by this Python's xgeom on this machine."""
    own = ("train", f"{HERE}/config.toml", "--run-dir", HERE)
    plain = job.kind == "train" and not job.program and job.place.slurm is None
    return plain and portable_arguments(job) == own


def command_of(job: Job) -> Command:
    """What is run for a job."""
    words = (*(job.program or _program(job)), *job.arguments)
    return Command(words, _environment(job))


def command_text(job: Job) -> str:
    """Exactly what a terminal would run; running it there does the same."""
    command = command_of(job)
    words = command.words
    plain = (sys.executable, "-m", "xgeom_core")
    if words[:3] == plain:
        words = (*_short_program(), *words[3:])
    variables = [f"{name}={shlex.quote(value)}" for name, value in command.environment.items()]
    return " ".join([*variables, shlex.join(words)])


def _program(job: Job) -> tuple[str, ...]:
    python = (sys.executable, "-m")
    if job.kind == "train" and job.place.processes > 1:
        # --standalone finds a free port by itself: two such jobs never meet.
        share = ("torch.distributed.run", "--standalone", "--nproc-per-node", str(job.place.processes))
        return (*python, *share, "-m", "xgeom_core")
    return (*python, "xgeom_core")


def _environment(job: Job) -> dict[str, str]:
    if job.place.slurm is not None:
        # Slurm itself says which GPUs are whose.
        return {}
    if job.place.gpus:
        # Where only some GPUs may be seen, "cuda:0" is the first of those.
        seen = [name for name in os.environ.get(_VISIBLE, "").split(",") if name]
        return {_VISIBLE: ",".join(seen[i] if i < len(seen) else str(i) for i in job.place.gpus)}
    # The configuration of a training names its device, and a simulation uses none.
    return {} if job.kind in {"train", "simulate"} or "mps" in job.place.devices else {_VISIBLE: ""}


@functools.cache
def _short_program() -> tuple[str, ...]:
    """The shortest way to name this Python's xgeom."""
    script = Path(sys.executable).parent / "xgeom"
    if not script.exists():
        return (sys.executable, "-m", "xgeom_core")
    found = shutil.which("xgeom")
    return ("xgeom",) if found is not None and Path(found).resolve() == script.resolve() else (str(script),)

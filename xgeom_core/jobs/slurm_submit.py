"""Hand a job to Slurm through submitit: what is asked for, and what the node runs."""

from __future__ import annotations

import math
import re
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from xgeom_core import version
from xgeom_core.errors import TrainingError
from xgeom_core.jobs.job import Job, SlurmSettings
from xgeom_core.jobs.records import LOG, SlurmTicket, cannot_write
from xgeom_core.jobs.slurm_queue import plain_words, run_program
from xgeom_core.jobs.slurm_run import run_in_slurm, warning_s
from xgeom_core.jobs.trust import digest_of
from xgeom_core.system.safe_files import make_folder, touch

# submitit's own files, one new folder for every start: Slurm may count anew, and submitit tells its
# files apart by Slurm's numbers alone.
SUBMITIT = "slurm"
_PROGRAMS = ("sbatch", "srun", "squeue", "scancel")


def hand_in(job: Job) -> SlurmTicket:
    """Submit a job.

    Raises
    ------
    TrainingError
        If there is no Slurm here, submitit is missing, or Slurm refuses.
    """
    executor_of = _submitit()
    wanted = job.place.slurm or SlurmSettings()
    _check(job, wanted)
    # With a timeout, unlike sbatch, which waits minutes for a controller that is down.
    run_program(["sinfo", "-h", "-o", "%P"])
    folder = _new_folder(job)
    executor = executor_of(folder=folder, max_num_timeout=0, python=_PYTHON if wanted.setup else None)
    executor.update_parameters(**parameters(job, wanted))
    try:
        number = executor.submit(run_in_slurm, str(job.folder), digest_of(job)).job_id
    except OSError as error:
        raise cannot_write(folder, error) from None
    except Exception as error:
        # submitit passes on what sbatch said in an error of its own.
        raise TrainingError(
            f"Slurm refused {job.title}: {_refusal(error)}. Change what it asks for."
        ) from None
    return SlurmTicket(str(number), folder.name, time.time())


def parameters(job: Job, wanted: SlurmSettings) -> dict[str, Any]:
    """What submitit is told of a job."""
    minutes = max(1, math.ceil(wanted.hours * 60.0 - 1e-6))
    asked: dict[str, Any] = {
        "job_name": re.sub(r"[^\w.+-]+", "-", f"xgeom-{job.title}")[:60],
        "comment": job.id,
        "time": minutes,
        "nodes": 1,
        "ntasks_per_node": 1,
        "cpus_per_task": wanted.cpus,
        "mem": f"{max(1, round(wanted.memory_gb * 1024))}M",
        "stderr_to_stdout": True,
        # Since Slurm 22.05 a step no longer takes over what its job was given.
        "srun_args": ["--cpus-per-task", str(wanted.cpus)],
        "setup": _setup(wanted),
        # Not submitit's SIGUSR2, of which every process of the job dies that does not know it.
        "additional_parameters": {"signal": f"TERM@{warning_s(wanted.hours)}", "no-requeue": True},
    }
    if wanted.gpus:
        asked["gpus_per_node"] = wanted.gpus
    for name in ("partition", "account"):
        if getattr(wanted, name):
            asked[name] = getattr(wanted, name)
    return asked


# The Python of the environment that the set-up lines switch to, if xgeom is there; see `_setup`.
_PYTHON = '"$XGEOM_PYTHON"'


def _setup(wanted: SlurmSettings) -> list[str]:
    lines = list(wanted.setup)
    root = Path(version.__file__).resolve().parent.parent
    if root.name not in {"site-packages", "dist-packages"}:
        # Last, so that an xgeom of the environment that was switched to goes first.
        lines.append(f'export PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}"{shlex.quote(str(root))}')
    if wanted.setup:
        lines.append("XGEOM_PYTHON=python")
        lines.append(
            '"$XGEOM_PYTHON" -c "import torch, submitit, xgeom_core" 2>/dev/null || '
            f"XGEOM_PYTHON={shlex.quote(sys.executable)}"
        )
    return lines


def _submitit() -> Any:
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            raise TrainingError(
                f"{program} was not found, so this computer belongs to no Slurm cluster; run xgeom on a "
                "login node of the cluster, or choose another place for the job."
            )
    try:
        # Only for those who have a cluster.
        from submitit.slurm.slurm import SlurmExecutor  # noqa: PLC0415
    except ImportError:
        raise TrainingError("Jobs on Slurm need submitit; type: pip install 'xgeom[slurm]'") from None
    return SlurmExecutor


def _check(job: Job, wanted: SlurmSettings) -> None:
    for name, value, least in (
        ("cpus", wanted.cpus, 1),
        ("gpus", wanted.gpus, 0),
        ("memory_gb", wanted.memory_gb, 0.001),
        ("hours", wanted.hours, 0.001),
    ):
        if not value >= least:
            raise TrainingError(f"A job on Slurm cannot ask for {name} = {value:g}; choose more.")
    if "%" in str(job.folder) or "\n" in str(job.folder):
        raise TrainingError(f"Slurm cannot write into {job.folder}: choose a folder without % in its name.")


def _new_folder(job: Job) -> Path:
    count = 1
    while True:
        folder = job.folder / SUBMITIT / str(count)
        try:
            make_folder(folder.parent)
            # For its owner alone: the node runs what submitit leaves in it.
            folder.mkdir(mode=0o700)
            touch(job.folder / LOG)
            return folder
        except FileExistsError:
            count += 1
        except OSError as error:
            raise cannot_write(folder, error) from None


def _refusal(error: Exception) -> str:
    said = plain_words(str(error))
    found = re.findall(r"sbatch: error: ([^\n]+)", str(error))
    lines = [line.strip().rstrip(".").removeprefix("Batch job submission failed: ") for line in found]
    return "; ".join(dict.fromkeys(lines)) or said or type(error).__name__

"""Slurm's programs, asked seldom and never for long: one squeue for all jobs, remembered for 2 s."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
import threading
import time
from dataclasses import dataclass

from xgeom_core.errors import TrainingError

_FRESH_S = 2.0
# Asked less often while it does not answer: each time costs a worker thread the whole timeout.
_SILENT_S = 10.0
_TIMEOUT_S = 15.0
# Number, state, reason, nodes, expected or actual begin, comment (which holds xgeom's own number).
_FORMAT = "%i|%T|%r|%N|%S|%k"
_UNKNOWN = ("N/A", "(null)", "Unknown", "None", "")


@dataclass(frozen=True)
class SlurmJob:
    """What Slurm says of a job.

    Parameters
    ----------
    number : str
        Slurm's own number of it.
    state : str
        Such as ``"PENDING"``.
    reason : str
        Why it is in that state, in Slurm's short form.
    nodes : str
        Where it runs; empty before.
    begins : str
        When it began or is expected to; empty if Slurm does not say.
    comment : str
        xgeom's number of the job.
    code : str
        Exit code; empty if it is not known.
    """

    number: str
    state: str
    reason: str = ""
    nodes: str = ""
    begins: str = ""
    comment: str = ""
    code: str = ""


class SlurmSilentError(TrainingError):
    """Slurm is not there or does not answer; the message says which."""


def run_program(words: list[str], timeout_s: float = _TIMEOUT_S) -> str:
    """Run one of Slurm's programs and return what it says.

    Raises
    ------
    SlurmSilentError
        If it is not installed, does not answer in time, or cannot reach the cluster.
    TrainingError
        If it answers with an error; the message is its own.
    """
    name = words[0]
    if shutil.which(name) is None:
        raise SlurmSilentError(
            f"{name} was not found, so this computer belongs to no Slurm cluster; run xgeom on a login "
            "node of the cluster, or choose another place for the job."
        )
    environment = {**os.environ, "LC_ALL": "C", "SLURM_TIME_FORMAT": "standard"}
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SlurmSilentError(f"Slurm does not answer: {name} was given up after {timeout_s:g} s.") from None
    except OSError as error:
        raise SlurmSilentError(f"{name} cannot be run: {error.strerror or error}.") from None
    if done.returncode == 0:
        return done.stdout
    said = plain_words(done.stderr or done.stdout)
    if re.search(
        r"contact slurm controller|Connection refused|configuration source|munge|timed out", said, re.I
    ):
        raise SlurmSilentError(f"Slurm does not answer: {said}.")
    raise TrainingError(said or f"{name} ended with code {done.returncode}")


def plain_words(said: str) -> str:
    """What a program of Slurm complains of, without its own name and marks, as one line."""
    lines = [re.sub(r"^\w+: (error: |fatal: )?", "", line).strip().rstrip(".") for line in said.splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if line))


class Queue:
    """All of this user's jobs in Slurm, as of at most 2 s ago. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, SlurmJob] = {}
        self._asked: float | None = None
        self._cluster = ""
        self._trouble = ""
        self.calls = 0

    def forget(self) -> None:
        """Ask again next time: something was changed."""
        with self._lock:
            self._asked = None

    def job(self, number: str) -> SlurmJob | None:
        """A job; None if Slurm no longer knows it.

        Raises
        ------
        SlurmSilentError
            If Slurm does not answer.
        """
        # One thread asks, the others wait for what it hears.
        with self._lock:
            self._look()
            if self._trouble:
                raise SlurmSilentError(self._trouble)
            return self._jobs.get(number)

    def _look(self) -> None:
        cluster = os.environ.get("SLURM_CONF", "")
        now = time.monotonic()
        fresh = _SILENT_S if self._trouble else _FRESH_S
        if self._asked is not None and now - self._asked < fresh and cluster == self._cluster:
            return
        self._trouble, self._cluster = "", cluster
        self.calls += 1
        try:
            text = run_program(["squeue", "-h", "-t", "all", "-u", getpass.getuser(), "-o", _FORMAT])
            self._jobs = {job.number: job for job in map(_from_squeue, text.splitlines()) if job is not None}
        except TrainingError as error:
            self._trouble = str(error)
        self._asked = time.monotonic()


def look_up(number: str) -> SlurmJob | None:
    """Ask for one job that squeue does not list; None if Slurm has forgotten it.

    Raises
    ------
    SlurmSilentError
        If Slurm does not answer.
    """
    try:
        text = run_program(["scontrol", "show", "job", number, "-o"])
    except SlurmSilentError:
        raise
    except TrainingError:
        return None
    fields = dict(re.findall(r"(\w+)=(\S*)", text))
    if fields.get("JobId") != number:
        return None
    comment = fields.get("Comment", "")
    code = fields.get("ExitCode", "").partition(":")[0]
    return SlurmJob(number, fields.get("JobState", ""), fields.get("Reason", ""), comment=comment, code=code)


def _from_squeue(line: str) -> SlurmJob | None:
    parts = [part.strip() for part in line.split("|", 5)]
    if len(parts) != 6:
        return None
    number, state, reason, *rest = parts
    nodes, begins, comment = ("" if part in _UNKNOWN else part for part in rest)
    return SlurmJob(number, state, reason, nodes, begins, comment)

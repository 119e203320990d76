"""What runs jobs: this machine or Slurm, behind one face."""

from __future__ import annotations

from typing import Protocol

from xgeom_core.errors import TrainingError
from xgeom_core.jobs import control, launch
from xgeom_core.jobs.job import Job


class Backend(Protocol):
    """Starts jobs and has power over them. Stopping in order needs none: the STOP file does it."""

    def start(self, job: Job) -> None:
        """Begin, or queue. The folder holds ``job.json`` and a ticket; markers are cleared."""

    def kill(self, job: Job) -> None:
        """End every process of the job now."""

    def pause(self, job: Job) -> None:
        """Halt every process of the job."""

    def unpause(self, job: Job) -> None:
        """Let them go on."""


class LocalBackend:
    """Jobs of this machine, each under a supervisor of its own."""

    def start(self, job: Job) -> None:
        """Start the supervisor, which waits for the job's turn."""
        launch.start_supervisor(job)

    def kill(self, job: Job) -> None:
        """End the whole tree."""
        control.kill(job)

    def pause(self, job: Job) -> None:
        """Halt the whole tree."""
        control.pause(job)

    def unpause(self, job: Job) -> None:
        """Let the whole tree go on."""
        control.unpause(job)


class SlurmBackend:
    """Jobs of a cluster."""

    def start(self, job: Job) -> None:
        """Submit it."""
        from xgeom_core.jobs.slurm import submit_slurm  # noqa: PLC0415 - only for those who have a cluster

        submit_slurm(job)

    def kill(self, job: Job) -> None:
        """Cancel it."""
        from xgeom_core.jobs.slurm import cancel_slurm  # noqa: PLC0415 - only for those who have a cluster

        cancel_slurm(job)

    def pause(self, job: Job) -> None:
        """Refuse: only administrators may suspend jobs."""
        raise TrainingError(
            f"{job.title} runs on Slurm, where users cannot pause a job; stop it and resume it later."
        )

    def unpause(self, job: Job) -> None:
        """Refuse likewise."""
        self.pause(job)


def backend_of(job: Job) -> Backend:
    """What runs this job."""
    return LocalBackend() if job.place.slurm is None else SlurmBackend()

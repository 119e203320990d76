"""Training configurations as jobs need them: fitted to a place, refused where they cannot run there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xgeom_core.errors import ConfigError
from xgeom_core.jobs.job import Place

if TYPE_CHECKING:
    from xgeom_core.training.config import Config


def for_place(config: Config, place: Place) -> Config:
    """A configuration that names the device of `place` and absolute paths.

    A job does not run where it was asked for, and its command must do the same in any terminal.
    """
    device = config.training.device
    if place.slurm is None:
        kinds = {name.partition(":")[0] for name in place.devices}
        device = "cuda" if "cuda" in kinds else "mps" if "mps" in kinds else "cpu"
    start = config.training.start_from
    if start and Path(start).exists():
        start = str(Path(start).absolute())
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"files": _absolute(config.data.files)}),
            "validation": config.validation.model_copy(update={"files": _absolute(config.validation.files)}),
            "training": config.training.model_copy(update={"device": device, "start_from": start}),
        }
    )


def check_place(config: Config, place: Place) -> None:
    """Say at once what the run itself would say only after it has started.

    Raises
    ------
    ConfigError
        If the batch cannot be shared by the processes, there are more of them than GPUs, or the device does
        not know the precision.
    """
    plan, count = config.training, place.processes
    if count > 1 and plan.batch % (count * plan.accumulate):
        raise ConfigError(
            f"training.batch = {plan.batch} cannot be shared by {count} processes in {plan.accumulate} parts "
            "each; choose a multiple."
        )
    if place.gpus and count > len(place.gpus):
        raise ConfigError(
            f"{count} processes need as many GPUs, but {len(place.gpus)} are chosen; choose more GPUs or "
            "fewer processes."
        )
    on_cuda = place.slurm.gpus if place.slurm is not None else place.gpus
    if plan.precision == "float16" and not on_cuda:
        raise ConfigError("training.precision = 'float16' works on CUDA only; use 'bfloat16' here.")


def _absolute(paths: list[Path]) -> list[Path]:
    return [path.absolute() for path in paths]

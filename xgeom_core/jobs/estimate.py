"""What a training will take: time, memory, disk; from earlier runs, or else a stated guess."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from xgeom_core.errors import ConfigError
from xgeom_core.jobs import earlier
from xgeom_core.jobs.job import Place

if TYPE_CHECKING:
    from xgeom_core.models.settings import NetworkSettings
    from xgeom_core.training.config import Config


@dataclass(frozen=True)
class Cost:
    """What a network costs as it comes (208 px, width 24), measured on one core of a server's CPU.

    Parameters
    ----------
    core_s : float
        Seconds per frame, forward and backward.
    parameters : float
        Weights.
    frame_bytes : float
        What is kept of a frame for the way back.
    """

    core_s: float
    parameters: float
    frame_bytes: float


COSTS: dict[str, Cost] = {
    "resnet18": Cost(0.020, 2.39e6, 12e6),
    "polar": Cost(0.045, 2.66e6, 18e6),
    "baseline": Cost(0.022, 0.83e6, 12e6),
    "resnet34": Cost(0.036, 3.81e6, 18e6),
    "resnet50": Cost(0.056, 4.17e6, 36e6),
    "resnet64": Cost(0.072, 6.49e6, 30e6),
    "vit": Cost(0.047, 3.45e6, 20e6),
}
_USUAL_PX, _USUAL_WIDTH, _USUAL_CANVAS_PX = 208, 24, 416
# Seconds of one core for a simulated frame and for one read from a file, at the usual canvas.
_RENDER_S, _READ_S = 0.018, 0.004
# How many times faster than one core; of a GPU a careful guess, as none was measured.
_SPEED = {"cuda": 40.0, "mps": 8.0}
_START_S = 10.0
_PROCESS_BYTES, _WORKER_BYTES, _CUDA_BYTES = 0.45e9, 0.25e9, 0.6e9
# Bytes in TensorBoard of one validation's pictures; of the tables, of one step.
_PICTURE_BYTES, _STEP_BYTES = 0.3e6, 60.0


@dataclass(frozen=True)
class Estimate:
    """What a training will take.

    Parameters
    ----------
    seconds : float
    memory_gb : float
        Of the GPU if it runs on one, else of the machine.
    disk_gb : float
        Of the run folder when it is done.
    notes : tuple of str
        Sentences: where the numbers come from, and what to mind.
    """

    seconds: float
    memory_gb: float
    disk_gb: float
    notes: tuple[str, ...]


def estimate(config: Config, place: Place, root: Path | None = None) -> Estimate:
    """Estimate a training.

    Parameters
    ----------
    config : Config
    place : Place
    root : Path, optional
        Where earlier runs are looked for: their pace and memory correct the estimate. They are looked
        through at most every half minute.
    """
    device = _device(place)
    cores = _cores(place)
    seconds, memory = _seconds_a_frame(config, device, cores), _memory_bytes(config, device)
    pace, room = [], []
    for run in earlier.runs(root, device) if root is not None else ():
        if run.config.model.architecture != config.model.architecture:
            continue
        pace.append(1 / run.frames_per_s / _seconds_a_frame(run.config, device, cores))
        if run.memory_gb and device == "cpu":
            room.append(run.memory_gb * 1e9 / _memory_bytes(run.config, device))
    if pace:
        seconds *= _middle(pace)
    if room:
        memory *= _middle(room)
    plan = config.training
    total = _START_S + plan.steps * plan.batch * seconds + _validation_s(config, seconds, device, cores)
    return Estimate(total, memory / 1e9, _disk_bytes(config) / 1e9, tuple(_notes(config, place, len(pace))))


def parameters_of(settings: NetworkSettings) -> float:
    """About how many weights a network has."""
    usual = COSTS[settings.architecture].parameters
    return usual * _breadth(settings)


def _notes(config: Config, place: Place, runs: int) -> list[str]:
    where = {"cuda": "a GPU", "mps": "the Apple GPU"}.get(_device(place), "this CPU")
    if runs:
        earlier_runs = "an earlier run" if runs == 1 else f"{runs} earlier runs"
        notes = [f"Time as in {earlier_runs} with this architecture on {where}."]
    else:
        notes = [
            f"No earlier run with this architecture on {where}: a guess, right within a factor of three. "
            "The first minute of the run tells."
        ]
    if _device(place) == "cuda":
        notes.append("Memory is that of the GPU.")
    if _waits_for_frames(config, place):
        notes.append(
            "Preparing frames takes longer than learning from them: raise data.workers or data.reuse."
        )
    if config.validation.patience:
        notes.append("It may end earlier: validation.patience is set.")
    return notes


def _waits_for_frames(config: Config, place: Place) -> bool:
    if _device(place) == "cpu" or config.data.files:
        return False
    workers = max(min(config.data.workers, _cores(place)), 1)
    return _data_s(config) / workers > _network_s(config.model) / _SPEED[_device(place)]


def _seconds_a_frame(config: Config, device: str, cores: int) -> float:
    """Wall time per frame shown, before earlier runs correct it."""
    network, data = _network_s(config.model), _data_s(config)
    workers = config.data.workers
    if device != "cpu":
        network /= _SPEED[device]
        return network + data if not workers else max(network, data / min(workers, cores))
    # More threads help less and less.
    threads = min(config.training.threads or cores, cores) ** 0.7
    if not workers:
        return network / threads + data
    return max(network / threads, data / min(workers, cores), (network + data) / cores)


def _network_s(settings: NetworkSettings) -> float:
    return COSTS[settings.architecture].core_s * _area(settings) * _breadth(settings)


def _data_s(config: Config) -> float:
    each = _READ_S if config.data.files else _RENDER_S
    return each / config.data.reuse * (config.model.canvas_px / _USUAL_CANVAS_PX) ** 2


def _validation_s(config: Config, seconds: float, device: str, cores: int) -> float:
    """Preparing the sets once, and scoring them every so many steps."""
    held = config.validation
    frames = held.frames * (len(held.kinds) + len(held.files))
    times = math.ceil(config.training.steps / held.every_steps)
    # Without the way back a frame takes about a third.
    scoring = min(_network_s(config.model) / _SPEED.get(device, cores**0.7), seconds * 3) / 3
    return frames * (_RENDER_S + times * scoring)


def _memory_bytes(config: Config, device: str) -> float:
    plan, cost = config.training, COSTS[config.model.architecture]
    weights = parameters_of(config.model) * 4
    kept = cost.frame_bytes * _area(config.model) * _breadth(config.model) ** 0.5
    if plan.precision != "single":
        kept *= 0.6
    # Weights, their mean, their gradients, and one or two moments of the optimizer.
    learning = weights * (5 if plan.optimizer == "adamw" else 4) + kept * plan.batch / plan.accumulate
    if device == "cuda":
        return _CUDA_BYTES + learning
    held = config.validation.frames * len(config.validation.kinds) * config.model.canvas_px**2 * 2
    return _PROCESS_BYTES + config.data.workers * _WORKER_BYTES + learning + held


def _disk_bytes(config: Config) -> float:
    plan, held = config.training, config.validation
    weights = parameters_of(config.model) * 4
    checkpoint = weights * (4 if plan.optimizer == "adamw" else 3)
    models = weights * (2 if plan.keep == "best" else 1)
    pictures = math.ceil(plan.steps / held.every_steps) * (len(held.kinds) + len(held.files)) * _PICTURE_BYTES
    # While a checkpoint is written the old one is still there.
    return 2 * checkpoint + models + pictures + plan.steps * _STEP_BYTES


def _area(settings: NetworkSettings) -> float:
    return (settings.input_px / _USUAL_PX) ** 2


def _breadth(settings: NetworkSettings) -> float:
    """Work and weights grow with the square of the channels; those of a transformer do not know them."""
    if settings.architecture == "vit":
        return (settings.vit.embedding / 192) ** 2 * settings.vit.depth / 6
    return (settings.width / _USUAL_WIDTH) ** 2


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _device(place: Place) -> str:
    if place.slurm is not None:
        return "cuda" if place.slurm.gpus else "cpu"
    if place.gpus:
        return "cuda"
    return "mps" if "mps" in place.devices else "cpu"


def _cores(place: Place) -> int:
    if place.slurm is not None:
        return place.slurm.cpus
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def check_place(config: Config, place: Place) -> None:
    """Say at once what the run itself would say only after it has started.

    Raises
    ------
    ConfigError
        If the batch cannot be shared by the processes, or there are more of them than GPUs.
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
    if plan.precision == "float16" and _device(place) != "cuda":
        raise ConfigError("training.precision = 'float16' works on CUDA only; use 'bfloat16' here.")

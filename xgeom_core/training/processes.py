"""The processes that share a run: one, or as many as torchrun started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from torch import distributed as dist

from xgeom_core.errors import TrainingError
from xgeom_core.training.config import TrainingConfig


@dataclass(frozen=True)
class Processes:
    """Which process of how many this is, and its device.

    Parameters
    ----------
    rank, count : int
        Number of this process, from 0, and of all.
    device : torch.device
    """

    rank: int
    count: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes the run folder."""
        return self.rank == 0

    def mean(self, values: list[float]) -> list[float]:
        """Means of numbers over the processes."""
        if self.count == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=self._carrier)
        dist.all_reduce(total)
        return [float(value) / self.count for value in total]

    def told(self, values: list[float]) -> list[float]:
        """What the leading process says."""
        if self.count == 1:
            return values
        said = torch.tensor(values, dtype=torch.float64, device=self._carrier)
        dist.broadcast(said, 0)
        return [float(value) for value in said]

    def same(self, tensors: list[Tensor]) -> None:
        """Give every process the leader's tensors, in place."""
        if self.count > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    @property
    def _carrier(self) -> torch.device:
        # MPS knows no double precision; gloo carries CPU tensors anyway.
        return self.device if self.device.type == "cuda" else torch.device("cpu")


@contextmanager
def processes(plan: TrainingConfig) -> Iterator[Processes]:
    """Join the processes that torchrun started, if it did.

    Raises
    ------
    TrainingError
        If the device asked for is not there, or the batch cannot be shared out evenly.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    device = find_device(plan)
    if count == 1:
        yield Processes(0, 1, device)
        return
    if plan.batch % (count * plan.accumulate):
        raise TrainingError(
            f"training.batch = {plan.batch} cannot be shared by {count} processes in {plan.accumulate} "
            "parts each; choose a multiple."
        )
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Processes(dist.get_rank(), count, device)
    finally:
        dist.destroy_process_group()


def find_device(plan: TrainingConfig) -> torch.device:
    """The device asked for, or the best there is.

    Raises
    ------
    TrainingError
        If it is not there; says why.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if plan.device == "auto":
        return torch.device(next(name for name, present in there.items() if present))
    if not there[plan.device]:
        raise TrainingError(
            f"training.device = {plan.device!r}, but torch {torch.__version__} finds no such device here: "
            f"{_why_not(plan.device)}. Use 'auto' or 'cpu', or mend that."
        )
    if plan.precision == "float16" and plan.device != "cuda":
        raise TrainingError("training.precision = 'float16' works on CUDA only; use 'bfloat16' here.")
    return torch.device(plan.device)


def _why_not(device: str) -> str:
    if device == "mps":
        built = torch.backends.mps.is_built()
        return "this is no Mac with an Apple GPU" if built else "this torch was built without MPS"
    if torch.version.cuda is None and torch.version.hip is None:
        return "this torch was built without CUDA"
    return f"this torch was built for CUDA {torch.version.cuda}, but no NVIDIA driver or GPU answers"

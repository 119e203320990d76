"""Checkpoints: everything a stopped run needs to go on as if it had not stopped."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xgeom_core.errors import TrainingError
from xgeom_core.system.safe_files import open_to_read, write_bytes
from xgeom_core.training.failure_messages import CHECKPOINT, cannot_be_written


class AveragedWeights:
    """Exponential moving average of a network's weights and statistics.

    Parameters
    ----------
    network : nn.Module
        The network to follow.
    decay : float
        Weight of the past per step; smaller during the first steps, so that the random start is
        forgotten soon.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._decay = decay
        self._steps = 0
        self.weights = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the network as it is now."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        for name, value in network.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1.0 - decay)
            else:
                self.weights[name].copy_(value)

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"steps": self._steps, "weights": self.weights}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._steps = int(state["steps"])
        weights: dict[str, Tensor] = state["weights"]
        for name, value in weights.items():
            self.weights[name].copy_(value)


def save_checkpoint(run_dir: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint atomically: a kill or a full disk leaves the old one whole.

    Raises
    ------
    TrainingError
        If it cannot be written.
    """
    # torch's own writer hides the reason when a disk is full; plain bytes do not.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    try:
        write_bytes(run_dir / CHECKPOINT, buffer.getbuffer())
    except OSError as error:
        raise cannot_be_written(run_dir / CHECKPOINT, error) from None


def load_checkpoint(run_dir: Path) -> dict[str, Any] | None:
    """The last checkpoint of a run, or None. Only tensors and plain values are read, never code.

    Raises
    ------
    TrainingError
        If there is one and it cannot be read.
    """
    path = run_dir / CHECKPOINT
    if not path.exists():
        return None
    try:
        with open_to_read(path) as stream:
            if not zipfile.is_zipfile(stream):
                raise ValueError("torch writes checkpoints as zip archives")
            stream.seek(0)
            state = torch.load(stream, map_location="cpu", weights_only=True)
    # The reader of archives and torch's restricted reader raise whatever the rubbish leads them to.
    except Exception:
        raise TrainingError(
            f"The checkpoint {path} cannot be read; delete it to start the run afresh, "
            "or choose another run folder."
        ) from None
    if not isinstance(state, dict) or "step" not in state:
        raise TrainingError(f"{path} is not a checkpoint of xgeom; choose another run folder.")
    return state

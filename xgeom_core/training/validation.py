"""Score a network on fixed sets while it trains, each beside the constant predictor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from xgeom_core.evaluate.metrics import score
from xgeom_core.geometry import FloatArray
from xgeom_core.models.settings import REFERENCE_PX, NetworkSettings, Score
from xgeom_core.predict.network import TILT_UNIT_DEG
from xgeom_core.training.config import ValidationConfig
from xgeom_core.training.data import FileFrames, SimulatedFrames, stack


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Frames held in memory: inputs (N, 1, H, W) and truths (N, 4) in output units."""

    name: str
    images: Tensor
    truths: Tensor


def validation_sets(config: ValidationConfig, settings: NetworkSettings) -> list[ValidationSet]:
    """Simulate or read every validation set of a configuration."""
    sources: list[tuple[str, SimulatedFrames | FileFrames, int]] = [
        (kind, SimulatedFrames({kind: 1.0}, settings, config.seed), config.frames) for kind in config.kinds
    ]
    for path in config.files:
        frames = FileFrames([path], settings)
        sources.append((path.name, frames, min(config.frames, len(frames))))
    sets = []
    for name, frames_of, count in sources:
        samples = [frames_of.sample(i) for i in range(count)]
        truths = torch.from_numpy(np.array([truth for _, truth in samples], dtype=np.float32))
        sets.append(ValidationSet(name, stack([image for image, _ in samples]), truths))
    return sets


def validate(
    network: nn.Module, held: ValidationSet, device: torch.device, tilt_weight: float
) -> tuple[Score, float]:
    """Score a network on one set.

    Returns
    -------
    score : Score
    loss : float
        The training loss on this set.
    """
    network.eval()
    with torch.inference_mode():
        rows = [
            network(chunk.to(device, memory_format=torch.channels_last)).float().cpu()
            for chunk in held.images.split(32)
        ]
    outputs = torch.cat(rows)
    loss = float(loss_of(outputs, held.truths, tilt_weight))
    predicted: FloatArray = outputs[:, :4].double().numpy()
    truth: FloatArray = held.truths.double().numpy()
    result = score(
        predicted[:, :2] * REFERENCE_PX,
        truth[:, :2] * REFERENCE_PX,
        predicted[:, 2:] * TILT_UNIT_DEG,
        truth[:, 2:] * TILT_UNIT_DEG,
    )
    return Score(
        data=held.name,
        frames=result.frames,
        center_px820=result.center_median,
        center_constant_px820=result.center_constant,
        tilt_deg=result.tilt_median,
        tilt_constant_deg=result.tilt_constant,
    ), loss


def loss_of(outputs: Tensor, truths: Tensor, tilt_weight: float) -> Tensor:
    """Negative log likelihood of Laplace-distributed errors, per output.

    Parameters
    ----------
    outputs : Tensor, shape (B, 8)
        Four predictions and the logarithm of their scales.
    truths : Tensor, shape (B, 4)
    tilt_weight : float
        Weight of pitch and yaw; the center has 1.

    Notes
    -----
    ``|error| / b + log b``: the network must say how wrong it may be, and pays for boasting as for
    whining. Units of the outputs drop out of the balance between center and tilt.
    """
    log_scale = outputs[:, 4:]
    terms = (outputs[:, :4] - truths).abs() * torch.exp(-log_scale) + log_scale
    return terms[:, :2].mean() + tilt_weight * terms[:, 2:].mean()

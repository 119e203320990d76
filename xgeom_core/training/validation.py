"""Score a network on fixed sets while it trains, each beside the constant predictor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from xgeom_core.evaluate.metrics import score
from xgeom_core.geometry import FloatArray
from xgeom_core.models.settings import REFERENCE_PX, TILT_UNIT_DEG, NetworkSettings, Score
from xgeom_core.training.config import TrainingConfig, ValidationConfig
from xgeom_core.training.data import Batch, FileFrames, SimulatedFrames, collate
from xgeom_core.training.losses import Target, loss_of

_AT_ONCE = 16
_NO_NOISE = np.zeros(3)


@dataclass(frozen=True, eq=False)
class ValidationSet:
    """Frames held in memory, images in half precision to save it."""

    name: str
    frames: Batch


@dataclass(frozen=True, eq=False)
class Validated:
    """What one set says of a network.

    Parameters
    ----------
    score : Score
    loss : float
        The training loss on this set.
    outputs : Tensor, shape (N, 8)
    """

    score: Score
    loss: float
    outputs: Tensor


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
        whole = collate([(frames_of.exposure(i), True, _NO_NOISE) for i in range(count)], settings)
        sets.append(ValidationSet(name, whole._replace(images=whole.images.half())))
    return sets


def validate(
    network: nn.Module,
    held: ValidationSet,
    device: torch.device,
    plan: TrainingConfig,
    predicts: Target = "both",
) -> Validated:
    """Score a network on one set."""
    network.eval()
    frames, rows = held.frames, []
    with torch.inference_mode():
        for start in range(0, len(frames.images), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            images = frames.images[part].float().to(device, memory_format=torch.channels_last)
            rows.append(network(images, frames.distance[part].to(device)).float().cpu())
    outputs = torch.cat(rows)
    predicted: FloatArray = outputs[:, :4].double().numpy()
    truth: FloatArray = frames.labels.double().numpy()
    result = score(
        predicted[:, :2] * REFERENCE_PX,
        truth[:, :2] * REFERENCE_PX,
        predicted[:, 2:] * TILT_UNIT_DEG,
        truth[:, 2:] * TILT_UNIT_DEG,
    )
    summary = Score(
        data=held.name,
        frames=result.frames,
        center_px820=result.center_median,
        center_constant_px820=result.center_constant,
        tilt_deg=result.tilt_median,
        tilt_constant_deg=result.tilt_constant,
    )
    loss = loss_of(outputs, frames.labels, plan.tilt_weight, plan.loss, predicts)
    return Validated(summary, float(loss), outputs)

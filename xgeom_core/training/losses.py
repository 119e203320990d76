"""What a network is punished for."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from xgeom_core.models.polar import PolarNetwork
from xgeom_core.training.config import TrainingConfig
from xgeom_core.training.data import Batch

Target = Literal["both", "center", "tilt"]
# Losses other than the likelihood count centers in units of 5% of the side, tilts as they come.
_CENTER_UNIT = 0.05
_DISTANCE_WEIGHT = 0.1


def loss_of(
    outputs: Tensor,
    truths: Tensor,
    tilt_weight: float,
    kind: str = "likelihood",
    predicts: Target = "both",
) -> Tensor:
    """Loss of a batch.

    Parameters
    ----------
    outputs : Tensor, shape (B, 8)
        Four predictions and the logarithm of their scales.
    truths : Tensor, shape (B, 4)
        NaN where unknown: that costs nothing.
    tilt_weight : float
        Weight of pitch and yaw; the center has 1.
    kind : {"likelihood", "l1", "l2", "smooth-l1"}
    predicts : {"both", "center", "tilt"}
        What the network answers; the rest of the outputs is a constant and costs nothing.

    Notes
    -----
    The likelihood is that of Laplace-distributed errors, ``|error| / b + log b``: the network must say
    how wrong it may be, and pays for boasting as for whining. Units of the outputs drop out of the
    balance between center and tilt.
    """
    known = torch.isfinite(truths)
    errors = outputs[:, :4] - torch.where(known, truths, outputs[:, :4].detach())
    if kind == "likelihood":
        log_scale = outputs[:, 4:]
        terms = errors.abs() * torch.exp(-log_scale) + log_scale
    else:
        units = errors.new_tensor([_CENTER_UNIT, _CENTER_UNIT, 1.0, 1.0])
        terms = _penalty(errors / units, kind)
    terms = torch.where(known, terms, 0.0)
    weights = known.to(terms.dtype) / known.sum(dim=0).clamp(min=1)
    per_output = (terms * weights).sum(dim=0)
    center, tilt = per_output[:2].mean(), tilt_weight * per_output[2:].mean()
    match predicts:
        case "center":
            return center
        case "tilt":
            return tilt
        case _:
            return center + tilt


def _penalty(errors: Tensor, kind: str) -> Tensor:
    match kind:
        case "l1":
            return errors.abs()
        case "l2":
            return errors.square()
        case "smooth-l1":
            return functional.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none")
        case _:
            raise ValueError(f"no loss {kind!r}")


class Learner(nn.Module):
    """A network and what it is punished for, as one module that torch can distribute.

    Parameters
    ----------
    network : nn.Module
    plan : TrainingConfig
    predicts : {"both", "center", "tilt"}
        What the network answers.
    """

    def __init__(self, network: nn.Module, plan: TrainingConfig, predicts: Target = "both") -> None:
        super().__init__()
        self.network = network
        self._kind, self._tilt_weight = plan.loss, plan.tilt_weight
        self._predicts = predicts

    def forward(self, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        """Loss and outputs (B, 8) of a batch."""
        if isinstance(self.network, PolarNetwork):
            return self._polar(self.network, batch, step)
        outputs = self.network(batch.images, batch.distance)
        return loss_of(outputs, batch.labels, self._tilt_weight, self._kind, self._predicts), outputs

    def _polar(self, network: PolarNetwork, batch: Batch, step: int) -> tuple[Tensor, Tensor]:
        found, outputs, seen = network.learn(batch.images, batch.distance, batch.labels, batch.noise, step)
        loss = loss_of(outputs, batch.labels, self._tilt_weight) + loss_of(found, batch.labels, 0.0)
        known = torch.isfinite(batch.log_distance)
        off = torch.where(known, seen - torch.nan_to_num(batch.log_distance), 0.0).abs()
        return loss + _DISTANCE_WEIGHT * off.mean(), outputs


def is_number(value: float) -> bool:
    """Whether a loss is one to learn from."""
    return math.isfinite(value)

"""Networks as plain arrays: the answers of trained models without torch.

`network_of` makes one from settings and weights; for training, and as the standard that these are held to,
there are the same architectures in torch (`xgeom_core.models.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xgeom_core.models.inference.baseline import BaselineInference
from xgeom_core.models.inference.layers import FloatArray32
from xgeom_core.models.inference.polar import PolarInference
from xgeom_core.models.inference.residual import ResNetInference
from xgeom_core.models.inference.vit import VisionTransformerInference
from xgeom_core.models.inference.weights import Weights
from xgeom_core.models.settings import Architecture, NetworkSettings

Network = Callable[[FloatArray32, FloatArray32 | None], FloatArray32]
"""Frames (B, 1, H, W), or (B, 2, H, W) where the canvas is seen, and distance (B, 2) to outputs (B, 8)."""

_MADE: dict[Architecture, Callable[[NetworkSettings, Weights], Network]] = {
    "baseline": BaselineInference,
    "resnet18": ResNetInference,
    "resnet34": ResNetInference,
    "resnet50": ResNetInference,
    "resnet64": ResNetInference,
    "vit": VisionTransformerInference,
    "polar": PolarInference,
}


def network_of(settings: NetworkSettings, weights: Mapping[str, FloatArray32]) -> Network:
    """A network that answers.

    Parameters
    ----------
    settings : NetworkSettings
    weights : mapping of str to ndarray
        As torch names and shapes them.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If the weights are not those of such a network.
    """
    given = Weights(weights)
    network = _MADE[settings.architecture](settings, given)
    given.end()
    return network

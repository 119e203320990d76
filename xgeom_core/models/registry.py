"""Every architecture by its name."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from xgeom_core.models.baseline import Baseline
from xgeom_core.models.polar import PolarNetwork
from xgeom_core.models.residual import ResNet
from xgeom_core.models.settings import Architecture, NetworkSettings
from xgeom_core.models.vit import VisionTransformer

ARCHITECTURES: dict[Architecture, Callable[[NetworkSettings], nn.Module]] = {
    "baseline": Baseline,
    "resnet18": ResNet,
    "resnet34": ResNet,
    "resnet50": ResNet,
    "resnet64": ResNet,
    "vit": VisionTransformer,
    "polar": PolarNetwork,
}


def build_network(settings: NetworkSettings) -> nn.Module:
    """A network with fresh weights, drawn from torch's global generator.

    Called with inputs (B, 1, H, W), or (B, 2, H, W) if `settings.sees_canvas`, and with what is known of the
    distance (B, 2) or nothing, it gives outputs (B, 8); see `ModelCard`.
    """
    network = ARCHITECTURES[settings.architecture](settings)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

"""Pieces that several networks share.

Shapes: B batch, C channels, H x W pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn import functional

from xgeom_core.models.design import ANSWERED, LOG_SCALE_RANGE, OUTPUTS, USUAL_LOG_SCALE
from xgeom_core.models.settings import NetworkSettings


class BatchNorm(nn.BatchNorm2d):
    """Batch normalization over all processes of a distributed run, on any device.

    Statistics are those of the whole batch, however many processes share it, so that a run does not
    depend on their number. torch's own synchronized layer needs a GPU.
    """

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Normalize (B, C, H, W)."""
        shared = self.training and dist.is_available() and dist.is_initialized()
        if not (shared and dist.get_world_size() > 1):
            return super().forward(x_BCHW)
        # Differentiable sums over processes; imported here because builds without them exist.
        from torch.distributed.nn.functional import all_reduce  # noqa: PLC0415 - needs torch.distributed

        count = x_BCHW.numel() / x_BCHW.shape[1]
        parts = torch.cat([x_BCHW.sum(dim=(0, 2, 3)), x_BCHW.square().sum(dim=(0, 2, 3))])
        parts = torch.cat([parts, parts.new_full((1,), count)])
        total = all_reduce(parts)
        channels = x_BCHW.shape[1]
        mean = total[:channels] / total[-1]
        variance = (total[channels : 2 * channels] / total[-1] - mean.square()).clamp(min=0.0)
        self._remember(mean.detach(), variance.detach(), float(total[-1].detach()))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        shift = self.bias - mean * scale
        return x_BCHW * scale[:, None, None] + shift[:, None, None]

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: float) -> None:
        assert self.running_mean is not None and self.running_var is not None
        momentum = 0.1 if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * (count / max(count - 1.0, 1.0)), momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1


class Coordinates(nn.Module):
    """Adds two channels that say where a pixel is, from -1 to 1 across and down, if wanted."""

    def __init__(self, wanted: bool) -> None:
        super().__init__()
        self._wanted = wanted

    @property
    def channels(self) -> int:
        """Channels after this layer, for one before."""
        return 3 if self._wanted else 1

    def forward(self, x_B1HW: Tensor) -> Tensor:
        """Map (B, 1, H, W) to (B, 1 or 3, H, W)."""
        if not self._wanted:
            return x_B1HW
        height, width = x_B1HW.shape[-2:]
        down = torch.linspace(-1.0, 1.0, height, device=x_B1HW.device, dtype=x_B1HW.dtype)
        across = torch.linspace(-1.0, 1.0, width, device=x_B1HW.device, dtype=x_B1HW.dtype)
        place = torch.stack(torch.meshgrid(across, down, indexing="xy"))
        return torch.cat([x_B1HW, place.expand(x_B1HW.shape[0], -1, -1, -1)], dim=1)


class Head(nn.Sequential):
    """Fully connected layers from features to the eight outputs.

    Parameters
    ----------
    features : int
        Number of features, flattened.
    settings : NetworkSettings
        Activations, what to predict, and whether to predict its uncertainty.

    Notes
    -----
    What is not predicted is 0, with a scale that says so. The last word is always said in single
    precision: half would round a center by half a pixel.
    """

    def __init__(self, features: int, settings: NetworkSettings) -> None:
        wanted = ANSWERED[settings.predicts]
        uncertain, distance = settings.uncertainty == "predicted", settings.distance_input == "yes"
        first = settings.first_activations
        entry = features + (2 if distance else 0)
        count = len(wanted) * (2 if uncertain else 1)
        layers: list[nn.Module] = []
        if first:
            layers += [nn.Linear(entry, first), nn.ReLU()]
        layers += [nn.Linear(first or entry, settings.activations), nn.ReLU()]
        super().__init__(*layers, nn.Linear(settings.activations, count))
        self._wanted, self._uncertain, self._distance = list(wanted), uncertain, distance

    def forward(self, features_BF: Tensor, distance_B2: Tensor | None = None) -> Tensor:
        """Map (B, F) to (B, 8)."""
        with torch.autocast(features_BF.device.type, enabled=False):
            return self._answer(features_BF.float(), distance_B2)

    def _answer(self, features_BF: Tensor, distance_B2: Tensor | None) -> Tensor:
        # `shape[0]`, not `len`: an exporter follows the first as a free batch size and freezes the second.
        if self._distance:
            known = features_BF.new_zeros(features_BF.shape[0], 2) if distance_B2 is None else distance_B2
            features_BF = torch.cat([features_BF, known], dim=1)
        out: Tensor = super().forward(features_BF)  # type: ignore[no-untyped-call]
        wanted = self._wanted
        full = out.new_zeros(out.shape[0], OUTPUTS)
        full[:, 4:] = out.new_tensor(USUAL_LOG_SCALE)
        full[:, wanted] = out[:, : len(wanted)]
        if self._uncertain:
            full[:, [4 + i for i in wanted]] = out[:, len(wanted) :].clamp(*LOG_SCALE_RANGE)
        return full


def narrowed(features_BCHW: Tensor, narrow: nn.Module) -> Tensor:
    """Feature maps with fewer channels, flattened to (B, F)."""
    return functional.relu(narrow(features_BCHW)).flatten(1)

"""The two-stage design: find the center, then look again in polar coordinates about it.

About a guessed center a true one a little way off shows as a wave ``cos(phi)`` of the same width at
every radius, and a tilt as one that grows with the square of the radius. Both are plain to see once
the frame is laid out as radius against azimuth and the mean over the azimuth is taken away.

Shapes: B batch, C channels, H x W pixels, R radii, P azimuths; lengths in sides of the canvas.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from xgeom_core.models.design import (
    CURVATURE_UNIT,
    FAR_BELOW,
    LOG_DISTANCE_RANGE,
    LOG_SCALE_RANGE,
    MAPS,
    RANGE,
    SHIFT_UNIT,
    USUAL_LOG_DISTANCE,
)
from xgeom_core.models.polar_layers import PolarBlock, PolarConv, PolarMap, Start, VectorHead
from xgeom_core.models.residual import ResNet
from xgeom_core.models.settings import TILT_UNIT_DEG, NetworkSettings

# In training: starts farther off than this are replaced by the truth, jittered.
_FARTHEST_START = 0.06
_LARGEST_JITTER = 0.025
_SMALLEST_JITTER = 0.0005


class Refinement(nn.Module):
    """One look in polar coordinates: what is left of the shift and of the tilt."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        polar = settings.polar
        self.map = PolarMap(polar.radii, polar.azimuths, polar.r_min, polar.r_max)
        width = polar.width
        self.trunk = nn.Sequential(
            PolarConv(MAPS, width, 5, 2),
            *(PolarBlock(width) for _ in range(polar.blocks)),
            PolarConv(width, 2 * width, 3, 2),
            *(PolarBlock(2 * width) for _ in range(polar.blocks)),
        )
        self.head = VectorHead(
            2 * width, polar.radii // 4, polar.azimuths // 4, 4, settings.polar.hidden, side_inputs=4
        )

    def forward(self, x_B2HW: Tensor, start: Start, distance_B2: Tensor) -> tuple[Start, Tensor, Tensor]:
        """Improve on a start.

        Parameters
        ----------
        x_B2HW : Tensor
            Values and what is known.
        start : Start
        distance_B2 : Tensor, shape (B, 2)
            Logarithm of distance over side, or 0, and whether it is known.

        Returns
        -------
        start : Start
            Better center, curvature and scale of the center's error.
        log_scale : Tensor, shape (B, 2)
            Logarithm of the scale of the curvature's error, in its unit.
        log_distance : Tensor, shape (B,)
            What the frame looks like: the logarithm of distance over side.
        """
        maps = self.map(x_B2HW, start)
        side = torch.cat([distance_B2, start.log_scale + 4.0], dim=1)
        features = self.trunk(maps)
        with torch.autocast(features.device.type, enabled=False):
            vectors, scalars = self.head(features.float(), side)
        center = start.center + SHIFT_UNIT * vectors[:, 0]
        curvature = (start.curvature + CURVATURE_UNIT * vectors[:, 1]).clamp(-0.6, 0.6)
        center_scale = (scalars[:, :2] - 4.5).clamp(*LOG_SCALE_RANGE)
        log_distance = (USUAL_LOG_DISTANCE + scalars[:, 4]).clamp(*LOG_DISTANCE_RANGE)
        return Start(center, curvature, center_scale), scalars[:, 2:4] - 3.5, log_distance


class PolarNetwork(nn.Module):
    """Stage 1, a residual network that finds the center; stage 2, refinements about it.

    Parameters
    ----------
    settings : NetworkSettings
        Stage 1 has the width, input size and activations of the settings; `settings.polar` is for
        stage 2.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self._supersampling = settings.supersampling
        self._refinements = settings.polar.refinements
        self._fine = settings.polar.fine == "yes"
        plain = settings.model_copy(update={"architecture": "resnet18"})
        self.finder = ResNet(plain, settings.supersampling**2 if self._fine else 0)
        self.refinement = Refinement(settings)

    def forward(self, x_B2HW: Tensor, distance_B2: Tensor | None = None) -> Tensor:
        """Outputs (B, 8) for frames (B, 2, canvas, canvas): values and what is known.

        `distance_B2` holds the logarithm of distance over side and 1, or 0 and 0 where unknown.
        """
        distance = self._distance(x_B2HW, distance_B2)
        start = self._first(self.find(x_B2HW))
        scale, seen = start.log_scale, distance[:, 0]
        for _ in range(self._refinements):
            start, scale, seen = self.refinement(x_B2HW, start, distance)
        return _outputs(start, scale, torch.where(distance[:, 1] > 0, distance[:, 0], seen))

    def learn(
        self, x_B2HW: Tensor, distance_B2: Tensor, truths_B4: Tensor, noise_BN: Tensor, step: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Outputs to learn from: stage 1's, stage 2's, and the logarithm of the distance.

        Stage 2 starts from what stage 1 says, jittered for half of the frames so that it forgives
        more than simulated frames ask of it, on odd steps from what stage 2 itself made of that.
        """
        found = self.find(x_B2HW)
        start = _jittered(self._first(found.detach()), truths_B4, noise_BN)
        if step % 2:
            self.refinement.eval()
            with torch.no_grad():
                start = self.refinement(x_B2HW, start, distance_B2)[0]
            self.refinement.train()
        start, scale, seen = self.refinement(x_B2HW, start, distance_B2)
        distance = torch.where(distance_B2[:, 1] > 0, distance_B2[:, 0], seen.detach())
        return found, _outputs(start, scale, distance), seen

    def find(self, x_B2HW: Tensor) -> Tensor:
        """Stage 1's outputs (B, 8)."""
        small, mean, spread = _pooled(x_B2HW, self._supersampling)
        detail = None
        if self._fine:
            # Which of the pooled pixels was the bright one: where a spot is, to half a pixel.
            values = ((x_B2HW[:, :1] - mean) / spread).clamp(*RANGE) * x_B2HW[:, 1:]
            detail = functional.pixel_unshuffle(values, self._supersampling)
        found: Tensor = self.finder(small, None, detail)
        return found

    def _first(self, found_B8: Tensor) -> Start:
        center = found_B8[:, :2].clamp(-0.75, 0.75)
        return Start(center, torch.zeros_like(center), found_B8[:, 4:6])

    def _distance(self, x_B2HW: Tensor, distance_B2: Tensor | None) -> Tensor:
        return x_B2HW.new_zeros(x_B2HW.shape[0], 2) if distance_B2 is None else distance_B2


def pooled(x_B2HW: Tensor, factor: int) -> Tensor:
    """Stage 1's input (B, 1, H / factor, W / factor): brightest known value, standardized; else 0."""
    return _pooled(x_B2HW, factor)[0]


def _pooled(x_B2HW: Tensor, factor: int) -> tuple[Tensor, Tensor, Tensor]:
    """The same, with the mean and the spread (B, 1, 1, 1) by which it was standardized."""
    lowered = x_B2HW[:, :1] + (x_B2HW[:, 1:] - 1.0) * FAR_BELOW
    rows = lowered[:, :, ::factor]
    # Strided slices are twice as fast as a pooling layer.
    for i in range(1, factor):
        rows = torch.maximum(rows, lowered[:, :, i::factor])
    small = rows[..., ::factor]
    for i in range(1, factor):
        small = torch.maximum(small, rows[..., i::factor])
    seen = (small > -0.5 * FAR_BELOW).to(small.dtype)
    count = seen.sum(dim=(1, 2, 3), keepdim=True).clamp(min=1.0)
    mean = (small * seen).sum(dim=(1, 2, 3), keepdim=True) / count
    spread = ((small - mean).square() * seen).sum(dim=(1, 2, 3), keepdim=True).div(count).sqrt()
    spread = torch.where(spread > 0, spread, 1.0)
    return ((small - mean) / spread).clamp(*RANGE) * seen, mean, spread


def beam_of_tilt(tilt_B2: Tensor) -> Tensor:
    """Beam along fast and slow axes ``(-sinY, sinP cosY)`` of tilts (B, 2) in output units."""
    pitch, yaw = torch.deg2rad(tilt_B2 * TILT_UNIT_DEG).unbind(dim=1)
    return torch.stack([-torch.sin(yaw), torch.sin(pitch) * torch.cos(yaw)], dim=1)


def tilt_of_beam(beam_B2: Tensor) -> Tensor:
    """The inverse of `beam_of_tilt`."""
    yaw = torch.asin(-beam_B2[:, 0].clamp(-0.9, 0.9))
    pitch = torch.asin((beam_B2[:, 1] / torch.cos(yaw)).clamp(-0.9, 0.9))
    return torch.rad2deg(torch.stack([pitch, yaw], dim=1)) / TILT_UNIT_DEG


def _outputs(start: Start, curvature_scale_B2: Tensor, log_distance_B: Tensor) -> Tensor:
    """Outputs (B, 8) of the model card; scales of pitch and yaw are those along y and x."""
    tilt = tilt_of_beam(start.curvature * torch.exp(log_distance_B)[:, None])
    unit = math.log(math.degrees(1.0) / TILT_UNIT_DEG)
    tilt_scale = (curvature_scale_B2 + log_distance_B[:, None] + unit).clamp(*LOG_SCALE_RANGE)
    return torch.cat([start.center, tilt, start.log_scale, tilt_scale], dim=1)


def _jittered(start: Start, truths_B4: Tensor, noise_BN: Tensor) -> Start:
    """Half of the starts moved a little, and hopeless ones replaced by the truth moved a little.

    Noise is uniform on 0 to 1: size, angle, and whether.
    """
    ratio = math.log(_LARGEST_JITTER / _SMALLEST_JITTER)
    size = _SMALLEST_JITTER * torch.exp(ratio * noise_BN[:, 0])
    angle = 2.0 * math.pi * noise_BN[:, 1]
    move = size[:, None] * torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    chosen = noise_BN[:, 2] < 0.5
    center = start.center + move * chosen[:, None]
    wider = torch.logaddexp(start.log_scale, size.log()[:, None])
    scale = torch.where(chosen[:, None], wider, start.log_scale)
    lost = (center - truths_B4[:, :2]).norm(dim=1) > _FARTHEST_START
    center = torch.where(lost[:, None], truths_B4[:, :2] + move, center)
    scale = torch.where(lost[:, None], size.log()[:, None].expand_as(scale), scale)
    return Start(center, start.curvature, scale)

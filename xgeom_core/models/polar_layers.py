"""Frames as radius against azimuth: the map, layers that close on themselves, and a head that turns along.

Shapes: B batch, C channels, H x W pixels, R radii, P azimuths; lengths in sides of the canvas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from xgeom_core.models.design import FINE_AZIMUTHS, FINE_RADII, GAIN
from xgeom_core.models.layers import BatchNorm


@dataclass(frozen=True, eq=False)
class Start:
    """Where the refinement looks from.

    Parameters
    ----------
    center : Tensor, shape (B, 2)
        Center minus the middle of the canvas, in sides.
    curvature : Tensor, shape (B, 2)
        Direction of the beam along the detector's axes, over the distance in sides.
    log_scale : Tensor, shape (B, 2)
        Logarithm of how far off the center may be, in sides.
    """

    center: Tensor
    curvature: Tensor
    log_scale: Tensor


class PolarMap(nn.Module):
    """Lay frames out as radius against azimuth.

    Parameters
    ----------
    radii, azimuths : int
        Bins of the map.
    r_min, r_max : float
        Radii covered, in sides of the canvas.
    """

    points: Tensor
    directions: Tensor

    def __init__(self, radii: int, azimuths: int, r_min: float, r_max: float) -> None:
        super().__init__()
        fine_r, fine_p = radii * FINE_RADII, azimuths * FINE_AZIMUTHS
        radius = r_min + (torch.arange(fine_r) + 0.5) * (r_max - r_min) / fine_r
        angle = (torch.arange(fine_p) + 0.5) * (2.0 * math.pi / fine_p)
        directions = torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
        self.register_buffer("points", radius[:, None], persistent=False)
        self.register_buffer("directions", directions, persistent=False)

    def forward(self, x_B2HW: Tensor, start: Start) -> Tensor:
        """Sample frames (B, 2, H, W) of values and of what is known.

        Returns
        -------
        Tensor, shape (B, 5, R, P)
            Mean minus its mean over the azimuth; that mean; its slope; share known; brightest minus its
            mean. A shift shows in the first as a wave in proportion to the slope.
        """
        values, known = self._sampled(x_B2HW, start)
        pool = (FINE_RADII, FINE_AZIMUTHS)
        share = functional.avg_pool2d(known, pool)
        mean = functional.avg_pool2d(values, pool) / share.clamp(min=0.02)
        lit = torch.where(known > 0.5, values / known.clamp(min=0.5), values.new_full((), -8.0))
        bright = functional.max_pool2d(lit, pool)
        weight = share * (share > 0.1)
        total = weight.sum(dim=-1, keepdim=True)
        profile = (mean * weight).sum(dim=-1, keepdim=True) / total.clamp(min=1e-3)
        top = (bright.clamp(min=-8.0) * weight).sum(dim=-1, keepdim=True) / total.clamp(min=1e-3)
        seen = (weight > 0).to(mean.dtype)
        residual = torch.asinh(GAIN * (mean - profile)) * seen
        outward = functional.pad(profile, (0, 0, 1, 1), mode="replicate")
        slope = torch.asinh(GAIN * (outward[:, :, 2:] - outward[:, :, :-2]))
        parts = [residual, profile.expand_as(mean), slope.expand_as(mean), share, (bright - top) * seen]
        return torch.cat(parts, dim=1)

    def _sampled(self, x_B2HW: Tensor, start: Start) -> tuple[Tensor, Tensor]:
        """Values times known, and known, at the fine points about the start."""
        bend = start.curvature @ self.directions.T
        stretched = self.points / (1.0 - self.points * bend[:, None, :]).clamp(min=0.3)
        places = start.center[:, None, None, :] + stretched[..., None] * self.directions
        # grid_sample counts from -1 to 1 across the image, the corners being the outer edges.
        sampled = functional.grid_sample(
            x_B2HW, 2.0 * places, mode="bilinear", padding_mode="zeros", align_corners=False
        )
        return sampled[:, :1], sampled[:, 1:]


class PolarConv(nn.Module):
    """Convolution, normalization and rectifier on a polar map that closes on itself in azimuth."""

    def __init__(
        self, channels_in: int, channels_out: int, size: int, stride: int, active: bool = True
    ) -> None:
        super().__init__()
        self._half = size // 2
        self._active = active
        self.conv = nn.Conv2d(channels_in, channels_out, size, stride, padding=(self._half, 0), bias=False)
        self.norm = BatchNorm(channels_out)

    def forward(self, x_BCRP: Tensor) -> Tensor:
        """Map (B, C_in, R, P) to (B, C_out, R / stride, P / stride)."""
        padded = functional.pad(x_BCRP, (self._half, self._half, 0, 0), mode="circular")
        out: Tensor = self.norm(self.conv(padded))
        return torch.relu(out) if self._active else out


class PolarBlock(nn.Module):
    """Residual block on a polar map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = PolarConv(channels, channels, 3, 1)
        self.second = PolarConv(channels, channels, 3, 1, active=False)

    def forward(self, x_BCRP: Tensor) -> Tensor:
        """Map (B, C, R, P) to the same shape."""
        return torch.relu(x_BCRP + self.second(self.first(x_BCRP)))


class VectorHead(nn.Module):
    """Two plane vectors, shift and curvature, that turn with the map.

    The first circular harmonic of every feature at every radius is a plane vector; the answer is
    their weighted sum, with weights from what does not change when the frame is turned. So x and y
    share everything that is learned, and what is learned at one azimuth holds at all.

    Parameters
    ----------
    channels, radii, azimuths : int
        Shape of the feature map.
    azimuth_step : int
        Bins of the polar map per column of features.
    hidden : int
        Width of the layers that make the weights.
    side_inputs : int
        Number of side inputs.
    """

    waves: Tensor

    def __init__(
        self, channels: int, radii: int, azimuths: int, azimuth_step: int, hidden: int, side_inputs: int
    ) -> None:
        super().__init__()
        # Strided convolutions are centered on the first of each group of bins.
        angle = (torch.arange(azimuths) * azimuth_step + 0.5) * (2.0 * math.pi / (azimuths * azimuth_step))
        waves = torch.stack([torch.cos(angle), torch.sin(angle), torch.cos(2 * angle), torch.sin(2 * angle)])
        self.register_buffer("waves", waves.T / azimuths, persistent=False)
        self.gates = nn.Sequential(
            nn.Conv1d(3 * channels + side_inputs, hidden, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(hidden, hidden, 3, padding=1),
            nn.ReLU(),
        )
        # Radii are told apart by weights of their own: a tilt grows with the radius.
        self.place = nn.Parameter(torch.zeros(1, hidden, radii))
        self.mix = nn.Conv1d(hidden, 2 * channels, 1)
        self.scalars = nn.Sequential(nn.Linear(hidden * radii, hidden), nn.ReLU(), nn.Linear(hidden, 5))

    def forward(self, features_BCRP: Tensor, side_BS: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, 2, 2), shift then curvature, and five scalars (B, 5)."""
        mean = features_BCRP.mean(dim=-1)
        harmonics = features_BCRP @ self.waves
        first, second = harmonics[..., :2], harmonics[..., 2:]
        side = side_BS[:, :, None].expand(-1, -1, mean.shape[-1])
        invariant = torch.cat([mean, _length(first), _length(second), side], dim=1)
        hidden = self.gates(invariant) + self.place
        weights = self.mix(torch.relu(hidden)).unflatten(1, (2, -1))
        vectors = torch.einsum("bvcr,bcrk->bvk", weights, first)
        scalars: Tensor = self.scalars(torch.relu(hidden).flatten(1))
        return vectors, scalars


def _length(vectors: Tensor) -> Tensor:
    """Length along the last axis, with a gradient at 0."""
    return (vectors.square().sum(dim=-1) + 1e-8).sqrt()

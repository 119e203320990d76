"""Frames as radius against azimuth; see `xgeom_core.models.polar_layers`.

Shapes: B batch, H x W pixels, R radii, P azimuths, C channels, S sampled points of a bin; lengths in sides
of the canvas. Points of a bin lie along an axis of their own, so that a bin's mean is a plain sum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.models.design import FINE_AZIMUTHS, FINE_RADII, GAIN
from xgeom_core.models.inference.layers import FloatArray32, neighbors, rectified
from xgeom_core.models.inference.weights import Weights
from xgeom_core.models.settings import PolarSettings


@dataclass(frozen=True, eq=False)
class Start:
    """Where the refinement looks from.

    Parameters
    ----------
    center : ndarray, shape (B, 2)
        Center minus the middle of the canvas, in sides.
    curvature : ndarray, shape (B, 2)
        Direction of the beam along the detector's axes, over the distance in sides.
    log_scale : ndarray, shape (B, 2)
        Logarithm of how far off the center may be, in sides.
    """

    center: FloatArray32
    curvature: FloatArray32
    log_scale: FloatArray32


class PolarMap:
    """Lay frames out as radius against azimuth.

    Parameters
    ----------
    settings : PolarSettings
    """

    def __init__(self, settings: PolarSettings) -> None:
        fine_r, fine_p = settings.radii * FINE_RADII, settings.azimuths * FINE_AZIMUTHS
        radius = settings.r_min + (np.arange(fine_r) + 0.5) * (settings.r_max - settings.r_min) / fine_r
        angle = (np.arange(fine_p) + 0.5) * (2.0 * np.pi / fine_p)
        # (FINE_RADII, 1, R, 1) and (1, FINE_AZIMUTHS, 1, P).
        self._radius = radius.reshape(-1, FINE_RADII).T[:, None, :, None].astype(np.float32)
        angle = angle.reshape(-1, FINE_AZIMUTHS).T[None, :, None, :]
        self._cos, self._sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)

    def __call__(self, x_2HW: FloatArray32, center: FloatArray32, curvature: FloatArray32) -> FloatArray32:
        """Sample one frame of values and of what is known.

        Returns
        -------
        ndarray, shape (R, P, 5)
            Mean minus its mean over the azimuth; that mean; its slope; share known; brightest minus its mean.
        """
        values, known = self._sampled(x_2HW, center, curvature)
        share = known.mean(axis=0)
        mean = values.mean(axis=0) / np.maximum(share, 0.02)
        lit = np.where(known > 0.5, values / np.maximum(known, 0.5), np.float32(-8.0))
        bright = lit.max(axis=0)
        weight = share * (share > 0.1)
        total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-3)
        profile = (mean * weight).sum(axis=1, keepdims=True) / total
        top = (np.maximum(bright, -8.0) * weight).sum(axis=1, keepdims=True) / total
        seen = weight > 0
        outward = np.concatenate([profile[:1], profile, profile[-1:]])
        out = np.empty((*mean.shape, 5), np.float32)
        out[..., 0] = np.arcsinh(GAIN * (mean - profile)) * seen
        out[..., 1] = profile
        out[..., 2] = np.arcsinh(GAIN * (outward[2:] - outward[:-2]))
        out[..., 3] = share
        out[..., 4] = (bright - top) * seen
        return out

    def _sampled(
        self, x_2HW: FloatArray32, center: FloatArray32, curvature: FloatArray32
    ) -> tuple[FloatArray32, FloatArray32]:
        """Values times known, and known, (S, R, P), between the four pixels about each point."""
        bend = curvature[0] * self._cos + curvature[1] * self._sin
        stretched = self._radius / np.maximum(1.0 - self._radius * bend, 0.3)
        high, wide = x_2HW.shape[1:]
        column, right = _pixel(center[0], stretched * self._cos, wide)
        row, down = _pixel(center[1], stretched * self._sin, high)
        # Beyond the canvas everything is 0. Values and known of a pixel are fetched as one number of 8 bytes.
        padded = np.zeros((high + 3, wide + 3, 2), np.float32)
        padded[1:-2, 1:-2] = x_2HW.transpose(1, 2, 0)
        pixels = padded.view(np.complex64).ravel()
        between = _between(pixels, row * (wide + 3) + column, wide + 3, right, down)
        both = between.reshape(-1, *between.shape[2:])
        return both[..., 0::2], both[..., 1::2]


def _pixel(center: np.float32, offset: FloatArray32, side: int) -> tuple[NDArray[np.intp], FloatArray32]:
    """The pixel before a place, in a canvas with a rim of one pixel, and how far beyond it the place is."""
    middle = np.float32(center * side + 0.5 * side - 0.5)
    place = np.clip(offset * np.float32(side) + middle, -1.0, side)
    before = np.floor(place)
    return before.astype(np.intp) + 1, place - before


def _between(
    pixels: NDArray[np.complex64],
    place: NDArray[np.intp],
    wide: int,
    right: FloatArray32,
    down: FloatArray32,
) -> FloatArray32:
    """Linear between four pixels; two numbers for each place along the last axis."""
    right, down = np.repeat(right, 2, axis=-1), np.repeat(down, 2, axis=-1)
    rows = []
    for below in (0, wide):
        here, beside = (pixels[below + step :].take(place, mode="clip").view(np.float32) for step in (0, 1))
        beside -= here
        beside *= right
        beside += here
        rows.append(beside)
    upper, lower = rows
    lower -= upper
    lower *= down
    lower += upper
    return lower


class VectorHead:
    """Two plane vectors, shift and curvature, that turn with the map.

    Parameters
    ----------
    settings : PolarSettings
    weights : Weights
    name : str
        Of the layers, with a dot at its end.
    channels, radii, azimuths, step, side_inputs : int
        See `xgeom_core.models.polar_layers.VectorHead`.
    """

    def __init__(
        self,
        settings: PolarSettings,
        weights: Weights,
        name: str,
        channels: int,
        step: int,
        side_inputs: int,
    ) -> None:
        radii, azimuths, hidden = settings.radii // step, settings.azimuths // step, settings.hidden
        angle = (np.arange(azimuths) * step + 0.5) * (2.0 * np.pi / (azimuths * step))
        waves = [np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)]
        # The mean comes first.
        self._waves = (np.stack([np.ones(azimuths), *waves], axis=1) / azimuths).astype(np.float32)
        self._gates = [
            weights.along(f"{name}gates.0", 3 * channels + side_inputs, hidden, 3),
            weights.along(f"{name}gates.2", hidden, hidden, 3),
        ]
        self._place = weights.take(f"{name}place", 1, hidden, radii).swapaxes(1, 2)
        self._mix = weights.along(f"{name}mix", hidden, 2 * channels, 1)
        self._scalars = [
            weights.linear(f"{name}scalars.0", hidden * radii, hidden),
            weights.linear(f"{name}scalars.2", hidden, 5),
        ]

    def __call__(
        self, features_BRPC: FloatArray32, side_BS: FloatArray32
    ) -> tuple[FloatArray32, FloatArray32]:
        """Vectors (B, 2, 2), shift then curvature, and five scalars (B, 5)."""
        count, radii = features_BRPC.shape[:2]
        # (B, R, C, 5): the mean and two harmonics of each feature at each radius.
        harmonics = features_BRPC.swapaxes(2, 3) @ self._waves
        first, second = harmonics[..., 1:3], harmonics[..., 3:]
        side = np.broadcast_to(side_BS[:, None], (count, radii, side_BS.shape[1]))
        known = np.concatenate([harmonics[..., 0], _length(first), _length(second), side], axis=-1)
        for gate in self._gates:
            known = rectified(gate(neighbors(known)))
        hidden = rectified(known + self._place)
        weights = self._mix(hidden).reshape(count, radii, 2, -1)
        vectors = np.einsum("brvc,brck->bvk", weights, first)
        inner = rectified(self._scalars[0](hidden.swapaxes(1, 2).reshape(count, -1)))
        return vectors, self._scalars[1](inner)


def _length(vectors: FloatArray32) -> FloatArray32:
    return np.sqrt(np.square(vectors).sum(axis=-1) + np.float32(1e-8))

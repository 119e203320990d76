"""The two-stage design; see `xgeom_core.models.polar`.

Shapes: B batch, H x W pixels, R radii, P azimuths, C channels; lengths in sides of the canvas.
"""

from __future__ import annotations

import math

import numpy as np

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
from xgeom_core.models.inference.layers import Convolution, FloatArray32, rectified
from xgeom_core.models.inference.polar_layers import PolarMap, Start, VectorHead
from xgeom_core.models.inference.residual import ResNetInference
from xgeom_core.models.inference.weights import Weights
from xgeom_core.models.settings import TILT_UNIT_DEG, NetworkSettings


class _Refinement:
    """One look in polar coordinates: what is left of the shift and of the tilt."""

    def __init__(self, settings: NetworkSettings, weights: Weights) -> None:
        polar = settings.polar
        width, blocks = polar.width, polar.blocks
        self._map = PolarMap(polar)

        def made(name: str, channels: tuple[int, int], size: int, stride: int = 1) -> Convolution:
            name = f"refinement.trunk.{name}"
            return weights.convolution(
                f"{name}.conv", channels, size, stride, norm=f"{name}.norm", circular=True
            )

        def block(number: int, width: int) -> list[Convolution]:
            return [made(f"{number}.{part}", (width, width), 3) for part in ("first", "second")]

        self._halves = (
            (made("0", (MAPS, width), 5, 2), [block(1 + i, width) for i in range(blocks)]),
            (
                made(str(1 + blocks), (width, 2 * width), 3, 2),
                [block(2 + blocks + i, 2 * width) for i in range(blocks)],
            ),
        )
        self._head = VectorHead(polar, weights, "refinement.head.", 2 * width, 4, side_inputs=4)

    def __call__(
        self, x_B2HW: FloatArray32, start: Start, distance_B2: FloatArray32
    ) -> tuple[Start, FloatArray32, FloatArray32]:
        """A better start, the logarithm of the scale of the curvature's error, and that of the distance."""
        features = np.stack(
            [self._map(*frame) for frame in zip(x_B2HW, start.center, start.curvature, strict=True)]
        )
        for entry, blocks in self._halves:
            features = rectified(entry(features))
            for first, second in blocks:
                change = second(rectified(first(features)))
                change += features
                features = rectified(change)
        side = np.concatenate([distance_B2, start.log_scale + np.float32(4.0)], axis=1)
        vectors, scalars = self._head(features, side)
        center = start.center + np.float32(SHIFT_UNIT) * vectors[:, 0]
        curvature = (start.curvature + np.float32(CURVATURE_UNIT) * vectors[:, 1]).clip(-0.6, 0.6)
        center_scale = (scalars[:, :2] - np.float32(4.5)).clip(*LOG_SCALE_RANGE)
        log_distance = (np.float32(USUAL_LOG_DISTANCE) + scalars[:, 4]).clip(*LOG_DISTANCE_RANGE)
        return Start(center, curvature, center_scale), scalars[:, 2:4] - np.float32(3.5), log_distance


class PolarInference:
    """Stage 1, a residual network that finds the center; stage 2, refinements about it.

    Parameters
    ----------
    settings : NetworkSettings
    weights : Weights
    """

    def __init__(self, settings: NetworkSettings, weights: Weights) -> None:
        self._supersampling = settings.supersampling
        self._refinements = settings.polar.refinements
        self._fine = settings.polar.fine == "yes"
        plain = settings.model_copy(update={"architecture": "resnet18"})
        self._finder = ResNetInference(plain, weights, "finder.", self._supersampling**2 * self._fine)
        self._refinement = _Refinement(settings, weights)

    def __call__(self, x_B2HW: FloatArray32, distance_B2: FloatArray32 | None = None) -> FloatArray32:
        """Map frames (B, 2, canvas, canvas), values and what is known, to outputs (B, 8)."""
        distance = np.zeros((len(x_B2HW), 2), np.float32) if distance_B2 is None else distance_B2
        found = self._find(x_B2HW)
        center = found[:, :2].clip(-0.75, 0.75)
        start, scale, seen = Start(center, np.zeros_like(center), found[:, 4:6]), center, distance[:, 0]
        for _ in range(self._refinements):
            start, scale, seen = self._refinement(x_B2HW, start, distance)
        return _outputs(start, scale, np.where(distance[:, 1] > 0, distance[:, 0], seen))

    def _find(self, x_B2HW: FloatArray32) -> FloatArray32:
        """Stage 1's outputs (B, 8)."""
        factor = self._supersampling
        small, mean, spread = _pooled(x_B2HW, factor)
        detail = None
        if self._fine:
            values = x_B2HW[:, 0] - mean[:, 0]
            values /= spread[:, 0]
            values = values.clip(*RANGE, out=values)
            values *= x_B2HW[:, 1]
            count, high, wide = values.shape
            parts = values.reshape(count, high // factor, factor, wide // factor, factor)
            detail = parts.transpose(0, 1, 3, 2, 4).reshape(count, high // factor, wide // factor, -1)
        return self._finder(small, None, detail)


def _pooled(x_B2HW: FloatArray32, factor: int) -> tuple[FloatArray32, FloatArray32, FloatArray32]:
    """Stage 1's input (B, 1, H / factor, W / factor), and mean and spread by which it was standardized."""
    lowered = x_B2HW[:, 1:] - np.float32(1.0)
    lowered *= np.float32(FAR_BELOW)
    lowered += x_B2HW[:, :1]
    rows = lowered[:, :, ::factor]
    for i in range(1, factor):
        rows = np.maximum(rows, lowered[:, :, i::factor])
    small = rows[..., ::factor]
    for i in range(1, factor):
        small = np.maximum(small, rows[..., i::factor])
    seen = small > -0.5 * FAR_BELOW
    axes = (1, 2, 3)
    count = np.maximum(seen.sum(axis=axes, keepdims=True, dtype=np.float32), 1.0)
    mean = (small * seen).sum(axis=axes, keepdims=True) / count
    spread = np.sqrt((np.square(small - mean) * seen).sum(axis=axes, keepdims=True) / count)
    spread[spread <= 0] = 1.0
    return ((small - mean) / spread).clip(*RANGE) * seen, mean, spread


def _outputs(start: Start, curvature_scale_B2: FloatArray32, log_distance_B: FloatArray32) -> FloatArray32:
    """Outputs (B, 8) of the model card; scales of pitch and yaw are those along y and x."""
    beam = start.curvature * np.exp(log_distance_B)[:, None]
    yaw = np.arcsin(-beam[:, 0].clip(-0.9, 0.9))
    pitch = np.arcsin((beam[:, 1] / np.cos(yaw)).clip(-0.9, 0.9))
    tilt = np.rad2deg(np.stack([pitch, yaw], axis=1)) / TILT_UNIT_DEG
    unit = math.log(math.degrees(1.0) / TILT_UNIT_DEG)
    tilt_scale = (curvature_scale_B2 + log_distance_B[:, None] + unit).clip(*LOG_SCALE_RANGE)
    return np.concatenate([start.center, tilt, start.log_scale, tilt_scale], axis=1, dtype=np.float32)

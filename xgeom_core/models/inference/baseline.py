"""The poster's baseline; see `xgeom_core.models.baseline`."""

from __future__ import annotations

import numpy as np

from xgeom_core.models.design import BASELINE_MAP
from xgeom_core.models.inference.head import HeadInference
from xgeom_core.models.inference.layers import (
    FloatArray32,
    flattened,
    pooled_by_two,
    rectified,
    with_coordinates,
)
from xgeom_core.models.inference.weights import Weights
from xgeom_core.models.settings import NetworkSettings


class BaselineInference:
    """Four convolutions, two poolings after the first two, fully connected layers.

    Parameters
    ----------
    settings : NetworkSettings
    weights : Weights
    """

    def __init__(self, settings: NetworkSettings, weights: Weights) -> None:
        width = settings.width
        self._coordinates = settings.coordinates == "yes"
        widths = (3 if self._coordinates else 1, width, width, 2 * width, 2 * width)
        places = (0, 3, 6, 8)
        self._convolutions = [
            weights.convolution(f"convolutions.{place}", (widths[i], widths[i + 1]), 3, bias=True)
            for i, place in enumerate(places)
        ]
        side = settings.input_px // 4
        self._step = -(-side // BASELINE_MAP)
        count = -(-side // self._step)
        self._head = HeadInference(2 * width * count**2, settings, weights, "head.")

    def __call__(self, x_B1HW: FloatArray32, distance_B2: FloatArray32 | None = None) -> FloatArray32:
        """Map frames (B, 1, H, W) to outputs (B, 8)."""
        x_BHWC = np.moveaxis(x_B1HW, 1, -1)
        if self._coordinates:
            x_BHWC = with_coordinates(x_BHWC)
        for number, convolution in enumerate(self._convolutions):
            x_BHWC = rectified(convolution(x_BHWC))
            if number < 2:
                x_BHWC = pooled_by_two(x_BHWC)
        for axis in (1, 2):
            x_BHWC = _means(x_BHWC, axis, self._step)
        return self._head(flattened(x_BHWC), distance_B2)


def _means(x: FloatArray32, axis: int, step: int) -> FloatArray32:
    """Means of groups along an axis; the last group may be smaller."""
    starts = np.arange(0, x.shape[axis], step)
    sizes = np.diff(np.append(starts, x.shape[axis])).astype(np.float32)
    shape = [1] * x.ndim
    shape[axis] = -1
    means: FloatArray32 = np.add.reduceat(x, starts, axis=axis)
    means /= sizes.reshape(shape)
    return means

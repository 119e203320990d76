"""Residual networks; see `xgeom_core.models.residual`."""

from __future__ import annotations

import numpy as np

from xgeom_core.models.design import BOTTLENECK_EXPANSION, HEAD_CHANNELS, STAGES
from xgeom_core.models.inference.head import HeadInference
from xgeom_core.models.inference.layers import (
    Convolution,
    FloatArray32,
    flattened,
    pooled_by_three,
    rectified,
    with_coordinates,
)
from xgeom_core.models.inference.weights import Weights
from xgeom_core.models.settings import NetworkSettings


class _Block:
    """Convolutions whose result is added to their input."""

    def __init__(
        self, weights: Weights, name: str, channels: tuple[int, int], stride: int, bottleneck: bool
    ) -> None:
        before, after = channels
        inner = after // BOTTLENECK_EXPANSION

        def made(part: str, channels: tuple[int, int], size: int, stride: int = 1) -> Convolution:
            return weights.convolution(f"{name}.{part}", channels, size, stride, norm=f"{name}.{part}_norm")

        if bottleneck:
            self._path = [
                made("first", (before, inner), 1),
                made("second", (inner, inner), 3, stride),
                made("third", (inner, after), 1),
            ]
        else:
            self._path = [made("first", channels, 3, stride), made("second", (after, after), 3)]
        self._carry = None
        if stride != 1 or before != after:
            self._carry = weights.convolution(f"{name}.carry.0", channels, 1, stride, norm=f"{name}.carry.1")

    def __call__(self, x_BHWC: FloatArray32) -> FloatArray32:
        y_BHWC = x_BHWC
        for convolution in self._path[:-1]:
            y_BHWC = rectified(convolution(y_BHWC))
        y_BHWC = self._path[-1](y_BHWC)
        y_BHWC += x_BHWC if self._carry is None else self._carry(x_BHWC)
        return rectified(y_BHWC)


class ResNetInference:
    """Four stages of residual blocks and a head.

    Parameters
    ----------
    settings : NetworkSettings
    weights : Weights
    name : str
        Of the whole network among the weights, with a dot at its end.
    detail_channels : int
        Channels of a second input that is added after the first convolution; 0 for none.
    """

    def __init__(
        self, settings: NetworkSettings, weights: Weights, name: str = "", detail_channels: int = 0
    ) -> None:
        width = settings.width
        self._coordinates = settings.coordinates == "yes"
        channels = 3 if self._coordinates else 1
        if detail_channels:
            # What a second convolution makes is added to the first: one that sees both inputs does it all.
            weights.join(f"{name}stem.0.weight", f"{name}detail.weight")
            channels += detail_channels
        self._stem = weights.convolution(f"{name}stem.0", (channels, width), 7, 2, norm=f"{name}stem.1")
        counts, bottleneck = STAGES[settings.architecture]
        channels = width
        self._blocks: list[_Block] = []
        for stage, count in enumerate(counts):
            wide = width * 2**stage * (BOTTLENECK_EXPANSION if bottleneck else 1)
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                block = f"{name}blocks.{len(self._blocks)}"
                self._blocks.append(_Block(weights, block, (channels, wide), stride, bottleneck))
                channels = wide
        side = -(-settings.input_px // 32)
        self._narrow = weights.convolution(f"{name}narrow", (channels, HEAD_CHANNELS), 1, bias=True)
        self._head = HeadInference(HEAD_CHANNELS * side * side, settings, weights, f"{name}head.")

    def __call__(
        self,
        x_B1HW: FloatArray32,
        distance_B2: FloatArray32 | None = None,
        detail_BHWD: FloatArray32 | None = None,
    ) -> FloatArray32:
        """Map frames (B, 1, H, W), and what their pixels were made of, to outputs (B, 8)."""
        x_BHWC = np.moveaxis(x_B1HW, 1, -1)
        if self._coordinates:
            x_BHWC = with_coordinates(x_BHWC)
        if detail_BHWD is not None:
            x_BHWC = np.concatenate([x_BHWC, detail_BHWD], axis=-1)
        features = pooled_by_three(rectified(self._stem(x_BHWC)))
        for block in self._blocks:
            features = block(features)
        return self._head(flattened(rectified(self._narrow(features))), distance_B2)

"""The vision transformer; see `xgeom_core.models.vit`.

Shapes: B batch, T patches, E embedding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.models.design import PATCH_NUMBERS
from xgeom_core.models.inference.head import HeadInference
from xgeom_core.models.inference.layers import FloatArray32, Linear, rectified, with_coordinates
from xgeom_core.models.inference.weights import Weights
from xgeom_core.models.settings import NetworkSettings

# torch's own.
_EPSILON = np.float32(1e-5)


@dataclass(frozen=True, eq=False)
class _Norm:
    """Normalization over the features of each patch."""

    weight: FloatArray32
    bias: FloatArray32

    def __call__(self, x_BTE: FloatArray32) -> FloatArray32:
        centered = x_BTE - x_BTE.mean(axis=-1, keepdims=True)
        variance = np.square(centered).mean(axis=-1, keepdims=True)
        out: FloatArray32 = centered / np.sqrt(variance + _EPSILON) * self.weight + self.bias
        return out


class _Layer:
    """Patches attend to each other, then two fully connected layers."""

    def __init__(self, weights: Weights, name: str, embedding: int, heads: int) -> None:
        self._heads = heads
        attention = f"{name}.self_attn"
        self._asked = Linear(
            weights.take(f"{attention}.in_proj_weight", 3 * embedding, embedding).T,
            weights.take(f"{attention}.in_proj_bias", 3 * embedding),
        )
        self._told = weights.linear(f"{attention}.out_proj", embedding, embedding)
        self._wider = weights.linear(f"{name}.linear1", embedding, 4 * embedding)
        self._narrower = weights.linear(f"{name}.linear2", 4 * embedding, embedding)
        self._norms = [_norm(weights, f"{name}.norm{number}", embedding) for number in (1, 2)]

    def __call__(self, x_BTE: FloatArray32) -> FloatArray32:
        x_BTE = x_BTE + self._told(self._attention(self._norms[0](x_BTE)))
        wide = self._wider(self._norms[1](x_BTE))
        # Slow to import, and few models are transformers.
        from scipy.special import erf  # noqa: PLC0415

        out: FloatArray32 = x_BTE + self._narrower(wide * (0.5 + 0.5 * erf(wide * np.float32(0.5**0.5))))
        return out

    def _attention(self, x_BTE: FloatArray32) -> FloatArray32:
        count, patches, embedding = x_BTE.shape
        parts = self._asked(x_BTE).reshape(count, patches, 3, self._heads, -1)
        query, key, value = parts.transpose(2, 0, 3, 1, 4)
        weight = query @ key.swapaxes(-1, -2) * np.float32((embedding / self._heads) ** -0.5)
        weight = np.exp(weight - weight.max(axis=-1, keepdims=True))
        weight /= weight.sum(axis=-1, keepdims=True)
        return (weight @ value).transpose(0, 2, 1, 3).reshape(count, patches, embedding)


class VisionTransformerInference:
    """Patches that attend to each other, then fully connected layers over all of them.

    Parameters
    ----------
    settings : NetworkSettings
    weights : Weights
    """

    def __init__(self, settings: NetworkSettings, weights: Weights) -> None:
        vit = settings.vit
        count = (settings.input_px // vit.patch_px) ** 2
        self._coordinates = settings.coordinates == "yes"
        channels = 3 if self._coordinates else 1
        self._patches = weights.convolution(
            "patches", (channels, vit.embedding), vit.patch_px, vit.patch_px, 0, bias=True
        )
        self._places = weights.take("places", 1, count, vit.embedding)
        self._layers = [
            _Layer(weights, f"layers.layers.{number}", vit.embedding, vit.attention_heads)
            for number in range(vit.depth)
        ]
        self._norm = _norm(weights, "norm", vit.embedding)
        self._narrow = weights.linear("narrow", vit.embedding, PATCH_NUMBERS)
        self._head = HeadInference(PATCH_NUMBERS * count, settings, weights, "head.")

    def __call__(self, x_B1HW: FloatArray32, distance_B2: FloatArray32 | None = None) -> FloatArray32:
        """Map frames (B, 1, H, W) to outputs (B, 8)."""
        x_BHWC = np.moveaxis(x_B1HW, 1, -1)
        if self._coordinates:
            x_BHWC = with_coordinates(x_BHWC)
        tokens_BTE = self._patches(x_BHWC)
        tokens_BTE = tokens_BTE.reshape(len(tokens_BTE), -1, tokens_BTE.shape[-1]) + self._places
        for layer in self._layers:
            tokens_BTE = layer(tokens_BTE)
        narrow = rectified(self._narrow(self._norm(tokens_BTE)))
        return self._head(narrow.reshape(len(narrow), -1), distance_B2)


def _norm(weights: Weights, name: str, features: int) -> _Norm:
    return _Norm(weights.take(f"{name}.weight", features), weights.take(f"{name}.bias", features))

"""Weights by name, each taken once and of the shape that is expected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from xgeom_core.models.inference.layers import Convolution, FloatArray32, Linear

# torch's own.
_EPSILON = 1e-5


class Weights:
    """The weights of a network, from which its layers are made.

    Parameters
    ----------
    tensors : mapping of str to ndarray
    """

    def __init__(self, tensors: Mapping[str, NDArray[np.generic]]) -> None:
        self._left = dict(tensors)

    def take(self, name: str, *shape: int) -> FloatArray32:
        """One tensor.

        Raises
        ------
        ValueError
            If there is none of that name and shape.
        """
        tensor = self._left.pop(name, None)
        if tensor is None or tensor.shape != shape:
            raise ValueError(f"{name} should have the shape {shape}")
        return np.ascontiguousarray(tensor, dtype=np.float32)

    def join(self, name: str, other: str) -> None:
        """Put the inputs of a second convolution behind those of a first.

        Raises
        ------
        ValueError
            If one of them is missing, or they do not go together.
        """
        parts = [self._left.pop(part, np.empty(0)) for part in (name, other)]
        self._left[name] = np.concatenate(parts, axis=1)

    def end(self) -> None:
        """Make sure that nothing is left.

        Raises
        ------
        ValueError
            If something is.
        """
        if self._left:
            raise ValueError(f"{', '.join(self._left)} belong to no layer")

    def convolution(
        self,
        name: str,
        channels: tuple[int, int],
        size: int,
        stride: int = 1,
        padding: int | None = None,
        *,
        norm: str = "",
        bias: bool = False,
        circular: bool = False,
    ) -> Convolution:
        """A convolution with the normalization after it, if that is named, or a bias.

        `channels` are those before and after; `padding` is half of the size unless given.
        """
        before, after = channels
        kernel = self.take(f"{name}.weight", after, before, size, size).transpose(2, 3, 1, 0)
        shift = self.take(f"{name}.bias", after) if bias else np.zeros(after, np.float32)
        if norm:
            scale, offset = self._norm(norm, after)
            kernel, shift = kernel * scale, shift * scale + offset
        flat = np.ascontiguousarray(kernel.reshape(size * size * before, after))
        return Convolution(flat, shift, size, stride, size // 2 if padding is None else padding, circular)

    def linear(self, name: str, before: int, after: int) -> Linear:
        """A fully connected layer."""
        return Linear(self.take(f"{name}.weight", after, before).T, self.take(f"{name}.bias", after))

    def along(self, name: str, before: int, after: int, size: int) -> Linear:
        """A convolution along one axis, as a layer of neighbors one after the other; see `neighbors`."""
        kernel = self.take(f"{name}.weight", after, before, size).transpose(2, 1, 0)
        flat = np.ascontiguousarray(kernel.reshape(size * before, after))
        return Linear(flat, self.take(f"{name}.bias", after))

    def _norm(self, name: str, channels: int) -> tuple[FloatArray32, FloatArray32]:
        """What a batch normalization multiplies by and adds."""
        weight, bias, mean, variance = (
            self.take(f"{name}.{part}", channels)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        self._left.pop(f"{name}.num_batches_tracked", None)
        scale = (weight / np.sqrt(variance + _EPSILON)).astype(np.float32)
        return scale, bias - mean * scale

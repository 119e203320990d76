"""Layers on arrays whose channels lie last.

Shapes: B batch, H x W pixels, C channels, F features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

FloatArray32 = NDArray[np.float32]

# Numbers that a convolution lays out at a time: they stay in the processor's cache, and a large frame takes
# no more memory than a small one.
_BLOCK = 1 << 18


@dataclass(frozen=True, eq=False)
class Convolution:
    """A square convolution as a few matrix products.

    Parameters
    ----------
    kernel : ndarray of float32, shape (size * size * channels, channels after)
    shift : ndarray of float32, shape (channels after,)
    size, stride, padding : int
    circular : bool
        Whether rows close on themselves; columns never do.

    Notes
    -----
    What lies in a row of a square is laid out row below row. Then all that a square covers lies in one piece,
    and squares that do not overlap lie one behind the other: a matrix as it is. Each of the few sets of such
    squares takes one product, and a pixel is copied `size` times, not ``size ** 2`` times.
    """

    kernel: FloatArray32
    shift: FloatArray32
    size: int
    stride: int
    padding: int
    circular: bool = False

    def __call__(self, x_BHWC: FloatArray32) -> FloatArray32:
        """Map (B, H, W, C) to (B, H / stride, W / stride, channels after)."""
        if self.size == 1:
            out: FloatArray32 = x_BHWC[:, :: self.stride, :: self.stride] @ self.kernel
            out += self.shift
            return out
        padded = self._padded(x_BHWC)
        count, high, wide, channels = padded.shape
        rows, columns = ((side - self.size) // self.stride + 1 for side in (high, wide))
        out = np.empty((count, rows, columns, len(self.shift)), np.float32)
        per_column = high * self.size * channels
        images, block = max(1, _BLOCK // (columns * per_column)), max(1, _BLOCK // per_column)
        for first in range(0, count, images):
            for left in range(0, columns, block):
                part = out[first : first + images, :, left : left + block]
                self._answer(padded[first : first + images, :, left * self.stride :], part)
        return out

    def _answer(self, padded: FloatArray32, out: FloatArray32) -> None:
        """Fill some columns of some images, beginning with the first of what is given."""
        count, rows, columns, _ = out.shape
        high, channels = padded.shape[1], padded.shape[3]
        stride, length = self.stride, self.size * channels
        # Rows from one square to the next that does not overlap it.
        step = -(-self.size // stride) * stride
        sets = step // stride
        deep = -(-high // step) * step
        along_b, along_y = padded.strides[:2]
        # Not the array's own: numpy may say anything of an axis of one channel.
        along_x, along_c = channels * padded.itemsize, padded.itemsize
        # The last squares of the last column look beyond it.
        numbers = np.empty((count * columns * deep + step) * length, np.float32)
        laid_out = numbers[: -step * length].reshape(count, columns, deep, length)
        laid_out[:, :, :high] = as_strided(
            padded, (count, columns, high, length), (along_b, stride * along_x, along_y, along_c)
        )
        # What is never used must be numbers all the same.
        laid_out[:, :, high:] = 0.0
        numbers[-step * length :] = 0.0
        across = out.swapaxes(1, 2)
        for number in range(min(sets, rows)):
            begin = number * stride * length
            squares = numbers[begin : begin + laid_out.size].reshape(-1, step * length)
            answers = (squares[:, : len(self.kernel)] @ self.kernel).reshape(count, columns, deep // step, -1)
            places = across[:, :, number::sets]
            np.add(answers[:, :, : places.shape[2]], self.shift, out=places)

    def _padded(self, x_BHWC: FloatArray32) -> FloatArray32:
        pad = self.padding
        if not pad:
            return np.ascontiguousarray(x_BHWC)
        count, high, wide, channels = x_BHWC.shape
        padded = np.zeros((count, high + 2 * pad, wide + 2 * pad, channels), np.float32)
        inner = padded[:, pad:-pad]
        inner[:, :, pad:-pad] = x_BHWC
        if self.circular:
            inner[:, :, :pad] = x_BHWC[:, :, -pad:]
            inner[:, :, -pad:] = x_BHWC[:, :, :pad]
        return padded


@dataclass(frozen=True, eq=False)
class Linear:
    """A fully connected layer.

    Parameters
    ----------
    matrix : ndarray of float32, shape (features before, features after)
    shift : ndarray of float32, shape (features after,)
    """

    matrix: FloatArray32
    shift: FloatArray32

    def __call__(self, x: FloatArray32) -> FloatArray32:
        """Map the last axis."""
        out: FloatArray32 = x @ self.matrix
        out += self.shift
        return out


def rectified(x: FloatArray32) -> FloatArray32:
    """Nothing below 0, in place."""
    return np.maximum(x, 0.0, out=x)


def flattened(x_BHWC: FloatArray32) -> FloatArray32:
    """Features (B, F) in torch's order: channels first."""
    return x_BHWC.transpose(0, 3, 1, 2).reshape(len(x_BHWC), -1)


def pooled_by_two(x_BHWC: FloatArray32) -> FloatArray32:
    """The largest of squares of two by two."""
    high, wide = x_BHWC.shape[1] // 2 * 2, x_BHWC.shape[2] // 2 * 2
    rows = np.maximum(x_BHWC[:, 0:high:2], x_BHWC[:, 1:high:2])
    return np.maximum(rows[:, :, 0:wide:2], rows[:, :, 1:wide:2])


def pooled_by_three(x_BHWC: FloatArray32) -> FloatArray32:
    """The largest of squares of three by three about every other pixel."""
    return _largest_of_three(_largest_of_three(x_BHWC, 1), 2)


def _largest_of_three(x: FloatArray32, axis: int) -> FloatArray32:
    x = np.moveaxis(x, axis, 0)
    out = x[0::2].copy()
    later = x[1::2]
    np.maximum(out[: len(later)], later, out=out[: len(later)])
    # The first has no neighbor before it.
    before = x[1:-1:2]
    np.maximum(out[1 : 1 + len(before)], before, out=out[1 : 1 + len(before)])
    return np.moveaxis(out, 0, axis)


def neighbors(x_BRF: FloatArray32) -> FloatArray32:
    """Features before, at and after each place of the second axis, (B, R, 3 F); 0 beyond the ends."""
    padded = np.pad(x_BRF, ((0, 0), (1, 1), (0, 0)))
    return np.concatenate([padded[:, :-2], x_BRF, padded[:, 2:]], axis=-1)


def with_coordinates(x_BHW1: FloatArray32) -> FloatArray32:
    """Two more channels that say where a pixel is, from -1 to 1 across and down."""
    count, high, wide, _ = x_BHW1.shape
    out = np.empty((count, high, wide, 3), np.float32)
    out[..., :1] = x_BHW1
    out[..., 1] = np.linspace(-1.0, 1.0, wide)
    out[..., 2] = np.linspace(-1.0, 1.0, high)[:, None]
    return out

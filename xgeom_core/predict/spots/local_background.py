"""Level and spread of the background in blocks of a frame, with spots clipped off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

FloatArray = NDArray[np.float64]

_BLOCK = 16
_ROUNDS = 3
_LEAST_SHARE = 0.15
_LARGEST_QUANTUM = 20.0


@dataclass(frozen=True, eq=False)
class Background:
    """Background of a frame in blocks of `_BLOCK` px.

    Parameters
    ----------
    level, sd : ndarray, shape (block rows, block columns)
        Mean and standard deviation of single pixels, spots left out.
    quantum : float
        The value that one photon adds: variance over mean, at least 1.
    binary : bool
        True for frames of two values.
    """

    level: FloatArray
    sd: FloatArray
    quantum: float
    binary: bool

    def threshold(self, shape: tuple[int, int], sigmas: float, quanta: float) -> NDArray[np.float32]:
        """``level + sigmas sd + quanta quantum`` at every pixel, shape (slow, fast)."""
        blocks = (self.level + sigmas * self.sd + quanta * self.quantum).astype(np.float32)
        rows = np.minimum(np.arange(shape[0]) // _BLOCK, blocks.shape[0] - 1)
        columns = np.minimum(np.arange(shape[1]) // _BLOCK, blocks.shape[1] - 1)
        return blocks[:, columns][rows]

    def exceeds(self, image: NDArray[np.float32], sigmas: float) -> NDArray[np.bool_]:
        """Where single pixels stand out of the background."""
        return np.asarray(image > self.threshold(image.shape, sigmas, 4.0))

    def at(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Level and sd at pixels."""
        i = np.minimum(rows // _BLOCK, self.level.shape[0] - 1)
        j = np.minimum(columns // _BLOCK, self.level.shape[1] - 1)
        return self.level[i, j], self.sd[i, j]


def measure_background(image: NDArray[np.float32], valid: NDArray[np.bool_]) -> Background | None:
    """Measure the background.

    Parameters
    ----------
    image : ndarray of float32, shape (slow, fast)
        Counts (see `xgeom_core.predict.noise_scale`); 0 where not valid.
    valid : ndarray of bool, shape (slow, fast)

    Returns
    -------
    Background or None
        None where no pixel is valid or all hold the same value.
    """
    # Every second row is enough for the statistics and halves the time.
    sample, good = image[::2], valid[::2]
    values = sample[good]
    if values.size == 0:
        return None
    low, high = float(values.min()), float(values.max())
    if low == high:
        return None
    rows, columns = -(-image.shape[0] // _BLOCK), -(-image.shape[1] // _BLOCK)
    if bool(((values == low) | (values == high)).all()):
        return Background(np.full((rows, columns), low), np.zeros((rows, columns)), (high - low) / 20.0, True)
    level, variance = _clipped(sample, good, (rows, columns))
    filled = level > 1e-3
    ratio = float(np.median((variance / np.maximum(level, 1e-9))[filled])) if filled.any() else 1.0
    quantum = float(np.clip(ratio, 1.0, _LARGEST_QUANTUM))
    floor = np.maximum(variance, level)
    return Background(level, np.sqrt(np.maximum(floor, (0.1 * quantum) ** 2)), quantum, False)


def _clipped(
    sample: NDArray[np.float32], good: NDArray[np.bool_], blocks: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Mean and variance per block, smoothed over 3 x 3 blocks, after clipping what stands out."""
    keep = good.copy()
    rows = np.minimum(np.arange(sample.shape[0]) // (_BLOCK // 2), blocks[0] - 1)
    columns = np.minimum(np.arange(sample.shape[1]) // _BLOCK, blocks[1] - 1)
    # A first cut at a low quantile keeps blocks full of spots from hiding their own background.
    cut = _first_cut(sample, good, blocks)
    for _ in range(_ROUNDS):
        keep = good & (sample <= cut[:, columns][rows])
        number = _sums(keep, blocks)
        kept = np.where(keep, sample, np.float32(0.0))
        total, square = _sums(kept, blocks), _sums(kept * kept, blocks)
        number, total, square = (
            ndimage.uniform_filter(part, 3, mode="nearest") for part in (number, total, square)
        )
        mean = total / np.maximum(number, 1e-9)
        variance = np.maximum(square / np.maximum(number, 1e-9) - mean**2, 0.0)
        cut = (mean + 3.5 * np.sqrt(np.maximum(variance, np.abs(mean))) + 2.0).astype(np.float32)
    empty = number < _LEAST_SHARE * _BLOCK
    mean[empty], variance[empty] = 0.0, 0.0
    return mean, variance


def _first_cut(
    sample: NDArray[np.float32],
    good: NDArray[np.bool_],
    blocks: tuple[int, int],
) -> NDArray[np.float32]:
    """Median of each block plus a generous spread, from a thinned grid of pixels."""
    height, width = blocks[0] * (_BLOCK // 2), blocks[1] * _BLOCK
    step_y, step_x = 2, 4
    thin = np.full((height // step_y, width // step_x), np.nan, dtype=np.float32)
    part = np.where(good, sample, np.float32(np.nan))[::step_y, ::step_x]
    thin[: part.shape[0], : part.shape[1]] = part
    per = (_BLOCK // 2 // step_y, _BLOCK // step_x)
    stack = thin.reshape(blocks[0], per[0], blocks[1], per[1]).transpose(0, 2, 1, 3).reshape(*blocks, -1)
    # NaN sorts last, so the median of the valid ones is found by counting them.
    stack = np.sort(stack, axis=-1)
    number = np.isfinite(stack).sum(axis=-1)
    middle = np.take_along_axis(stack, np.maximum(number // 2 - 1, 0)[..., None], axis=-1)[..., 0]
    middle = np.where(number > 0, middle, np.float32(0.0))
    return np.asarray(middle + 4.0 * np.sqrt(np.abs(middle)) + 3.0, dtype=np.float32)


def _sums(part: NDArray[np.float32] | NDArray[np.bool_], blocks: tuple[int, int]) -> FloatArray:
    """Sums over the blocks of a sample; strided slices are added several times faster than `reduceat`."""
    by_rows = np.zeros((blocks[0], part.shape[1]), dtype=np.float32)
    for i in range(_BLOCK // 2):
        rows = part[i :: _BLOCK // 2]
        by_rows[: len(rows)] += rows
    total = np.zeros(blocks)
    for i in range(_BLOCK):
        strip = by_rows[:, i::_BLOCK]
        total[:, : strip.shape[1]] += strip
    return total

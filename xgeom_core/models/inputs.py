"""From counts to what a network sees; numpy only, the same for training and prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Standardized values beyond this carry no more information about where the beam is.
_CLIP = 8.0
# Before pooling, spots stand out farther.
_CANVAS_CLIP = 16.0
_FEWEST = 1000


def network_input(counts: NDArray[Any], known: NDArray[np.bool_], supersampling: int) -> NDArray[np.float32]:
    """One standardized input image.

    Parameters
    ----------
    counts : ndarray, shape (canvas, canvas)
        Counts, or mean counts, per pixel of the canvas; any constant factor drops out.
    known : ndarray of bool, shape (canvas, canvas)
        False where nothing was measured: gaps, masked pixels, padding.
    supersampling : int
        Canvas pixels per input pixel along each axis; the largest known value is kept, so that
        small spots survive.

    Returns
    -------
    ndarray of float32, shape (canvas / supersampling, canvas / supersampling)
        ``log(1 + counts / level)`` with the level of a typical pixel, shifted and scaled to mean 0
        and standard deviation 1 over known pixels; unknown pixels are 0. All zero if nothing is
        known.
    """
    side = counts.shape[0] // supersampling
    if not known.any():
        return np.zeros((side, side), dtype=np.float32)
    measured = np.maximum(counts[known], 0.0)
    logs = np.full(counts.shape, -np.inf, dtype=np.float32)
    logs[known] = np.log1p(measured / _level(measured))
    pooled = logs[: side * supersampling, : side * supersampling]
    pooled = pooled.reshape(side, supersampling, side, supersampling).max(axis=(1, 3))
    seen = np.isfinite(pooled)
    values = pooled[seen]
    spread = float(values.std()) or 1.0
    image = np.zeros((side, side), dtype=np.float32)
    image[seen] = np.clip((values - values.mean()) / spread, -_CLIP, _CLIP)
    return image


def canvas_image(counts: NDArray[Any], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """What a network sees that takes the whole canvas; see `NetworkSettings.sees_canvas`.

    Parameters
    ----------
    counts, known
        As for `network_input`.

    Returns
    -------
    ndarray of float32, shape (2, canvas, canvas)
        Values as `network_input` makes them, without pooling, and 1 where they are known.
    """
    image = np.zeros((2, *counts.shape), dtype=np.float32)
    number = int(np.count_nonzero(known))
    if not number:
        return image
    values = image[0]
    image[1] = known
    np.maximum(counts, 0, out=values, casting="unsafe")
    # A fifth of the pixels gives the level as well as all of them do.
    level = _level(values[known][::5] if number > 5 * _FEWEST else values[known])
    values *= image[1]
    values /= np.float32(level)
    np.log1p(values, out=values)
    mean = float(values.sum(dtype=np.float64)) / number
    square = float(np.dot(values.ravel(), values.ravel())) / number
    spread = float(np.sqrt(max(square - mean * mean, 0.0))) or 1.0
    values -= np.float32(mean)
    values /= np.float32(spread)
    np.clip(values, -_CLIP, _CANVAS_CLIP, out=values)
    values *= image[1]
    return image


def _level(measured: NDArray[Any]) -> float:
    """Mean of all but the brightest pixels: the background where there is one."""
    cut = np.partition(measured, int(0.98 * (measured.size - 1)))[int(0.98 * (measured.size - 1))]
    level = float(measured[measured <= cut].mean()) or float(measured.mean())
    return level if level > 0 else 1.0


def pooling_factor(shape: tuple[int, int], canvas_px: int) -> int:
    """Native pixels per canvas pixel for a frame of shape ``(slow, fast)``.

    A frame may stick out of the canvas by 2% (the rim is cropped) before the next factor is taken,
    since a frame that fills the canvas is seen in more detail.
    """
    return max(1, int(np.ceil(max(shape) / (1.02 * canvas_px))))

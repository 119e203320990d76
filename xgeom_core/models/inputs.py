"""From counts to what a network sees; numpy only, the same for training and prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Standardized values beyond this carry no more information about where the beam is.
_CLIP = 8.0


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

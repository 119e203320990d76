"""Gradients of a canvas, each a line on which the center should lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.classical.canvas import Canvas, masked_mean
from xgeom_core.predict.statistics import robust_sigma

# Gradients weaker than this many times their noise have no direction.
_LEAST_STRENGTH = 3.0


@dataclass(frozen=True, eq=False)
class Gradients:
    """Places and directions of the gradients that stand out from noise.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Where, in canvas px (corner origin).
    u, v : ndarray, shape (n,)
        Unit vector along the gradient.
    strength : ndarray, shape (n,)
        Length of the gradient in units of its noise.
    """

    x: FloatArray
    y: FloatArray
    u: FloatArray
    v: FloatArray
    strength: FloatArray

    def __len__(self) -> int:
        return len(self.x)


def find_gradients(canvas: Canvas, sigma: float) -> Gradients:
    """Gradients of the smoothed image, away from gaps.

    Parameters
    ----------
    canvas : Canvas
    sigma : float
        Width of the smoothing in canvas px. Every ``sigma`` th pixel is kept: the others say the same.
    """
    smooth = masked_mean(canvas.image, canvas.known, sigma)
    grad_y, grad_x = (np.asarray(np.gradient(smooth, axis=axis), dtype=np.float64) for axis in (0, 1))
    # Beside a gap the smoothed image is a one-sided mean, whose gradient points along the gap.
    inside = ndimage.minimum_filter(canvas.known, size=2 * int(np.ceil(sigma)) + 3, mode="constant", cval=0)
    step = max(1, int(sigma))
    rows, columns = np.nonzero(inside[::step, ::step])
    at = (rows * step, columns * step)
    along_x, along_y = grad_x[at], grad_y[at]
    length: FloatArray = np.hypot(along_x, along_y)
    noise = _noise(canvas, smooth, sigma)
    keep = length > _LEAST_STRENGTH * noise
    kept: FloatArray = np.maximum(length[keep], 1e-12)
    return Gradients(
        (at[1][keep] + 0.5).astype(np.float64),
        (at[0][keep] + 0.5).astype(np.float64),
        along_x[keep] / kept,
        along_y[keep] / kept,
        kept / noise,
    )


def _noise(canvas: Canvas, smooth: FloatArray, sigma: float) -> float:
    """Standard deviation of one component of a gradient of pure noise.

    White noise of deviation s, smoothed by a Gaussian, has gradients of deviation
    ``s / (sqrt(8 pi) sigma**2)``.
    """
    left = (canvas.image - smooth)[canvas.known]
    spread = max(robust_sigma(left[:: max(1, left.size // 20000)]), 1e-3)
    return float(spread / (np.sqrt(8.0 * np.pi) * sigma**2))

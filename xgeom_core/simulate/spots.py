"""Draw Bragg spots: Gaussians integrated over pixels, so that the sub-pixel position survives."""

from __future__ import annotations

import numpy as np
from scipy.special import erf

from xgeom_core.geometry import FloatArray

# Expected counts below which a spot is not drawn: it would be seen once in a hundred exposures.
_FAINTEST = 0.01


def draw_spots(
    shape: tuple[int, int], x: FloatArray, y: FloatArray, counts: FloatArray, sigma_px: float
) -> FloatArray:
    """Sum of Gaussian spots, each integrated over every pixel it touches.

    Parameters
    ----------
    shape : tuple of int
        ``(slow, fast)``.
    x, y : ndarray, shape (n,)
        Spot positions (fast, slow) in px, corner origin. Spots off the image are left out.
    counts : ndarray, shape (n,)
        Total counts of each spot.
    sigma_px : float
        Standard deviation of the spots in px.

    Returns
    -------
    ndarray, shape (slow, fast)
        Expected counts; their sum is the sum of `counts` for spots well inside.
    """
    # Within its pixel a spot may sit anywhere, so whole pixels to either side reach 3 sigma or more.
    half = int(np.ceil(3.0 * sigma_px))
    inside = (counts > _FAINTEST) & (x > -half) & (y > -half) & (x < shape[1] + half) & (y < shape[0] + half)
    x, y, counts = x[inside], y[inside], counts[inside]
    offsets = np.arange(-half, half + 1)
    columns, share_x = _shares(x, offsets, sigma_px)
    rows, share_y = _shares(y, offsets, sigma_px)
    values = counts[:, None, None] * share_y[:, :, None] * share_x[:, None, :]
    rows3 = np.broadcast_to(rows[:, :, None], values.shape)
    columns3 = np.broadcast_to(columns[:, None, :], values.shape)
    on = (rows3 >= 0) & (rows3 < shape[0]) & (columns3 >= 0) & (columns3 < shape[1])
    flat = rows3[on] * shape[1] + columns3[on]
    return np.asarray(
        np.bincount(flat, weights=values[on], minlength=shape[0] * shape[1]).reshape(shape), dtype=np.float64
    )


def _shares(position: FloatArray, offsets: np.ndarray, sigma_px: float) -> tuple[np.ndarray, FloatArray]:
    """Pixel numbers around each position and the share of a Gaussian that falls in each."""
    pixels = np.floor(position).astype(np.int64)[:, None] + offsets
    edges = np.concatenate([pixels, pixels[:, -1:] + 1], axis=1) - position[:, None]
    return pixels, np.diff(erf(edges / (np.sqrt(2.0) * sigma_px)), axis=1) / 2.0

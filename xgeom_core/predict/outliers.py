"""Tell spots and shadows from background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.statistics import robust_sigma

# Relative model error that no count can beat; keeps bright parts of real frames from ruling.
MODEL_ERROR = 0.01
CLIP_SIGMA = 4.0
_BLOCK_PX = 8
_BLOCK_SIGMA = 5.0


def clip_score(residual: FloatArray, expected: FloatArray) -> FloatArray:
    """Residuals in units of their noise, for telling spots from background.

    One is added to the variance: where a hundredth of a photon is expected, one photon is no spot,
    and dropping it would empty the dark parts of a frame.
    """
    return np.asarray(residual / np.sqrt(expected + 1.0 + (MODEL_ERROR * expected) ** 2))


def outliers(
    shape: tuple[int, int],
    at: tuple[NDArray[np.int64], NDArray[np.int64]],
    expected: FloatArray,
    residual: FloatArray,
) -> NDArray[np.bool_]:
    """Pixels that the background does not explain: spots with their rims, and shadows.

    Parameters
    ----------
    shape : tuple of int
        ``(slow, fast)`` of the image.
    at : tuple of ndarray
        Rows and columns of the pixels that follow.
    expected, residual : ndarray, shape (n,)
        Background model, and counts minus model.

    Returns
    -------
    ndarray of bool, shape `shape`
    """
    score = clip_score(residual, expected)
    off = np.zeros(shape, dtype=bool)
    off[at] = np.abs(score) > CLIP_SIGMA * max(1.0, robust_sigma(score))
    off = ndimage.binary_dilation(off, np.ones((3, 3), dtype=bool))
    return off | _odd_blocks(shape, at, expected, residual)


def _odd_blocks(
    shape: tuple[int, int],
    at: tuple[NDArray[np.int64], NDArray[np.int64]],
    expected: FloatArray,
    residual: FloatArray,
) -> NDArray[np.bool_]:
    """Blocks whose mean residual stands out from the other blocks': shadows of stop, arm, nozzle."""
    down, across = -(-shape[0] // _BLOCK_PX), -(-shape[1] // _BLOCK_PX)
    block = at[0] // _BLOCK_PX * across + at[1] // _BLOCK_PX
    total = np.bincount(block, weights=expected, minlength=down * across)
    excess = np.bincount(block, weights=residual, minlength=down * across)
    seen = total > 0
    relative = np.divide(excess, total, out=np.zeros_like(total), where=seen)
    noise = np.divide(1.0, np.sqrt(total), out=np.zeros_like(total), where=seen)
    limit = _BLOCK_SIGMA * np.maximum(noise, robust_sigma(relative[seen]))
    odd = (seen & (np.abs(relative) > limit)).reshape(down, across)
    full = np.kron(odd, np.ones((_BLOCK_PX, _BLOCK_PX), dtype=bool))
    return np.asarray(full[: shape[0], : shape[1]])

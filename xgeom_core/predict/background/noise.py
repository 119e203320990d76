"""How much cells scatter beyond counting noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.statistics import median, robust_sigma

_ENOUGH = 8000
_FAINT = 8.0
_LARGEST_EXCESS = 0.1
_LEAST_EXCESS = 1e-7
# Steps of equal ratio between the two.
_GRADES = 512


def sample_of(place: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Enough of the cells to tell their scatter, evenly over the grid.

    Parameters
    ----------
    place : ndarray of int, shape (n,)
        Flat index of each cell in a grid.
    size : int
        Number of cells of the grid.
    """
    if len(place) < 2 * _ENOUGH:
        return np.arange(len(place))
    there = np.zeros(size, dtype=bool)
    there[place] = True
    taken = np.zeros(size, dtype=bool)
    taken[np.flatnonzero(there)[:: len(place) // _ENOUGH]] = True
    return np.flatnonzero(taken[place])


def scale_of(score: FloatArray, faint: bool) -> float:
    """Scatter of scores, robust against a few outliers.

    On faint cells the median of absolute deviations sees only a few discrete values; there the mean
    square of clipped scores is used.
    """
    if faint:
        return float(np.sqrt(np.mean(np.minimum(score * score, 16.0)))) if score.size else 0.0
    return robust_sigma(score)


def misfit_of(counts: FloatArray, expected: FloatArray, excess: float) -> float:
    """Scatter of residuals in units of their noise; 1 if the model holds."""
    score = (counts - expected) / np.sqrt(expected + excess * expected**2)
    return max(scale_of(score, median(expected) < _FAINT), 1e-3)


def _grade(step: int) -> float:
    return float(_LEAST_EXCESS * (_LARGEST_EXCESS / _LEAST_EXCESS) ** (step / _GRADES))


def excess_of(counts: FloatArray, expected: FloatArray) -> float:
    """Variance of the relative model error that makes the scatter right.

    Counts then have the variance ``expected + excess * expected**2``.
    """
    off, faint = counts - expected, median(expected) < _FAINT
    square = expected * expected

    def larger(excess: float) -> bool:
        score = off / np.sqrt(expected + excess * square)
        if faint or not len(score):
            return scale_of(score, faint) > 1.0
        # As `robust_sigma` above 1 has it; counting is cheaper than a second median.
        score -= median(score)
        return 2 * int(np.count_nonzero(np.abs(score) > 1.0 / 1.4826)) > len(score)

    if not larger(_LEAST_EXCESS):
        return _LEAST_EXCESS
    low, high = 0, _GRADES
    while high - low > 1:
        middle = (low + high) // 2
        if larger(_grade(middle)):
            low = middle
        else:
            high = middle
    return _grade(high)

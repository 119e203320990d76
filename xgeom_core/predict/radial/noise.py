"""How much cells scatter beyond counting noise."""

from __future__ import annotations

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.statistics import robust_sigma

_ENOUGH = 8000
_FAINT = 8.0
_LARGEST_EXCESS = 0.1
_LEAST_EXCESS = 1e-7


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
    some = slice(None, None, max(1, len(counts) // _ENOUGH))
    mu = expected[some]
    score = (counts[some] - mu) / np.sqrt(mu + excess * mu * mu)
    return max(scale_of(score, bool(np.median(mu) < _FAINT)), 1e-3)


def excess_of(counts: FloatArray, expected: FloatArray) -> float:
    """Variance of the relative model error that makes the scatter right.

    Counts then have the variance ``expected + excess * expected**2``.
    """
    some = slice(None, None, max(1, len(counts) // _ENOUGH))
    mu = expected[some]
    off, faint = counts[some] - mu, bool(np.median(mu) < _FAINT)
    low, high = _LEAST_EXCESS, _LARGEST_EXCESS
    if scale_of(off / np.sqrt(mu + low * mu * mu), faint) <= 1.0:
        return low
    for _ in range(9):
        middle = float(np.sqrt(low * high))
        if scale_of(off / np.sqrt(mu + middle * mu * mu), faint) > 1.0:
            low = middle
        else:
            high = middle
    return high

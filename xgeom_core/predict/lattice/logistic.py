"""Logistic regression: the chance of yes or no by features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_ROUNDS, _LONGEST_STEP, _NEAR_ENOUGH = 12, 4.0, 1e-3
_FARTHEST = 30.0


def fit_logistic(features: FloatArray, yes: NDArray[np.bool_], ridge: float = 1e-4) -> FloatArray:
    """Scores (logarithms of the odds) of each row at the best weights, by Newton's method.

    Parameters
    ----------
    features : ndarray, shape (n, k)
        Columns of order one; the first one usually all ones.
    yes : ndarray of bool, shape (n,)
        What came out.
    ridge : float
        Holds weights that nothing decides near zero; times n.

    Returns
    -------
    ndarray, shape (n,)
    """
    count, number = features.shape
    weights = np.zeros(number)
    hold = ridge * count * np.eye(number)
    for _ in range(_ROUNDS):
        chance = chances(features @ weights)
        normal = (features * (chance * (1.0 - chance) + 1e-9)[:, None]).T @ features + hold
        step = np.linalg.solve(normal, features.T @ (yes - chance) - hold @ weights)
        weights = weights + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        if np.abs(step).max() < _NEAR_ENOUGH:
            break
    return np.asarray(features @ weights)


def chances(scores: FloatArray) -> FloatArray:
    """Probabilities of yes."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -_FARTHEST, _FARTHEST))))

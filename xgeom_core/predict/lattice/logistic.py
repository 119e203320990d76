"""Logistic regression: the chance of yes or no by features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_ROUNDS, _LONGEST_STEP, _NEAR_ENOUGH = 12, 4.0, 1e-3
_FARTHEST = 30.0


def fit_logistic(
    features: FloatArray,
    yes: NDArray[np.bool_],
    ridge: float = 1e-4,
    start: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Scores (logarithms of the odds) of each row at the best weights, by Newton's method.

    Parameters
    ----------
    features : ndarray, shape (n, k)
        Columns of order one; the first one usually all ones.
    yes : ndarray of bool, shape (n,)
        What came out.
    ridge : float
        Holds weights that nothing decides near zero; times n.
    start : ndarray, shape (k,), optional
        Weights to begin with: those of a task much alike save most of the steps.

    Returns
    -------
    scores : ndarray, shape (n,)
    weights : ndarray, shape (k,)
    """
    nothing = np.zeros(features.shape[1])
    weights, arrived = _newton(features, yes, ridge, nothing if start is None else start)
    if not arrived and start is not None:
        # Steps without end happen where weights are too large, never far from 0.
        weights, _ = _newton(features, yes, ridge, nothing)
    return np.asarray(features @ weights), weights


def _newton(
    features: FloatArray, yes: NDArray[np.bool_], ridge: float, weights: FloatArray
) -> tuple[FloatArray, bool]:
    """The best weights, and whether the last step was short."""
    count, number = features.shape
    hold = ridge * count * np.eye(number)
    for _ in range(_ROUNDS):
        chance = chances(features @ weights)
        normal = (features * (chance * (1.0 - chance) + 1e-9)[:, None]).T @ features + hold
        step = np.linalg.solve(normal, features.T @ (yes - chance) - hold @ weights)
        weights = weights + np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)
        longest = np.abs(step).max()
        if longest < _NEAR_ENOUGH:
            return weights, True
    return weights, False


def chances(scores: FloatArray) -> FloatArray:
    """Probabilities of yes."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scores, -_FARTHEST, _FARTHEST))))

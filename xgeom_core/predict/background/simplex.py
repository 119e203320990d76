"""The search of Nelder and Mead (Computer Journal 7, 308, 1965) for the least value of a function.

The steps are those of scipy, whose package of all searches takes longer to import than this one to run.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xgeom_core.geometry import FloatArray


def least(
    loss: Callable[[FloatArray], float], corners: FloatArray, calls: int, near: float, alike: float
) -> FloatArray:
    """Where a function is least, as far as so many calls tell.

    Parameters
    ----------
    loss : callable
    corners : ndarray, shape (n + 1, n)
        Of the simplex to begin with.
    calls : int
        The most calls of the function.
    near, alike : float
        The search ends where all corners are as near to the best one along each axis, and their values as
        much alike.

    Returns
    -------
    ndarray, shape (n,)
    """
    corners = corners.astype(float)
    values = np.array([loss(corner) for corner in corners])
    left = calls - len(values)

    def tried(point: FloatArray) -> tuple[float, FloatArray]:
        nonlocal left
        left -= 1
        return loss(point), point

    while left > 0:
        order = np.argsort(values)
        corners, values = corners[order], values[order]
        if np.abs(corners[1:] - corners[0]).max() <= near and np.abs(values[1:] - values[0]).max() <= alike:
            break
        middle, worst = corners[:-1].mean(axis=0), corners[-1]
        value, point = tried(2.0 * middle - worst)
        if value < values[0] and left > 0:
            value, point = min((value, point), tried(3.0 * middle - 2.0 * worst), key=lambda each: each[0])
        elif value >= values[-2] and left > 0:
            outside = value < values[-1]
            most = value if outside else values[-1]
            value, point = tried(1.5 * middle - 0.5 * worst if outside else 0.5 * middle + 0.5 * worst)
            if value > most or (value == most and not outside):
                corners[1:] = corners[0] + 0.5 * (corners[1:] - corners[0])
                for number in range(1, len(corners)):
                    values[number] = tried(corners[number])[0] if left > 0 else np.inf
                continue
        if value < values[-1]:
            corners[-1], values[-1] = point, value
    return np.asarray(corners[np.argmin(values)])

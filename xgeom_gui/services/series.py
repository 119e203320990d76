"""A curve that may grow for ever in bounded memory. Knows no widget."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
CAPACITY = 2048


class Series:
    """Points of a curve; once they are many, neighbors are merged into their mean.

    Adding a point costs the same however many there were, and drawing never meets more than
    `capacity` points. Points that are no numbers are left out.

    Parameters
    ----------
    capacity : int
        Most points kept; even.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._points: FloatArray = np.empty((2, capacity))
        self._count = 0
        self._stride = 1
        # Sum of the points that wait until there are enough of them for a mean.
        self._sum_x = self._sum_y = 0.0
        self._waiting = 0
        self.last: float | None = None

    def __len__(self) -> int:
        return self._count + bool(self._waiting)

    @property
    def stride(self) -> int:
        """How many points one kept point stands for."""
        return self._stride

    def add(self, x: float, y: float) -> None:
        """One more point, to the right of the others."""
        if not (np.isfinite(x) and np.isfinite(y)):
            return
        self.last = y
        self._sum_x, self._sum_y, self._waiting = self._sum_x + x, self._sum_y + y, self._waiting + 1
        if self._waiting == self._stride:
            self._keep()

    def cut(self, x: float) -> None:
        """Forget every point beyond `x`: a run that goes on from a checkpoint does them again."""
        found = self.points()
        kept = found[:, found[0] <= x]
        self._count = kept.shape[1]
        self._points[:, : self._count] = kept
        self._sum_x = self._sum_y = 0.0
        self._waiting = 0
        self.last = float(kept[1, -1]) if self._count else None

    def points(self) -> FloatArray:
        """What is to be drawn, shape (2, N): x in the first row, y in the second."""
        if not self._waiting:
            return self._points[:, : self._count].copy()
        tail = np.array([[self._sum_x], [self._sum_y]]) / self._waiting
        return np.concatenate([self._points[:, : self._count], tail], axis=1)

    def _keep(self) -> None:
        self._points[:, self._count] = self._sum_x / self._waiting, self._sum_y / self._waiting
        self._count += 1
        self._sum_x = self._sum_y = 0.0
        self._waiting = 0
        if self._count == self._points.shape[1]:
            half = self._count // 2
            self._points[:, :half] = self._points.reshape(2, half, 2).mean(axis=2)
            self._count, self._stride = half, 2 * self._stride


def smoothed(points: FloatArray, strength: float) -> FloatArray:
    """A curve's running mean.

    Parameters
    ----------
    points : ndarray, shape (2, N)
    strength : float
        0 leaves the curve as it is; 1 takes the mean over a fifth of it.

    Returns
    -------
    ndarray, shape (2, N)
    """
    count = points.shape[1]
    reach = round(0.1 * strength * count)
    if reach < 1:
        return points
    at = np.arange(count)
    # Near the ends the window shrinks on both sides, so that the mean stays where it belongs.
    half = np.minimum(reach, np.minimum(at, count - 1 - at))
    sums = np.concatenate([[0.0], np.cumsum(points[1])])
    means = (sums[at + half + 1] - sums[at - half]) / (2 * half + 1)
    return np.stack([points[0], means])

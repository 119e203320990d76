"""How well rings about a center explain a frame: one number that compares fits of one frame.

Fits from different starts mask other pixels and choose other models, so what they leave unexplained cannot
be compared. Here every geometry is asked the same: how much of the same cells do a free radial profile and
smooth waves of azimuth explain? Residuals of real frames are neither Gaussian nor independent, so the sum of
their squares would let one shadow decide with thousands of nats. The frame is cut into patches, each patch
scatters by an amount of its own that nobody knows, and counts as few independent observations:
``score = -sum_patches nu / 2 log(mean square)``, the marginal likelihood of that, up to a constant of the
frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray
from scipy import linalg, sparse

from xgeom_core.frame import PooledFrame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_harmonics import COLUMNS, WAVES, fill_waves
from xgeom_core.predict.background.cells import make_cells
from xgeom_core.predict.background.detector_model import Detector, sight
from xgeom_core.predict.background.masks import Mask
from xgeom_core.predict.statistics import robust_sigma

# Side of the cells in pooled px, and up to which side of a frame they are smaller; knots are as far apart.
_BLOCK, _SMALL_BLOCK, _SMALL_PX = 4, 2, 600
# Patches along the longer side, and how many independent observations the cells of one are worth.
_PATCHES, _WORTH = 14, 2.0
# Degree of the smooth surface that rings are compared with.
_DEGREE = 6
_CLIP, _RIDGE = 4.0, 1e-3
_LEAST_CELLS, _LEAST_OTHERS = 6, 0.05


@dataclass(frozen=True, eq=False)
class Scored:
    """What rings about a geometry explain.

    Parameters
    ----------
    score : float
        Log likelihood; compare those of one frame only.
    gain_sigma : float
        How surely rings explain the frame better than a smooth surface does: mean gain of the patches in
        units of its standard error. Negative where the surface is better.
    """

    score: float
    gain_sigma: float


class BasinScore:
    """The cells of a frame, ready to be explained.

    Parameters
    ----------
    pooled : PooledFrame
    usable : ndarray of bool, shape of the pooled frame
        Without spots.
    detector : Detector
    """

    def __init__(self, pooled: PooledFrame, usable: Mask, detector: Detector) -> None:
        self.block = _BLOCK if max(usable.shape) > _SMALL_PX else _SMALL_BLOCK
        cells = make_cells(pooled, usable, self.block, 0.4)
        # Every other one will do, as on a chessboard.
        cells = cells.take((cells.place // cells.grid[1] + cells.place % cells.grid[1]) % 2 == 0)
        self.x, self.y, self.detector = cells.x, cells.y, detector
        # Square roots: counts of any size scatter alike.
        self.value = np.sqrt(np.maximum(cells.counts, 0.0) / np.maximum(cells.pixels, 1.0))
        self.weight = cells.pixels / self.block**2
        side = float(max(usable.shape) * pooled.pooling.factor)
        row, column = ((at * _PATCHES / side).astype(np.int64) for at in (cells.y, cells.x))
        self.patch = np.clip(row, 0, _PATCHES) * (_PATCHES + 1) + np.clip(column, 0, _PATCHES)
        self.knot = float(self.block * pooled.pooling.factor)
        self.limit = np.inf
        if len(self.x) < 100:
            self.smooth = np.zeros(0)
            return
        surface = legendre.legvander2d(
            2.0 * cells.x / side - 1.0, 2.0 * cells.y / side - 1.0, [_DEGREE, _DEGREE]
        )
        degree = np.add.outer(np.arange(_DEGREE + 1), np.arange(_DEGREE + 1)).ravel()
        surface = surface[:, degree <= _DEGREE].astype(np.float64)
        left = self._left(np.asarray(surface.T), np.zeros(len(self.x), dtype=np.int64), np.zeros(len(self.x)))
        # What is far off for the surface is far off for all.
        self.limit = _CLIP * max(robust_sigma(left), 1e-6)
        self.smooth = self._patches(left)

    def of(self, theta: FloatArray) -> Scored:
        """The score of a geometry.

        Parameters
        ----------
        theta : ndarray, shape (4,)
            Center in native px, tilt in radians.
        """
        if not len(self.smooth):
            return Scored(0.0, 0.0)
        look = sight(self.x, self.y, theta[:4], self.detector)
        waves = np.empty((COLUMNS - WAVES, len(self.x)))
        fill_waves(look, 1.02 * float(look.rho.max()), waves)
        # In units of momentum transfer no angle is so wide that there are no cells between knots.
        at = look.bent / self.knot
        first = at.astype(np.int64)
        # Waves of the mean profile, not of the values themselves, lest noise explain itself.
        mean = self.value - self._left(np.zeros((0, len(at))), first, at - first, 1)
        level = self._patches(self._left(waves * mean, first, at - first))
        gain = level - self.smooth
        error = float(np.sqrt((gain**2).sum()))
        return Scored(float(level.sum()), float(gain.sum()) / max(error, 1e-9))

    def near(self, theta: FloatArray, reach_px: float) -> float:
        """The best score of a geometry and of those with centers about it; see `of`."""
        turns = np.arange(8) * np.pi / 4.0
        around = reach_px * np.column_stack([np.cos(turns), np.sin(turns)])
        places = [theta[:4] + np.array([x, y, 0.0, 0.0]) for x, y in (*around, *(0.4 * around))]
        return max(self.of(place).score for place in (theta, *places))

    def _left(
        self, columns: FloatArray, first: NDArray[np.int64], share: FloatArray, rounds: int = 2
    ) -> FloatArray:
        """What columns and a piecewise linear profile leave of the values, those far off counting less."""
        weight, count = self.weight, int(first.max()) + 2
        left, n = self.value, len(first)
        ends = np.stack([first, first + 1], axis=1).ravel()
        shares = np.stack([1.0 - share, share], axis=1)
        hats = sparse.csr_array(
            (shares.ravel(), ends, np.arange(0, 2 * n + 1, 2)), shape=(n, count)
        ).T.tocsr()
        both = np.concatenate([columns, self.value[None]])
        for _ in range(rounds):
            heavy = both * weight
            cross = hats @ heavy.T
            knots = np.zeros((2, count))
            knots[1] = np.bincount(ends, (shares**2 * weight[:, None]).ravel(), count)
            knots[0, 1:] = np.bincount(first, weight * share * (1.0 - share), count)[:-1]
            knots[1] += 1e-6 * weight.sum() / count
            solved = linalg.solveh_banded(knots, cross, check_finite=False)
            normal = heavy @ both.T - cross.T @ solved
            normal[np.diag_indices(len(columns))] *= 1.0 + _RIDGE
            found = np.linalg.solve(normal[:-1, :-1], normal[:-1, -1])
            profile = solved[:, -1] - solved[:, :-1] @ found
            left = self.value - found @ columns
            left -= (1.0 - share) * profile[first] + share * profile[first + 1]
            # Seen by all other cells alone: where there are few of them a profile fits everything.
            own = weight * ((1.0 - share) ** 2 / knots[1, first] + share**2 / knots[1, first + 1])
            left /= np.maximum(1.0 - own, _LEAST_OTHERS)
            limit = min(self.limit, _CLIP * max(robust_sigma(left), 1e-6))
            weight = self.weight * np.minimum(1.0, limit / np.maximum(np.abs(left), 1e-12))
        return np.asarray(left)

    def _patches(self, left: FloatArray) -> FloatArray:
        """Log likelihood of every patch."""
        size = (_PATCHES + 1) ** 2
        number = np.bincount(self.patch, minlength=size)
        square = np.minimum(left**2, self.limit**2) * self.weight
        mean = np.bincount(self.patch, square, size) / np.maximum(
            np.bincount(self.patch, self.weight, size), 1e-9
        )
        # Square roots of counts have the variance of a quarter.
        noise = 0.25 / self.block**2
        share = np.minimum(number * _PATCHES**2 / len(self.x), 1.0) * (number >= _LEAST_CELLS)
        return np.asarray(-0.5 * _WORTH * share * np.log(mean + 0.05 * noise))

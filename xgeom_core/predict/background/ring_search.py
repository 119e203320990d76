"""Find a rough geometry from sharp rings: the one about which the bright pixels crowd at few radii.

Thin bright rings look like spots to whatever does not know their center, and while the center is off by
more than their width no profile shows them. Here nothing is averaged before the center is known: the
pixels that stand out from their surroundings are taken as points, and the sum of squares of the density
of their radii is made as large as possible, first with a wide smoothing, then with a narrow one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import PooledFrame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.detector_model import Detector, radii
from xgeom_core.predict.background.masks import Mask
from xgeom_core.predict.background.simplex import least
from xgeom_core.predict.statistics import robust_sigma

# Side of the windows that a pixel is compared with, and how far off they lie, pooled px.
_WINDOW, _AWAY = 5, 8
_LEAST_SEEN = 0.3
_MOST_POINTS = 16000
_LEAST_POINTS = 200
_LEAST_SIGMA, _MOST_SIGMA = 1.5, 5.0
# Smoothing of the radii's density in pooled px, from coarse to fine.
_WIDTHS = (5.0, 2.5, 1.2, 0.7)
_GRID = (-12.0, -6.0, 0.0, 6.0, 12.0)
_FINE_GRID = (-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0)
_EVALUATIONS = 90
# A smoothing as wide as this or wider needs no more points than these.
_ROUGH_WIDTH, _ROUGH_POINTS = 2.0, 5000
# Rings of powder score 0.2 to 10, frames without rings 0.00 to 0.07; a few hundred points can be laid
# on circles of some center by chance.
_SHARP_SCORE, _SHARP_POINTS = 0.1, 500.0
# With less than these the search is given up: the best of the grid, then with the wider smoothings (chance
# taken away). Of 69 simulated frames with rings the lowest had 0.078, 0.067 and 0.125.
_HOPELESS_START = 0.045
_HOPELESS, _HOPELESS_POINTS = {5.0: 0.045, 2.5: 0.08}, 2500.0
# Standard deviation of tilts about the likely one: one ring is as round about many others.
_LIKELY_TILT = np.radians(10.0)
# No step of the search goes farther than this, as shares of the longer side of what it does at the edge.
_FARTHEST_SHARE = 0.06


def _gaussian(sigma: float, reach: int) -> FloatArray:
    bins = np.arange(-reach, reach + 1)
    height = np.where(np.abs(bins) <= 4.0 * sigma, np.exp(-0.5 * (bins / sigma) ** 2), 0.0)
    return np.asarray(height / height.sum())


# Smoothing of the density with a standard deviation of two bins, without that of twelve.
_WIDE = _gaussian(12.0, 48)
_NEAR_BUT_WIDE = _gaussian(2.0, 48) - _WIDE


@dataclass(frozen=True, eq=False)
class RingPoints:
    """Pixels that stand out from their surroundings.

    Parameters
    ----------
    x, y : ndarray of float32, shape (n,)
        Native px.
    value : ndarray of float32, shape (n,)
        By how much they stand out, in standard deviations, cut at the top.
    detector : Detector
    factor : int
        Native px per pooled px.
    lever : ndarray, shape (4,)
        What each parameter does to the image at its edge, native px.
    tilt : ndarray, shape (2,)
        The likely one, radians.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    value: NDArray[np.float32]
    detector: Detector
    factor: int
    lever: FloatArray
    tilt: FloatArray

    def thinned(self, most: int) -> RingPoints:
        """Every so many of the points, so that about `most` are left."""
        every = max(1, len(self.x) // most)
        return replace(self, x=self.x[::every], y=self.y[::every], value=self.value[::every])

    def score(self, theta: FloatArray, width: float, chance: bool = False) -> float:
        """Crowding of the points at few radii, per point.

        Parameters
        ----------
        theta : ndarray, shape (4,)
            Center in px, tilt in radians.
        width : float
            Standard deviation of the smoothing, pooled px.
        chance : bool
            Whether to take away what few points crowd by chance: 0 for points anywhere.
        """
        step = 0.5 * width * self.factor
        rho = radii(self.x, self.y, theta, self.detector)
        rho *= np.float32(1.0 / step)
        low = np.minimum(rho, np.float32(1e5)).astype(np.int64)
        other = self.value * (rho - low.astype(np.float32))
        # No shorter than the smoothing reaches.
        size = max(int(low.max()) + 2, len(_WIDE))
        found = np.bincount(low, self.value - other, size)
        found[1:] += np.bincount(low, other, size)[:-1]
        wide = np.convolve(found, _WIDE, mode="same")
        # Noise spreads over all radii: what counts is the density beyond the one of the surroundings.
        power = np.convolve(found, _NEAR_BUT_WIDE, mode="same")
        power *= power
        if chance:
            # Smoothed with a standard deviation of two bins: 1 / (2 sqrt(pi) 2) of the variance is left.
            power -= 0.141 * ndimage.gaussian_filter1d(np.bincount(low, self.value**2, size), 4.0)
        return float((power / (wide + 1.0)).sum() / len(self.x))


def ring_points(
    pooled: PooledFrame, usable: Mask, theta: FloatArray, detector: Detector, inner: float, lever: FloatArray
) -> RingPoints | None:
    """The pixels of a frame that stand out from their surroundings; None if there are hardly any.

    Parameters
    ----------
    pooled : PooledFrame
    usable : ndarray of bool
    theta : ndarray, shape (4,)
        Rough geometry.
    detector : Detector
    inner : float
        Radius in native px within which nothing counts.
    lever : ndarray, shape (4,)
    """
    root = np.sqrt(np.maximum(pooled.counts, np.float32(0.0))) * usable
    off = root - _surroundings(root, usable)
    factor, (x0, y0) = pooled.pooling.factor, pooled.pooling.offset
    sample = off[usable & np.isfinite(off)][::7]
    noise = robust_sigma(sample.astype(np.float64)) if sample.size else 0.0
    rows, columns = np.nonzero(usable & np.isfinite(off) & (off > _LEAST_SIGMA * max(noise, 0.2)))
    x = ((columns + 0.5) * factor + x0).astype(np.float32)
    y = ((rows + 0.5) * factor + y0).astype(np.float32)
    value = np.minimum(off[rows, columns] / max(noise, 0.2), np.float32(_MOST_SIGMA))
    away = np.hypot(x - np.float32(theta[0]), y - np.float32(theta[1])) > inner
    x, y, value = x[away], y[away], value[away]
    if len(x) < _LEAST_POINTS:
        return None
    if len(x) > _MOST_POINTS:
        # The ones that stand out most; among equals every so many, so that no side is preferred.
        limit = np.partition(value, -_MOST_POINTS)[-_MOST_POINTS]
        keep = np.flatnonzero(value >= limit)
        keep = keep[:: max(1, len(keep) // _MOST_POINTS)]
        x, y, value = x[keep], y[keep], value[keep]
    return RingPoints(x, y, value, detector, factor, lever, np.asarray(theta[2:4]))


def _surroundings(root: NDArray[np.float32], usable: Mask) -> NDArray[np.float32]:
    """The brightest of the means to the left, to the right, above and below; infinite without any.

    A ring is brighter than all of them; the edge of a shadow or of a round detector is not.
    """
    seen = ndimage.uniform_filter(usable.astype(np.float32), _WINDOW, mode="constant")
    mean = ndimage.uniform_filter(root, _WINDOW, mode="constant") / np.maximum(seen, np.float32(0.05))
    mean[seen < _LEAST_SEEN] = -np.inf
    padded = np.pad(mean, _AWAY, constant_values=-np.inf)
    height, width = root.shape
    found = np.full(root.shape, -np.inf, dtype=np.float32)
    for down, right in ((0, 1), (2, 1), (1, 0), (1, 2)):
        part = padded[down * _AWAY : down * _AWAY + height, right * _AWAY : right * _AWAY + width]
        np.maximum(found, part, out=found)
    found[np.isneginf(found)] = np.inf
    return found


def search_rings(points: RingPoints, starts: list[FloatArray], side: float) -> tuple[FloatArray, float]:
    """The geometry about which the points crowd, and whether they do.

    Parameters
    ----------
    points : RingPoints
    starts : list of ndarray, shape (4,)
        Rough geometries.
    side : float
        Longer side of the frame in px.

    Returns
    -------
    theta : ndarray, shape (4,)
    score : float
        How much they crowd; 0 where it is no more than chance would have it.
    """
    least = _SHARP_SCORE + _SHARP_POINTS / len(points.x)
    best, score = _descend(points, starts, _GRID, _WIDTHS, side)
    if score > _SHARP_SCORE:
        # Many rings at equal distances look alike when smoothed: so also without smoothing them away.
        other, rival = _descend(points, starts, _FINE_GRID, _WIDTHS[1:], side)
        if rival > score:
            best, score = other, rival
    return best, score if score > least else 0.0


def _descend(
    points: RingPoints,
    starts: list[FloatArray],
    grid: tuple[float, ...],
    widths: tuple[float, ...],
    side: float,
) -> tuple[FloatArray, float]:
    tries = [
        start + np.array([dx, dy, 0.0, 0.0]) * points.factor for start in starts for dx in grid for dy in grid
    ]
    few = points.thinned(_ROUGH_POINTS)
    score, best = max(((few.score(theta, widths[0]), theta) for theta in tries), key=itemgetter(0))
    if score < _HOPELESS_START:
        return best, 0.0
    for width in widths:
        some = few if width > _ROUGH_WIDTH else points
        best = _climb(some, best, width, side)
        least = _HOPELESS.get(width, 0.0) * (1.0 + _HOPELESS_POINTS / len(points.x))
        if some.score(best, width, chance=True) < least:
            return best, 0.0
    return best, points.score(best, widths[-1], chance=True)


def _climb(points: RingPoints, start: FloatArray, width: float, side: float) -> FloatArray:
    """A maximum of the score near a start."""
    size = width * points.factor / points.lever
    most = _FARTHEST_SHARE * side / points.lever

    def loss(step: FloatArray) -> float:
        if (np.abs(step * size) > most).any():
            return 1.0
        theta = start + step * size
        lean = float(((theta[2:4] - points.tilt) ** 2).sum()) / _LIKELY_TILT**2
        return -points.score(theta, width) * float(np.exp(-0.5 * lean))

    corners = np.vstack([np.zeros(4), 1.2 * np.eye(4)])
    return np.asarray(start + least(loss, corners, _EVALUATIONS, 0.05, 1e-6) * size)

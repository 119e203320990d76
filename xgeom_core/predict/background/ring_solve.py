"""The geometry that makes the arcs of sharp rings agree, and the other one that does so nearly as well.

Rays at one angle to the beam meet a tilted detector in an ellipse, and the same ellipse stands for the
opposite tilt about another center. Only rings of different radii tell the two apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.detector_model import Detector, sight
from xgeom_core.predict.background.ring_arcs import SECTORS, Arcs
from xgeom_core.predict.statistics import robust_sigma

_OUTLIER, _ROBUST_STEPS = 5.0, 4
# Worth of belief in the counting noise against the scatter between sectors.
_STEADY = 12.0
_LEAST_EIGENVALUE = 1e-7
_CENTER_STEPS, _MIRROR_STEPS = 3, 12
# Solutions so near each other (in their error bars) are one.
_APART = 3.0


@dataclass(frozen=True, eq=False)
class Solution:
    """Step of the geometry to where the arcs agree.

    Parameters
    ----------
    change : ndarray, shape (4,)
    covariance : ndarray, shape (4, 4)
        From counting noise or the scatter of the arcs, or between sectors, whichever is largest.
    share : ndarray, shape (n,)
        Weight of each arc, 0 for outliers.
    scatter : float
        Of the arcs' positions in units of counting noise, 1 or more.
    disagreement : float
        Between azimuth sectors, in the same units.
    larger : float
        By how much the disagreement made the variance larger, at the most.
    """

    change: FloatArray
    covariance: FloatArray
    share: FloatArray
    scatter: float
    disagreement: float
    larger: float


@dataclass(frozen=True, eq=False)
class _Normal:
    """Normal equations of the geometry, the radius of every ring being free."""

    slope: FloatArray
    inverse: FloatArray
    own: FloatArray


def _normal(
    arcs: Arcs, slope: FloatArray, pull: FloatArray, share: FloatArray, base: FloatArray
) -> _Normal | None:
    weight = arcs.info * share
    slope = slope - _by_ring(arcs, slope * weight[:, None], weight)
    normal = (slope * weight[:, None]).T @ slope + base
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-30))
    scaled = normal * np.outer(scale, scale)
    if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] < _LEAST_EIGENVALUE:
        return None
    inverse = np.linalg.inv(scaled) * np.outer(scale, scale)
    return _Normal(slope, inverse, _by_ring(arcs, (share * pull)[:, None], weight)[:, 0])


def _by_ring(arcs: Arcs, heavy: FloatArray, weight: FloatArray) -> FloatArray:
    """Weighted means over rings of weighted columns (n, k), given back for each arc."""
    rings = int(arcs.ring.max()) + 1
    total = np.maximum(np.bincount(arcs.ring, weights=weight, minlength=rings), 1e-30)
    sums = [np.bincount(arcs.ring, weights=column, minlength=rings) / total for column in heavy.T]
    return np.stack(sums, axis=1)[arcs.ring]


def solve_arcs(arcs: Arcs, base: FloatArray, toward: FloatArray) -> Solution | None:
    """Robust least squares of the geometry, the radius of every ring being free.

    Parameters
    ----------
    arcs : Arcs
    base : ndarray, shape (4, 4)
        Prior precision of the geometry.
    toward : ndarray, shape (4,)
        Pull of that prior.

    Returns
    -------
    Solution or None
        None where the arcs leave a direction free.
    """
    share = np.ones(len(arcs.info))
    at: _Normal | None = None
    for _ in range(_ROBUST_STEPS):
        at = _normal(arcs, arcs.slope, arcs.pull, share, base)
        if at is None:
            return None
        change = at.inverse @ (toward - at.slope.T @ (share * arcs.pull))
        # What is left of each arc's shift beside geometry and the ring's own radius.
        off = arcs.pull + arcs.info * (at.slope @ change - at.own)
        score = off / np.sqrt(arcs.info)
        scatter = max(1.0, robust_sigma(score))
        share = np.clip(1.0 - (score / (_OUTLIER * scatter)) ** 2, 0.0, None) ** 2
    assert at is not None  # the loop ran
    covariance = at.inverse * scatter**2
    pulls = at.slope * (share * off)[:, None]
    sums = np.array([np.bincount(arcs.sector, weights=pulls[:, i], minlength=SECTORS) for i in range(4)])
    spread = at.inverse @ (sums @ sums.T) @ at.inverse * SECTORS / (SECTORS - 2)
    ratio = np.diag(spread) / np.diag(covariance)
    larger = np.maximum(1.0, (_STEADY + SECTORS * ratio) / (_STEADY + SECTORS))
    covariance = covariance * np.sqrt(np.outer(larger, larger))
    return Solution(change, covariance, share, scatter, float(np.sqrt(ratio.max())), float(larger.max()))


@dataclass(frozen=True, eq=False)
class Mirror:
    """The other geometry under which the arcs nearly agree.

    Parameters
    ----------
    theta : ndarray, shape (4,)
        Center in native px, tilt in radians.
    worse : float
        By how much its misfit (chi squared, in units of the arcs' true scatter) is larger; negative
        where it is the better one.
    """

    theta: FloatArray
    worse: float


def mirrored(
    arcs: Arcs, found: Solution, theta: FloatArray, detector: Detector, base: FloatArray, start: FloatArray
) -> Mirror | None:
    """The solution of opposite tilt, from the arcs as they were measured at the first.

    Parameters
    ----------
    arcs : Arcs
        At `theta`.
    found : Solution
        There, small.
    theta : ndarray, shape (4,)
    detector : Detector
    base, start : ndarray, shape (4, 4) and (4,)
        Prior precision of the geometry and its middle.

    Returns
    -------
    Mirror or None
        None where there is but one solution.
    """
    shift = arcs.pull / arcs.info - sight(arcs.x, arcs.y, theta, detector).rho
    weight = arcs.info * found.share

    def misfit(at: FloatArray) -> float:
        off = shift + sight(arcs.x, arcs.y, at, detector).rho
        off = off - _by_ring(arcs, (weight * off)[:, None], weight)[:, 0]
        return float(weight @ off**2) + float((at - start) @ base @ (at - start))

    present = theta + found.change
    other = present * np.array([1.0, 1.0, -1.0, -1.0])
    tilt_fixed = np.diag([0.0, 0.0, 1e15, 1e15])
    for step in range(_CENTER_STEPS + _MIRROR_STEPS):
        look = sight(arcs.x, arcs.y, other, detector)
        held = base + (tilt_fixed if step < _CENTER_STEPS else 0.0)
        pull = arcs.info * (shift + look.rho)
        at = _normal(arcs, look.d_rho.T, pull, found.share, held)
        if at is None:
            return None
        centered = pull - arcs.info * at.own
        move = at.inverse @ (base @ (start - other) - at.slope.T @ (found.share * centered))
        if step >= _CENTER_STEPS and misfit(other + move) > misfit(other):
            break
        other = other + move
    off = other - present
    if off @ np.linalg.solve(found.covariance, off) < _APART**2:
        return None
    return Mirror(other, (misfit(other) - misfit(present)) / (found.scatter**2 * found.larger))

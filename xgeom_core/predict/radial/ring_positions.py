"""Center and tilt from where sharp rings lie, whatever their brightness along the ring.

Grains, texture, shadows and gains change how bright a ring is from one place to the next, not where it
lies. Each ring is cut into short arcs; each arc has a brightness and a background of its own, and says by
how much it lies farther out than the mean profile. The geometry is what makes all arcs agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import PooledFrame
from xgeom_core.geometry import FloatArray
from xgeom_core.predict.radial.masks import Mask
from xgeom_core.predict.radial.optics import Detector, radii, sight
from xgeom_core.predict.radial.ring_profile import RingProfile, ring_profile
from xgeom_core.predict.statistics import robust_sigma

# Smoothing of the profile in pooled px: while the geometry comes right, then as little as its noise allows.
_BLURS, _FINEST, _LAST_STEPS = (1.0, 0.6), (0.2, 0.3, 0.45, 0.7, 1.0, 1.5), 6
_MOST_NOISE = 0.04
_ARC_PX = 3.0
_LEAST_ARCS, _MOST_ARCS = 24, 600
_LEAST_PIXELS = 6
_LEAST_CELLS = 24
_PRIOR_PIXELS = 8.0
_OUTLIER = 5.0
_SECTORS = 36
# Worth of belief in the counting noise against the scatter between sectors.
_STEADY = 12.0
_SMALL = 0.05
# A ring is cut into parts; in most of those seen the median arc must be this bright against the mean.
_QUARTERS, _LEAST_SEEN_PARTS, _LEAST_SEEN_ARCS = 16, 5, 3
_DIMMEST, _LIT_SHARE = 0.15, 0.7


@dataclass(frozen=True, eq=False)
class RingFit:
    """Outcome of a fit to the positions of rings.

    Parameters
    ----------
    theta : ndarray, shape (4,)
        Center in native px, tilt in radians.
    covariance : ndarray, shape (4, 4)
        From counting noise or the scatter of the arcs, or between sectors, whichever is largest.
    rings, arcs : int
        How many were used.
    scatter : float
        Of the arcs' positions in units of counting noise.
    disagreement : float
        Between azimuth sectors, in the same units.
    converged : bool
    """

    theta: FloatArray
    covariance: FloatArray
    rings: int
    arcs: int
    scatter: float
    disagreement: float
    converged: bool


@dataclass(frozen=True, eq=False)
class _Arcs:
    """What each arc says: information and pull about its shift outwards, and its derivatives."""

    info: FloatArray
    pull: FloatArray
    slope: FloatArray
    ring: NDArray[np.int64]
    sector: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Pixels:
    x: FloatArray
    y: FloatArray
    counts: NDArray[np.float32]


def fit_ring_positions(
    pooled: PooledFrame,
    usable: Mask,
    theta: FloatArray,
    detector: Detector,
    inner: float,
    base: FloatArray,
    start: FloatArray,
) -> RingFit | None:
    """Fit the geometry to the positions of rings.

    Parameters
    ----------
    pooled : PooledFrame
    usable : ndarray of bool
    theta : ndarray, shape (4,)
        Geometry within a ring's width of the truth.
    detector : Detector
    inner : float
        Radius in native px within which no ring counts.
    base : ndarray, shape (4, 4)
        Prior precision of the geometry.
    start : ndarray, shape (4,)
        Middle of that prior.

    Returns
    -------
    RingFit or None
        None without rings, or with too few arcs to tell center and tilt.
    """
    factor, (x0, y0) = pooled.pooling.factor, pooled.pooling.offset
    rows, columns = np.nonzero(usable)
    pixels = _Pixels(
        np.asarray((columns + 0.5) * factor + x0),
        np.asarray((rows + 0.5) * factor + y0),
        pooled.counts[rows, columns],
    )
    theta = theta[:4].copy()
    found: _Solution | None = None
    profile: RingProfile | None = None
    finest = 0.0
    for step in range(len(_BLURS) + _LAST_STEPS):
        rho = radii(pixels.x, pixels.y, theta, detector)
        if step < len(_BLURS):
            profile = ring_profile(rho, pixels.counts, inner, factor, _BLURS[step])
        else:
            profile, finest = _finest(rho, pixels.counts, inner, factor, finest)
        arcs = None if profile is None else _arcs(pixels, rho, theta, detector, profile, factor)
        found = None if arcs is None else _solve(arcs, base, base @ (start - theta))
        if found is None:
            return None
        theta = theta + found.change
        if finest and (np.abs(found.change) < _SMALL * np.sqrt(np.diag(found.covariance))).all():
            break
    if found is None or profile is None:
        return None
    settled = (np.abs(found.change) < 1.0 * np.sqrt(np.diag(found.covariance))).all()
    return RingFit(
        theta,
        found.covariance,
        len(profile.radius),
        found.arcs,
        found.scatter,
        found.disagreement,
        bool(settled),
    )


def _finest(
    rho: FloatArray, counts: NDArray[np.float32], inner: float, factor: int, blur: float
) -> tuple[RingProfile | None, float]:
    """The profile with the least smoothing that its own noise allows, and that smoothing.

    A profile made of the very pixels that are compared with it agrees with their noise, and the more so
    the less it is smoothed.
    """
    if blur:
        return ring_profile(rho, counts, inner, factor, blur), blur
    for blur in _FINEST:
        profile = ring_profile(rho, counts, inner, factor, blur)
        if profile is not None and profile.noise < _MOST_NOISE:
            break
    return profile, blur


def _arcs(
    pixels: _Pixels,
    rho: FloatArray,
    theta: FloatArray,
    detector: Detector,
    profile: RingProfile,
    factor: int,
) -> _Arcs | None:
    ring = profile.ring[np.minimum((rho / profile.step).astype(np.int64), len(profile.ring) - 1)]
    on = np.flatnonzero(ring >= 0)
    ring, rho = ring[on], rho[on]
    x, y, counts = pixels.x[on], pixels.y[on], pixels.counts[on].astype(np.float64)
    number = np.clip(2.0 * np.pi * profile.radius / (_ARC_PX * factor), _LEAST_ARCS, _MOST_ARCS)
    number = number.astype(np.int64)
    first = np.concatenate([[0], np.cumsum(number)])
    turn = np.arctan2((y - theta[1]) * detector.aspect, x - theta[0]) / (2.0 * np.pi) + 0.5
    cell = first[ring] + np.minimum((turn * number[ring]).astype(np.int64), number[ring] - 1)
    size = int(first[-1])
    base, rise, slope = profile.at(rho)
    base = np.maximum(base, 0.01)
    weight = 1.0 / np.maximum(base + rise, 0.02)

    def heap(values: FloatArray | None) -> FloatArray:
        return np.bincount(cell, weights=values, minlength=size).astype(np.float64)

    count, light = heap(None), heap(base + rise)
    under, over, both = heap(weight * base**2), heap(weight * rise**2), heap(weight * base * rise)
    slope_under, slope_over = heap(weight * slope * base), heap(weight * slope * rise)
    data_under, data_over = heap(weight * counts * base), heap(weight * counts * rise)
    slope_slope, data_slope = heap(weight * slope**2), heap(weight * slope * counts)
    data_data = heap(weight * counts**2)
    det = under * over - both**2
    good = (count >= _LEAST_PIXELS) & (det > 1e-9 * under * over)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Brightness of the ring and of what lies under it, each an arc's own.
        height = (under * data_over - both * data_under) / det
        floor = (over * data_under - both * data_over) / det
        # Slope with both projected out.
        a = (under * slope_over - both * slope_under) / det
        b = (over * slope_under - both * slope_over) / det
        sharp = slope_slope - a * slope_over - b * slope_under
        score = data_slope - a * data_over - b * data_under
        left = data_data - height * data_over - floor * data_under
        usual = np.maximum(height * (light - heap(base)) + floor * heap(base), 0.05 * light) / light
        noise = (np.maximum(left, 0.0) + _PRIOR_PIXELS * usual) / (
            np.maximum(count - 2.0, 0.0) + _PRIOR_PIXELS
        )
        noise = np.maximum(noise, usual)
        doubt = noise * under / det
        info = np.maximum(height**2 - doubt, 0.0) * sharp / noise
        good &= (height > 0) & (sharp > 0) & np.isfinite(info) & (info > 0)
    of_arc = np.repeat(np.arange(len(number)), np.diff(first))
    place = ((np.arange(size) - first[of_arc]) / number[of_arc] * _QUARTERS).astype(np.int64)
    good &= _whole(height, doubt, of_arc, place, len(number))[of_arc]
    keep = np.flatnonzero(good)
    if len(keep) < _LEAST_CELLS:
        return None
    middle_x, middle_y = (heap(values)[keep] / count[keep] for values in (x, y))
    look = sight(middle_x, middle_y, theta, detector)
    of_ring = np.searchsorted(first, keep, side="right") - 1
    sector = ((keep - first[of_ring]) / number[of_ring] * _SECTORS).astype(np.int64)
    # Data at T(rho - shift): the score of the slope is minus brightness times shift.
    pull = -height[keep] * score[keep] / noise[keep]
    return _Arcs(info[keep], pull, look.d_rho.T, of_ring, sector)


def _whole(
    height: FloatArray, doubt: FloatArray, ring: NDArray[np.int64], part: NDArray[np.int64], rings: int
) -> NDArray[np.bool_]:
    """Which rings are bright nearly all the way round; a few spots at equal distances are no ring.

    Parameters
    ----------
    height, doubt : ndarray, shape (arcs,)
        Brightness of each arc relative to the mean, and its variance.
    ring, part : ndarray of int, shape (arcs,)
        Ring of each arc and part of the turn.
    rings : int

    Returns
    -------
    ndarray of bool, shape (rings,)
    """
    usable = np.isfinite(height) & np.isfinite(doubt) & (doubt > 0)
    at = (ring * _QUARTERS + part)[usable]
    # The median of a part's arcs, so that one spot does not make a part bright.
    order = np.lexsort((height[usable], at))
    places, start, count = np.unique(at[order], return_index=True, return_counts=True)
    values = height[usable][order]
    median = 0.5 * (values[start + (count - 1) // 2] + values[start + count // 2])
    error = np.sqrt(
        1.6 * np.bincount(at, weights=doubt[usable], minlength=int(at.max(initial=0)) + 1)[places]
    )
    error /= count
    seen = (count >= _LEAST_SEEN_ARCS) & (error < _DIMMEST)
    lit = seen & (median > _DIMMEST)
    of_ring = places // _QUARTERS
    total = np.bincount(of_ring[seen], minlength=rings)
    bright = np.bincount(of_ring[lit], minlength=rings)
    return np.asarray((total >= _LEAST_SEEN_PARTS) & (bright >= _LIT_SHARE * total))


@dataclass(frozen=True, eq=False)
class _Solution:
    change: FloatArray
    covariance: FloatArray
    arcs: int
    scatter: float
    disagreement: float


def _solve(arcs: _Arcs, base: FloatArray, toward: FloatArray) -> _Solution | None:
    """Robust least squares of the geometry, the radius of every ring being free."""
    share = np.ones(len(arcs.info))
    rings = int(arcs.ring.max()) + 1
    change, scatter = np.zeros(4), 1.0
    for _ in range(4):
        weight = arcs.info * share
        per_ring = np.maximum(np.bincount(arcs.ring, weights=weight, minlength=rings), 1e-30)
        middle = np.stack(
            [np.bincount(arcs.ring, weights=weight * arcs.slope[:, i], minlength=rings) for i in range(4)],
            axis=1,
        )
        slope = arcs.slope - (middle / per_ring[:, None])[arcs.ring]
        normal = (slope * weight[:, None]).T @ slope + base
        scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-30))
        scaled = normal * np.outer(scale, scale)
        if not np.isfinite(scaled).all() or np.linalg.eigvalsh(scaled)[0] < 1e-7:
            return None
        inverse = np.linalg.inv(scaled) * np.outer(scale, scale)
        change = inverse @ (toward - slope.T @ (share * arcs.pull))
        own = np.bincount(arcs.ring, weights=share * arcs.pull, minlength=rings) / per_ring
        # What is left of each arc's shift beside geometry and the ring's own radius.
        off = arcs.pull + arcs.info * (slope @ change - own[arcs.ring])
        score = off / np.sqrt(arcs.info)
        scatter = max(1.0, robust_sigma(score))
        share = np.clip(1.0 - (score / (_OUTLIER * scatter)) ** 2, 0.0, None) ** 2
    covariance = inverse * scatter**2
    pulls = slope * (share * off)[:, None]
    sums = np.array([np.bincount(arcs.sector, weights=pulls[:, i], minlength=_SECTORS) for i in range(4)])
    spread = inverse @ (sums @ sums.T) @ inverse * _SECTORS / (_SECTORS - 2)
    ratio = np.diag(spread) / np.diag(covariance)
    larger = np.maximum(1.0, (_STEADY + _SECTORS * ratio) / (_STEADY + _SECTORS))
    return _Solution(
        change,
        covariance * np.sqrt(np.outer(larger, larger)),
        int((share > 0).sum()),
        scatter,
        float(np.sqrt(ratio.max())),
    )

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
from xgeom_core.predict.background.detector_model import Detector, radii
from xgeom_core.predict.background.masks import Mask
from xgeom_core.predict.background.ring_arcs import Arcs, RingPixels, arcs_of
from xgeom_core.predict.background.ring_mirror import Mirror, mirrored
from xgeom_core.predict.background.ring_profile import RingProfile, ring_profile
from xgeom_core.predict.background.ring_solve import Solution, solve_arcs

# Smoothing of the profile in pooled px: while the geometry comes right, then as little as its noise allows.
_BLURS, _FINEST, _LAST_STEPS = (1.0, 0.6), (0.2, 0.3, 0.45, 0.7, 1.0, 1.5), 6
_MOST_NOISE = 0.04
_SMALL = 0.05
# A mirrored solution so much worse (chi squared) is none. Grains and pixels make chi squared larger than
# noise does: it counts less. A start is good to about this share of the side.
_EXCLUDED, _TEMPER, _START_SHARE = 60.0, 1.5, 0.01
# From this step on steps are halved: a profile of many faint rings changes with every step.
_HALVED = 4


@dataclass(frozen=True, eq=False)
class RingFit:
    """Outcome of a fit to the positions of rings.

    Parameters
    ----------
    theta : ndarray, shape (4,)
        Center in native px, tilt in radians.
    covariance : ndarray, shape (4, 4)
        From counting noise or the scatter of the arcs, or between sectors, whichever is largest; without
        `doubt`.
    rings, arcs : int
        How many were used.
    scatter : float
        Of the arcs' positions in units of counting noise.
    disagreement : float
        Between azimuth sectors, in the same units.
    converged : bool
    shift_px : float
        Standard deviation of what parts of the detector are shifted by, native px.
    azimuth_deg : float
        See `coverage`.
    mirror : tuple of ndarray and float, or None
        The solution of opposite tilt, and its log odds against this one.
    """

    theta: FloatArray
    covariance: FloatArray
    rings: int
    arcs: int
    scatter: float
    disagreement: float
    converged: bool
    shift_px: float
    azimuth_deg: float
    mirror: tuple[FloatArray, float] | None = None


@dataclass(frozen=True, eq=False)
class _Settled:
    """Where the steps ended: the geometry before the last step, and what was seen there."""

    theta: FloatArray
    found: Solution
    arcs: Arcs
    rings: int

    @property
    def end(self) -> FloatArray:
        return self.theta + self.found.change


@dataclass(frozen=True, eq=False)
class _Rings:
    """A frame's pixels and what is known of its geometry."""

    pixels: RingPixels
    detector: Detector
    inner: float
    side: float
    factor: int
    base: FloatArray
    start: FloatArray

    def settle(self, theta: FloatArray) -> _Settled | None:
        """Steps until they are small."""
        theta = theta[:4].copy()
        finest, settled = 0.0, None
        for step in range(len(_BLURS) + _LAST_STEPS):
            rho = radii(self.pixels.x, self.pixels.y, theta, self.detector)
            profile: RingProfile | None
            if step < len(_BLURS):
                profile = ring_profile(rho, self.pixels.counts, self.inner, self.factor, _BLURS[step])
            else:
                profile, finest = _finest(rho, self.pixels.counts, self.inner, self.factor, finest)
            if profile is None:
                return None
            arcs = arcs_of(self.pixels, rho, theta, self.detector, profile, self.factor)
            found = None if arcs is None else solve_arcs(arcs, self.base, self.base @ (self.start - theta))
            if arcs is None or found is None:
                return None
            settled = _Settled(theta, found, arcs, len(profile.radius))
            theta = theta + (1.0 if step < _HALVED else 0.5) * found.change
            if finest and (np.abs(found.change) < _SMALL * np.sqrt(np.diag(found.covariance))).all():
                break
        return settled

    def farther(self, one: FloatArray, other: FloatArray) -> float:
        """By how much one center is less likely than another as the start has it, in chi squared."""
        one, other = one[:2] - self.start[:2], other[:2] - self.start[:2]
        return float(one @ one - other @ other) / (_START_SHARE * self.side) ** 2

    def mirror(self, settled: _Settled) -> Mirror | None:
        """The solution of opposite tilt."""
        return mirrored(settled.arcs, settled.found, settled.theta, self.detector, self.base, self.start)


def fit_ring_positions(
    pooled: PooledFrame,
    usable: Mask,
    theta: FloatArray,
    detector: Detector,
    inner: float,
    base: FloatArray,
    start: FloatArray,
    patch: NDArray[np.int64] | None = None,
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
        Middle of that prior; of two solutions that are about as good it prefers the nearer one.
    patch : ndarray of int, shape of the pooled frame, optional
        Number of the part of the detector that each pixel lies on, if parts may be shifted.

    Returns
    -------
    RingFit or None
        None without rings, or with too few arcs to tell center and tilt.
    """
    factor, (x0, y0) = pooled.pooling.factor, pooled.pooling.offset
    rows, columns = np.nonzero(usable)
    pixels = RingPixels(
        np.asarray((columns + 0.5) * factor + x0),
        np.asarray((rows + 0.5) * factor + y0),
        pooled.counts[rows, columns],
        np.zeros(len(rows), dtype=np.int64) if patch is None else patch[rows, columns],
    )
    side = float(max(usable.shape) * factor)
    rings = _Rings(pixels, detector, inner, side, factor, base, start)
    settled = rings.settle(theta)
    if settled is None:
        return None
    settled, mirror = _of_two(rings, settled)
    found = settled.found
    small = (np.abs(found.change) < 1.0 * np.sqrt(np.diag(found.covariance))).all()
    return RingFit(
        settled.end,
        found.covariance,
        settled.rings,
        int((found.share > 0).sum()),
        found.scatter,
        found.disagreement,
        bool(small),
        found.shift_px,
        coverage(found.information),
        mirror,
    )


def coverage(information: FloatArray) -> float:
    """Azimuth that the features seen cover about the center, in degrees.

    Parameters
    ----------
    information : ndarray, shape (sectors,)
        On where features lie, by sectors of equal width.

    Notes
    -----
    The participation ratio ``360 (sum I)^2 / (n sum I^2)``: all of 360 if all sectors tell equally much.
    """
    total = float(information.sum())
    return (
        360.0 * total**2 / max(len(information) * float((information**2).sum()), 1e-30) if total > 0 else 0.0
    )


def _of_two(rings: _Rings, settled: _Settled) -> tuple[_Settled, tuple[FloatArray, float] | None]:
    """The likelier of the two solutions of opposite tilt, and the other with its log odds."""
    mirror = rings.mirror(settled)
    if mirror is None or mirror.worse > _EXCLUDED:
        return settled, None
    end, far, worse = settled.end, mirror.theta, mirror.worse
    other = rings.settle(far)
    if other is not None and _near(other.end, far, end):
        back = rings.mirror(other)
        if back is not None and _near(back.theta, end, other.end):
            # The profile seen about a geometry speaks for that geometry: so each is asked about the other.
            worse = 0.5 * (worse - back.worse)
        far = other.end
        odds = worse / _TEMPER + rings.farther(far, end)
        if odds < 0:
            settled, far, odds = other, end, -odds
    else:
        odds = worse / _TEMPER + rings.farther(far, end)
    return settled, (far, -0.5 * odds)


def _near(found: FloatArray, aim: FloatArray, away: FloatArray) -> bool:
    """Whether a fit ended nearer to its aim than to the other solution."""
    return bool(np.hypot(*(found - aim)[:2]) < np.hypot(*(found - away)[:2]))


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

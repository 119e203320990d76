"""Arcs of sharp rings: how far each lies outwards, its brightness and background being its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.detector_model import Detector, sight
from xgeom_core.predict.background.ring_profile import RingProfile

SECTORS = 36
_ARC_PX = 3.0
_LEAST_ARCS, _MOST_ARCS = 24, 600
_LEAST_PIXELS = 6
_LEAST_CELLS = 24
_PRIOR_PIXELS = 8.0
# The turn is cut into parts, finer ones where little of it is in sight; in most of those seen the median arc
# must be this bright against the mean.
_PARTS, _IN_SIGHT, _LEAST_SEEN_PARTS, _LEAST_SEEN_ARCS, _STEPS = 16, 8, 5, 3, 72
_DIMMEST, _LIT_SHARE = 0.15, 0.7


@dataclass(frozen=True, eq=False)
class Arcs:
    """What each arc says of its shift outwards.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Center of gravity of its pixels, native px.
    info, pull : ndarray, shape (n,)
        Information about the shift (1/px^2), and that times the shift against the mean profile.
    slope : ndarray, shape (n, 4)
        Derivatives of its radius by the geometry.
    ring, sector, patch : ndarray of int, shape (n,)
        The patch is the part of the detector that may be shifted as a whole.
    oval : ndarray, shape (n, 2)
        Derivatives of its radius by how oval circles are, relative, along the axes and along the diagonals.
    """

    x: FloatArray
    y: FloatArray
    info: FloatArray
    pull: FloatArray
    slope: FloatArray
    ring: NDArray[np.int64]
    sector: NDArray[np.int64]
    patch: NDArray[np.int64]
    oval: FloatArray


@dataclass(frozen=True, eq=False)
class RingPixels:
    """Centers (native px), counts and patch of the detector of the usable pixels, shape (n,) each."""

    x: FloatArray
    y: FloatArray
    counts: NDArray[np.float32]
    patch: NDArray[np.int64]

    def take(self, keep: NDArray[np.int64]) -> RingPixels:
        """Some of the pixels."""
        return RingPixels(self.x[keep], self.y[keep], self.counts[keep], self.patch[keep])


@dataclass(frozen=True, eq=False)
class _Division:
    """Rings cut into arcs: how many each, the number of its first arc, and ring and place of each arc."""

    number: NDArray[np.int64]
    first: NDArray[np.int64]

    @property
    def size(self) -> int:
        return int(self.first[-1])

    @property
    def ring(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.number)), self.number)

    def part(self, parts: int) -> NDArray[np.int64]:
        """Which of some equal parts of the turn each arc lies in."""
        ring = self.ring
        turn = (np.arange(self.size) - self.first[ring]) / self.number[ring]
        return np.asarray(turn * parts).astype(np.int64)


def arcs_of(
    pixels: RingPixels,
    rho: FloatArray,
    theta: FloatArray,
    detector: Detector,
    profile: RingProfile,
    factor: int,
) -> Arcs | None:
    """Cut the rings of a profile into arcs; None if too few of them say anything.

    Parameters
    ----------
    pixels : RingPixels
    rho : ndarray, shape (n,)
        Their radii at `theta`, native px.
    theta : ndarray, shape (4,)
    detector : Detector
    profile : RingProfile
    factor : int
        Native px per pooled px.
    """
    ring = profile.ring[np.minimum((rho / profile.step).astype(np.int64), len(profile.ring) - 1)]
    on = np.flatnonzero(ring >= 0)
    ring, pixels = ring[on], pixels.take(on)
    wanted = np.clip(2.0 * np.pi * profile.radius / (_ARC_PX * factor), _LEAST_ARCS, _MOST_ARCS)
    number: NDArray[np.int64] = wanted.astype(np.int64)
    division = _Division(number, np.concatenate([[0], np.cumsum(number)]))
    turn = np.arctan2((pixels.y - theta[1]) * detector.aspect, pixels.x - theta[0]) / (2.0 * np.pi) + 0.5
    cell = division.first[ring] + np.minimum((turn * number[ring]).astype(np.int64), number[ring] - 1)
    fits = _fit_arcs(cell, division.size, rho[on], pixels.counts.astype(np.float64), profile)
    in_sight = np.bincount((turn * _STEPS).astype(np.int64), minlength=_STEPS + 1) > 0
    part = division.part(max(_PARTS, round(_IN_SIGHT * _STEPS / in_sight.sum())))
    good = fits.good & _whole(fits.height, fits.doubt, division.ring, part, len(number))[division.ring]
    keep = np.flatnonzero(good)
    if len(keep) < _LEAST_CELLS:
        return None
    x, y = (
        np.bincount(cell, values, division.size)[keep] / fits.count[keep] for values in (pixels.x, pixels.y)
    )
    look = sight(x, y, theta, detector)
    patch = np.zeros(division.size, dtype=np.int64)
    # Any of its pixels will do: an arc is short.
    patch[cell] = pixels.patch
    double = np.stack([look.cos**2 - look.sin**2, 2.0 * look.cos * look.sin], axis=1)
    return Arcs(
        x,
        y,
        fits.info[keep],
        fits.pull[keep],
        look.d_rho.T,
        division.ring[keep],
        division.part(SECTORS)[keep],
        patch[keep],
        look.rho[:, None] * double,
    )


@dataclass(frozen=True, eq=False)
class _ArcFits:
    """Of every arc: pixels, brightness against the mean, its variance, information, pull, and whether
    they can be used."""

    count: FloatArray
    height: FloatArray
    doubt: FloatArray
    info: FloatArray
    pull: FloatArray
    good: NDArray[np.bool_]


def _fit_arcs(
    cell: NDArray[np.int64], size: int, rho: FloatArray, counts: FloatArray, profile: RingProfile
) -> _ArcFits:
    """Brightness of ring and floor of every arc by least squares, and its shift beside them."""
    base, rise, slope = profile.at(rho)
    base = np.maximum(base, 0.01)
    weight = 1.0 / np.maximum(base + rise, 0.02)

    def heap(values: FloatArray | None) -> FloatArray:
        return np.bincount(cell, weights=values, minlength=size).astype(np.float64)

    count, light, low = heap(None), heap(base + rise), heap(base)
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
        usual = np.maximum(height * (light - low) + floor * low, 0.05 * light) / light
        noise = np.maximum(left, 0.0) + _PRIOR_PIXELS * usual
        noise = np.maximum(noise / (np.maximum(count - 2.0, 0.0) + _PRIOR_PIXELS), usual)
        doubt = noise * under / det
        info = np.maximum(height**2 - doubt, 0.0) * sharp / noise
        good &= (height > 0) & (sharp > 0) & np.isfinite(info) & (info > 0)
        # Data at T(rho - shift): the score of the slope is minus brightness times shift.
        pull = -height * score / noise
    return _ArcFits(count, height, doubt, info, pull, good)


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
    parts = int(part.max(initial=0)) + 1
    at = (ring * parts + part)[usable]
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
    of_ring = places // parts
    total = np.bincount(of_ring[seen], minlength=rings)
    bright = np.bincount(of_ring[lit], minlength=rings)
    return np.asarray((total >= _LEAST_SEEN_PARTS) & (bright >= _LIT_SHARE * total))

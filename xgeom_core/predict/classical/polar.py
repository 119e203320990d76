"""A frame cut into azimuth sectors along the cones of a geometry, and the sharp rings in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.predict.classical.canvas import Canvas

SECTORS = 45
_PER_SECTOR = 8


@dataclass(frozen=True, eq=False)
class Polar:
    """Radial profiles of azimuth sectors.

    Parameters
    ----------
    radius : ndarray, shape (m,)
        ``D tan(two_theta)`` in canvas px.
    azimuth : ndarray, shape (SECTORS,)
        Middle of each sector in radians.
    profile, sigma : ndarray, shape (SECTORS, m)
        Square root of counts (spots left out by a median), and its error; 0 where not seen.
    seen : ndarray of bool, shape (SECTORS, m)
    """

    radius: FloatArray
    azimuth: FloatArray
    profile: FloatArray
    sigma: FloatArray
    seen: NDArray[np.bool_]


def cut(canvas: Canvas, geometry: Geometry) -> Polar:
    """Profiles of azimuth sectors along the cones of a geometry given in canvas px."""
    distance_px = geometry.distance_mm / geometry.pixel_mm[0]
    radius = np.arange(0.04 * canvas.side, 1.25 * canvas.side, 1.0)
    angle = (np.arange(SECTORS * _PER_SECTOR) + 0.5) * (2.0 * np.pi / (SECTORS * _PER_SECTOR))
    rays = np.empty((len(angle), len(radius), 3))
    rays[..., 0] = np.cos(angle)[:, None] * radius
    rays[..., 1] = np.sin(angle)[:, None] * radius
    rays[..., 2] = distance_px
    x, y = geometry.from_lab(rays)
    height, width = canvas.shape
    with np.errstate(invalid="ignore"):
        on = (x > 0.5) & (x < width - 0.5) & (y > 0.5) & (y < height - 0.5)
    column, row = np.where(on, x, 0.0).astype(np.intp), np.where(on, y, 0.0).astype(np.intp)
    on &= canvas.known[row, column]
    # Between pixel centers by straight lines; half a pixel off would be a bias.
    places = np.stack([np.where(on, y, 0.5) - 0.5, np.where(on, x, 0.5) - 0.5])
    value = ndimage.map_coordinates(np.sqrt(canvas.counts), places, order=1, mode="nearest", prefilter=False)
    value = np.where(on, value, np.inf).reshape(SECTORS, _PER_SECTOR, len(radius))
    number = on.reshape(value.shape).sum(axis=1)
    middle = _low_median(value, number)
    used = (number > _PER_SECTOR // 2).any(axis=0)
    last = int(np.nonzero(used)[0][-1]) + 1 if used.any() else 1
    seen = (number > _PER_SECTOR // 2)[:, :last]
    # A sample per pixel at the most: near the beam several samples share one.
    pixels = np.minimum(number[:, :last], np.maximum(radius[:last] * (2 * np.pi / SECTORS), 1.0))
    sigma = np.where(seen, 0.5 * 1.25 / np.sqrt(np.maximum(pixels, 1.0)), 0.0)
    azimuth = angle.reshape(SECTORS, _PER_SECTOR).mean(axis=1)
    return Polar(radius[:last], azimuth, np.where(seen, middle[:, :last], 0.0), sigma, seen)


def _low_median(values: FloatArray, number: NDArray[np.intp]) -> FloatArray:
    """Median along axis 1 of the finite values, of which there are `number`; a spot must not count."""
    ordered = np.sort(values, axis=1)
    low = np.maximum(number - 1, 0) // 2
    high = np.maximum(number, 1) // 2
    picked = [np.take_along_axis(ordered, index[:, None], axis=1)[:, 0] for index in (low, high)]
    return np.where(np.isfinite(picked[1]), 0.5 * (picked[0] + picked[1]), picked[0])


@dataclass(frozen=True)
class Ring:
    """A ring in the mean profile: index of its radius, half width in bins, height over noise."""

    at: int
    width: float
    strength: float


def find_rings(polar: Polar, widths: tuple[float, ...], most: int = 8) -> list[Ring]:
    """The rings that stand out of the mean profile, strongest first.

    Parameters
    ----------
    polar : Polar
    widths : tuple of float
        Half widths to look for, in bins.
    most : int
        At the most so many.
    """
    mean, error = mean_profile(polar)
    seen = polar.seen.sum(axis=0) >= SECTORS // 4
    found: list[Ring] = []
    for width in widths:
        wide = 3.0 * width
        response = _smooth(mean, seen, width) - _smooth(mean, seen, wide)
        noise = _smooth(error, seen, width) / np.sqrt(2.0 * np.sqrt(np.pi) * width)
        score = np.where(seen, response / np.maximum(noise, 1e-3), 0.0)
        peak = (score == ndimage.maximum_filter1d(score, size=2 * int(2 * width) + 1)) & (
            score > _LEAST_SCORE
        )
        # At an edge of what is seen, half a slope passes for a ring.
        inner = ndimage.minimum_filter1d(seen, size=2 * int(2 * width) + 1, mode="constant", cval=0)
        found += [Ring(int(at), width, float(score[at])) for at in np.nonzero(peak & inner)[0]]
    return _apart(found, most)


_LEAST_SCORE = 12.0


def _apart(found: list[Ring], most: int) -> list[Ring]:
    kept: list[Ring] = []
    # Sharp rings say more about the center than broad ones of the same height.
    for ring in sorted(found, key=lambda item: -item.strength / item.width):
        if all(abs(ring.at - other.at) > 2.0 * (ring.width + other.width) for other in kept):
            kept.append(ring)
        if len(kept) == most:
            break
    return kept


def mean_profile(polar: Polar) -> tuple[FloatArray, FloatArray]:
    """Median over sectors, and its error."""
    number = polar.seen.sum(axis=0)
    value = _low_median(np.where(polar.seen, polar.profile, np.inf)[None], number[None])[0]
    value = np.where(number > 0, value, 0.0)
    spread = np.sqrt((polar.sigma**2).sum(axis=0)) / np.maximum(number, 1)
    return value, np.maximum(1.25 * spread, 1e-3)


def _smooth(values: FloatArray, seen: NDArray[np.bool_], width: float) -> FloatArray:
    weight = ndimage.gaussian_filter1d(seen.astype(np.float64), width, mode="constant")
    total = ndimage.gaussian_filter1d(np.where(seen, values, 0.0), width, mode="constant")
    return np.asarray(total / np.maximum(weight, 1e-6))

"""Spots to be explained, and which index each is near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import inverse3, lengths, median
from xgeom_core.predict.lattice.model import Model, observed_rays, positions
from xgeom_core.predict.lattice.residual_model import Spread

FloatArray = NDArray[np.float64]

# How many standard deviations off the sphere points are looked for, and in which steps.
_MISSES = 2.5
_WALK = (0.0, -0.2, 0.2, -0.4, 0.4, -0.6, 0.6, -0.8, 0.8, -1.0, 1.0)
# Where that is more than this in index units for half of the spots, rounding alone goes wrong.
_BLURRED = 0.25
_ASKED = 60


@dataclass(frozen=True, eq=False)
class Observed:
    """Spots to be explained.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Positions in px.
    sigma : ndarray, shape (n,)
        Standard error per coordinate in px.
    """

    xy: FloatArray
    sigma: FloatArray

    def take(self, which: NDArray[np.bool_]) -> Observed:
        """The chosen spots."""
        return Observed(self.xy[which], self.sigma[which])


@dataclass(frozen=True, eq=False)
class Assignment:
    """Which index each spot is near, and how near."""

    hkl: FloatArray
    off: FloatArray
    rest: FloatArray
    miss: FloatArray


def assign(model: Model, observed: Observed, spread: Spread | None = None) -> Assignment:
    """Nearest indices, their distance in index units, in px, and from the Ewald sphere.

    Parameters
    ----------
    model : Model
        The lattice.
    observed : Observed
        The spots.
    spread : Spread, optional
        How its spots scatter, once that is known. Where points are recorded so far off the sphere that
        rounding would miss them, the nearest index in units of the spread is taken instead, and its
        distance in index units is that across the ray alone.
    """
    rays = observed_rays(model.geometry, observed.xy[:, 0], observed.xy[:, 1])
    fractional = model.indices(rays)
    if spread is not None and is_blurred(model, observed, spread):
        hkl = _by_spread(model, rays, fractional, observed.sigma, spread)
        off = _across(model, rays, hkl)
    else:
        hkl = np.round(fractional)
        apart = np.abs(fractional - hkl)
        off = np.maximum(np.maximum(apart[:, 0], apart[:, 1]), apart[:, 2])
    predicted = model.rays(hkl)
    rest = observed.xy - positions(model.geometry, model.recorded(predicted))
    miss = lengths(predicted) - model.radius
    return Assignment(hkl, off, rest, miss)


def is_blurred(model: Model, observed: Observed, spread: Spread) -> bool:
    """Whether points of a blurred lattice are so far off the sphere that rounding indices goes wrong."""
    if not model.blurred:
        return False
    few = observed.xy[:: max(len(observed.xy) // _ASKED, 1)]
    rays = observed_rays(model.geometry, few[:, 0], few[:, 1])
    return median(np.abs(_walk(model, rays, spread)).max(axis=1)) > _BLURRED


def _walk(model: Model, rays: FloatArray, spread: Spread) -> FloatArray:
    """Change of the indices along each ray as far as points are looked for off the sphere."""
    reach = _MISSES * np.sqrt(spread.block**2 + (spread.mosaic * _lengths(model, rays)) ** 2)
    return np.asarray(rays @ inverse3(model.reciprocal).T * (reach / model.radius)[:, None])


def _lengths(model: Model, rays: FloatArray) -> FloatArray:
    """Lengths of scattering vectors, 1/Å."""
    return lengths(rays - np.array([0.0, 0.0, model.radius]))


def _by_spread(
    model: Model,
    rays: FloatArray,
    fractional: FloatArray,
    sigma: FloatArray,
    spread: Spread,
) -> FloatArray:
    """The likeliest indices of those that a walk along each ray, in and out of the sphere, comes by."""
    length = _lengths(model, rays)
    geometry = model.geometry
    pixel = max(geometry.pixel_mm) / geometry.distance_mm * model.radius
    across2 = (spread.scale * sigma * pixel) ** 2 + (0.7 * spread.turn * length) ** 2
    miss2 = spread.block**2 + (spread.mosaic * length) ** 2
    along = _walk(model, rays, spread)
    best, least = np.round(fractional), np.full(len(rays), np.inf)
    for step in _WALK:
        hkl = np.round(fractional + step * along)
        points = model.rays(hkl)
        miss = lengths(points) - model.radius
        apart2 = ((rays - model.recorded(points)) ** 2).sum(axis=1) - miss**2
        cost = np.maximum(apart2, 0.0) / across2 + miss**2 / miss2
        better = cost < least
        best[better], least[better] = hkl[better], cost[better]
    return np.asarray(best)


def _across(model: Model, rays: FloatArray, hkl: FloatArray) -> FloatArray:
    """Distance of rays from lattice points across the ray, in index units."""
    apart = rays - model.rays(hkl)
    unit = rays / lengths(rays)[:, None]
    flat = apart - (apart * unit).sum(axis=1)[:, None] * unit
    return np.asarray(np.abs(flat @ inverse3(model.reciprocal).T).max(axis=1))

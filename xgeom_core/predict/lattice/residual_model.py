"""How the spots of a lattice scatter: along the radius, across it, and off the Ewald sphere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry
from xgeom_core.predict.lattice.algebra import median

FloatArray = NDArray[np.float64]

_LEAST_SCALE = 0.5
_LEAST_MISS = 2e-4
# Spots beyond these residuals, in standard deviations, are not explained.
_PULL_LIMIT = 5.0
_MISS_LIMIT = 4.5


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals of spots against a lattice.

    Parameters
    ----------
    radial, across : ndarray, shape (n,)
        Observed minus predicted, away from the center and at right angles to that, in px.
    outward : ndarray, shape (n, 2)
        Unit vectors away from the center.
    radius : ndarray, shape (n,)
        Distance from the center in px.
    length : ndarray, shape (n,)
        Length of the scattering vector in 1/Å.
    miss : ndarray, shape (n,)
        Distance of the lattice point from the Ewald sphere in 1/Å.
    sigma : ndarray, shape (n,)
        Stated error of each coordinate in px.
    """

    radial: FloatArray
    across: FloatArray
    outward: FloatArray
    radius: FloatArray
    length: FloatArray
    miss: FloatArray
    sigma: FloatArray


def residuals(
    geometry: Geometry, xy: FloatArray, rest: FloatArray, miss: FloatArray, sigma: FloatArray
) -> Residuals:
    """Residuals in polar form.

    Parameters
    ----------
    geometry : Geometry
        Its center and tilt need not be exact.
    xy, rest : ndarray, shape (n, 2)
        Observed positions, and observed minus predicted.
    miss, sigma : ndarray, shape (n,)
        See `Residuals`.
    """
    away_x, away_y = xy[:, 0] - geometry.center_px[0], xy[:, 1] - geometry.center_px[1]
    radius = np.maximum(np.sqrt(away_x * away_x + away_y * away_y), 1.0)
    outward = np.empty((len(xy), 2))
    out_x, out_y = outward.T
    np.divide(away_x, radius, out=out_x)
    np.divide(away_y, radius, out=out_y)
    rest_x, rest_y = rest.T
    radial = rest_x * out_x + rest_y * out_y
    across = rest_y * out_x - rest_x * out_y
    # 2 sin(theta) of spots is the length of the difference between the unit vectors of ray and beam.
    fast, slow, _ = geometry.axes()
    u, v = away_x * geometry.pixel_mm[0], away_y * geometry.pixel_mm[1]
    along = u * fast[2] + v * slow[2] + geometry.distance_mm
    aside2 = (u * fast[0] + v * slow[0]) ** 2 + (v * slow[1]) ** 2
    whole = np.sqrt(aside2 + along * along)
    # 1 - cos as aside^2 / (whole (whole + along)), which is exact near the beam.
    length = np.sqrt(2.0 * aside2 / (whole * (whole + along))) / (geometry.wavelength_A or 1.0)
    return Residuals(radial, across, outward, radius, length, miss, sigma)


@dataclass(frozen=True, eq=False)
class Spread:
    """Standard deviations of the residuals.

    Parameters
    ----------
    scale : float
        Ratio of radial residuals to the errors stated.
    turn : float
        Spread across the radius beyond that, in px per px of radius: blocks of a mosaic crystal that are
        turned about the beam smear spots along arcs, never along the radius.
    block, mosaic : float
        Of the distance from the Ewald sphere: a constant in 1/Å (size of the blocks) and a part that grows
        with the length of the scattering vector (their turns, in radians).
    """

    scale: float
    turn: float
    block: float
    mosaic: float

    def miss(self, rest: Residuals) -> FloatArray:
        """Standard deviation of the distance from the Ewald sphere, 1/Å."""
        return np.asarray(np.sqrt(self.block**2 + (self.mosaic * rest.length) ** 2))

    def across(self, rest: Residuals) -> FloatArray:
        """Standard deviation across the radius, px."""
        return np.asarray(np.sqrt((self.scale * rest.sigma) ** 2 + (self.turn * rest.radius) ** 2))

    def pulls2(self, rest: Residuals) -> FloatArray:
        """Squared length of the residuals in standard deviations."""
        along2 = (self.scale * rest.sigma) ** 2
        return np.asarray(
            rest.radial**2 / along2 + rest.across**2 / (along2 + (self.turn * rest.radius) ** 2)
        )

    def holds(self, rest: Residuals, part: float = 1.0) -> NDArray[np.bool_]:
        """Which residuals are no larger than this spread allows, or than a part of that."""
        near = self.pulls2(rest) < (part * _PULL_LIMIT) ** 2
        return np.asarray(near & (np.abs(rest.miss) < part * _MISS_LIMIT * self.miss(rest)))


def measure_spread(rest: Residuals, used: NDArray[np.bool_]) -> Spread:
    """Robust spread of the residuals of the used spots."""
    sigma, radius = rest.sigma[used], rest.radius[used]
    scale = max(1.4826 * median(np.abs(rest.radial[used]) / sigma), _LEAST_SCALE)
    # Near the center the arcs are too short to tell.
    outer = radius >= median(radius)
    far = radius[outer]
    angle = 1.4826 * median(np.abs(rest.across[used][outer]) / far)
    known = scale * median(sigma[outer] / far)
    block, mosaic = _miss_spread(rest.length[used], np.abs(rest.miss[used]))
    return Spread(scale, float(np.sqrt(max(angle**2 - known**2, 0.0))), block, mosaic)


def _miss_spread(length: FloatArray, miss: FloatArray) -> tuple[float, float]:
    """The two parts of the spread off the sphere, from the inner and the outer half of the spots."""
    inner = length <= median(length)
    if inner.all():
        return max(1.4826 * median(miss), _LEAST_MISS), 0.0
    near, far = (max(1.4826 * median(miss[half]), _LEAST_MISS) ** 2 for half in (inner, ~inner))
    near2, far2 = (median(length[half]) ** 2 for half in (inner, ~inner))
    mosaic2 = max(far - near, 0.0) / max(far2 - near2, 1e-6)
    # No line through two points goes below a share of the inner spread.
    block2 = max(near - mosaic2 * near2, 0.1 * near)
    return float(np.sqrt(max(block2, _LEAST_MISS**2))), float(np.sqrt(mosaic2))

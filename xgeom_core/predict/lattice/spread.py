"""How the spots of a lattice scatter: along the radius, across it, and off the Ewald sphere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import Geometry

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
    away = xy - np.array(geometry.center_px)
    radius = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1.0)
    outward = away / radius[:, None]
    radial = rest[:, 0] * outward[:, 0] + rest[:, 1] * outward[:, 1]
    across = rest[:, 1] * outward[:, 0] - rest[:, 0] * outward[:, 1]
    angle = geometry.two_theta(xy[:, 0], xy[:, 1])
    length = 2.0 * np.sin(angle / 2.0) / (geometry.wavelength_A or 1.0)
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
        return np.asarray(np.hypot(self.block, self.mosaic * rest.length))

    def across(self, rest: Residuals) -> FloatArray:
        """Standard deviation across the radius, px."""
        return np.asarray(np.hypot(self.scale * rest.sigma, self.turn * rest.radius))

    def pulls(self, rest: Residuals) -> FloatArray:
        """Length of the residuals in standard deviations."""
        return np.asarray(np.hypot(rest.radial / (self.scale * rest.sigma), rest.across / self.across(rest)))

    def holds(self, rest: Residuals, part: float = 1.0) -> NDArray[np.bool_]:
        """Which residuals are no larger than this spread allows, or than a part of that."""
        near = self.pulls(rest) < part * _PULL_LIMIT
        return np.asarray(near & (np.abs(rest.miss) < part * _MISS_LIMIT * self.miss(rest)))


def measure_spread(rest: Residuals, used: NDArray[np.bool_]) -> Spread:
    """Robust spread of the residuals of the used spots."""
    scale = max(1.4826 * float(np.median(np.abs(rest.radial[used]) / rest.sigma[used])), _LEAST_SCALE)
    # Near the center the arcs are too short to tell.
    outer = used & (rest.radius >= np.median(rest.radius[used]))
    angle = 1.4826 * float(np.median(np.abs(rest.across[outer]) / rest.radius[outer]))
    known = float(np.median(scale * rest.sigma[outer] / rest.radius[outer]))
    block, mosaic = _miss_spread(rest, used)
    return Spread(scale, float(np.sqrt(max(angle**2 - known**2, 0.0))), block, mosaic)


def _miss_spread(rest: Residuals, used: NDArray[np.bool_]) -> tuple[float, float]:
    """The two parts of the spread off the sphere, from the inner and the outer half of the spots."""
    length, miss = rest.length[used], np.abs(rest.miss[used])
    inner = length <= np.median(length)
    if inner.all():
        return max(1.4826 * float(np.median(miss)), _LEAST_MISS), 0.0
    near, far = (max(1.4826 * float(np.median(miss[half])), _LEAST_MISS) ** 2 for half in (inner, ~inner))
    near2, far2 = (float(np.median(length[half]) ** 2) for half in (inner, ~inner))
    mosaic2 = max(far - near, 0.0) / max(far2 - near2, 1e-6)
    # No line through two points goes below a share of the inner spread.
    block2 = max(near - mosaic2 * near2, 0.1 * near)
    return float(np.sqrt(max(block2, _LEAST_MISS**2))), float(np.sqrt(mosaic2))

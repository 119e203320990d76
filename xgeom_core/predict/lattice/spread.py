"""How the spots of a lattice scatter: along the radius, across it, and off the Ewald sphere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    miss : ndarray, shape (n,)
        Distance of the lattice point from the Ewald sphere in 1/Å.
    sigma : ndarray, shape (n,)
        Stated error of each coordinate in px.
    """

    radial: FloatArray
    across: FloatArray
    outward: FloatArray
    radius: FloatArray
    miss: FloatArray
    sigma: FloatArray


def residuals(
    center_px: tuple[float, float], xy: FloatArray, rest: FloatArray, miss: FloatArray, sigma: FloatArray
) -> Residuals:
    """Residuals in polar form.

    Parameters
    ----------
    center_px : tuple of float
        Center ``(x, y)``.
    xy, rest : ndarray, shape (n, 2)
        Observed positions, and observed minus predicted.
    miss, sigma : ndarray, shape (n,)
        See `Residuals`.
    """
    away = xy - np.array(center_px)
    radius = np.maximum(np.hypot(away[:, 0], away[:, 1]), 1.0)
    outward = away / radius[:, None]
    radial = rest[:, 0] * outward[:, 0] + rest[:, 1] * outward[:, 1]
    across = rest[:, 1] * outward[:, 0] - rest[:, 0] * outward[:, 1]
    return Residuals(radial, across, outward, radius, miss, sigma)


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
    miss : float
        Of the distance from the Ewald sphere, 1/Å.
    """

    scale: float
    turn: float
    miss: float

    def across(self, rest: Residuals) -> FloatArray:
        """Standard deviation across the radius, px."""
        return np.asarray(np.hypot(self.scale * rest.sigma, self.turn * rest.radius))

    def pulls(self, rest: Residuals) -> FloatArray:
        """Length of the residuals in standard deviations."""
        return np.asarray(np.hypot(rest.radial / (self.scale * rest.sigma), rest.across / self.across(rest)))

    def holds(self, rest: Residuals) -> NDArray[np.bool_]:
        """Which residuals are no larger than this spread allows."""
        return np.asarray((self.pulls(rest) < _PULL_LIMIT) & (np.abs(rest.miss) < _MISS_LIMIT * self.miss))


def measure_spread(rest: Residuals, used: NDArray[np.bool_]) -> Spread:
    """Robust spread of the residuals of the used spots."""
    scale = max(1.4826 * float(np.median(np.abs(rest.radial[used]) / rest.sigma[used])), _LEAST_SCALE)
    # Near the center the arcs are too short to tell.
    outer = used & (rest.radius >= np.median(rest.radius[used]))
    angle = 1.4826 * float(np.median(np.abs(rest.across[outer]) / rest.radius[outer]))
    known = float(np.median(scale * rest.sigma[outer] / rest.radius[outer]))
    miss = 1.4826 * float(np.median(np.abs(rest.miss[used])))
    return Spread(scale, float(np.sqrt(max(angle**2 - known**2, 0.0))), max(miss, _LEAST_MISS))

"""Nuisance amplitudes with priors that the data choose: smooth waves, and a free function of azimuth.

The geometry is in the positions of features, not in how bright they are. Shadows, capillaries, tapes,
slits and air paths make one side brighter than another:

- smoothly: ``sum_m,k (a cos m phi + b sin m phi) P_k(r)`` with Legendre polynomials up to the third degree;
- by modules: gains differ from one module of a detector to the next;
- along rays: what sits at the sample or holds the stop dims sharp ranges of azimuth, at all radii alike
  or nearly so: a free periodic function of azimuth, and another one times a linear course in r.

All are exponents. How strong they may be is unknown, and is found by the marginal likelihood of the
very frame (empirical Bayes). Two numbers of the physics are nuisance too, with priors of their own: the
degree of polarization, and how brightness falls with the distance that a tilt gives a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.radial.optics import Sight
from xgeom_core.predict.radial.panels import PANELS

ORDERS = (1, 2, 3)
DEGREES = 4
# Order of the unknowns: geometry (4), polarization, obliquity, waves; then rays, then modules.
POLARIZATION = 4
OBLIQUITY = 5
WAVES = 6
COLUMNS = WAVES + 2 * DEGREES * len(ORDERS)
RAYS = 72
MODULES = COLUMNS + 2 * RAYS
UNKNOWNS = MODULES + PANELS
USUAL_POLARIZATION = 0.7
_POLARIZATION_SD = 0.5
_OBLIQUITY_SD = 0.25
_PANEL_STRENGTHS = (1e-5, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2)
_STRENGTHS = tuple(10.0 ** (-0.5 * k) for k in range(1, 8))
_RAY_STRENGTHS = (*_STRENGTHS[:6], 1e-5)
_STEEPNESS = (0.25, 0.7)
# The course of the rays in r is weaker than the rays.
_RAY_COURSE = 0.4


@dataclass(frozen=True)
class Strength:
    """Standard deviations of the nuisance before the frame is seen.

    Parameters
    ----------
    size : tuple of float
        One for each order of `ORDERS`: standard deviation of the constant part in log intensity.
    steepness : float
        By how much each degree in r is weaker than the one before.
    rays : float
        Of the free function of azimuth.
    panels : float
        Of the modules' gains.
    """

    size: tuple[float, ...] = (0.03, 0.03, 0.01)
    steepness: float = 0.7
    rays: float = 1e-5
    panels: float = 1e-5

    def precision(self) -> FloatArray:
        """Inverse variances, shape (UNKNOWNS,); 0 for the geometry."""
        out = np.zeros(UNKNOWNS)
        out[POLARIZATION] = _POLARIZATION_SD**-2
        out[OBLIQUITY] = _OBLIQUITY_SD**-2
        decay = self.steepness ** np.arange(DEGREES)
        for i, size in enumerate(self.size):
            start = WAVES + 2 * DEGREES * i
            out[start : start + 2 * DEGREES] = np.tile((size * decay) ** -2.0, 2)
        out[COLUMNS : COLUMNS + RAYS] = self.rays**-2.0
        out[COLUMNS + RAYS : MODULES] = (_RAY_COURSE * self.rays) ** -2.0
        out[MODULES:] = self.panels**-2.0
        return out


def wave_columns(look: Sight, reach: float, out: FloatArray) -> None:
    """Fill columns with cos and sin of m phi times functions of r.

    Parameters
    ----------
    look : Sight
    reach : float
        Radius in px up to which the polynomials are orthogonal.
    out : ndarray, shape (n, 2 * DEGREES * len(ORDERS))
    """
    t = look.rho * (2.0 / reach) - 1.0
    radial = np.empty((len(t), DEGREES))
    radial[:, 0] = 1.0
    radial[:, 1] = t
    radial[:, 2] = 1.5 * t * t - 0.5
    radial[:, 3] = t * (2.5 * t * t - 1.5)
    unit = look.cos + 1j * look.sin
    wave = np.ones_like(unit)
    for i, _ in enumerate(ORDERS):
        wave = wave * unit
        start = 2 * DEGREES * i
        np.multiply(radial, wave.real[:, None], out=out[:, start : start + DEGREES])
        np.multiply(radial, wave.imag[:, None], out=out[:, start + DEGREES : start + 2 * DEGREES])


def turned(waves: FloatArray, reach: float) -> FloatArray:
    """Coefficients of the derivatives of waves with respect to azimuth and radius.

    Parameters
    ----------
    waves : ndarray, shape (2 * DEGREES * len(ORDERS),)
    reach : float
        See `wave_columns`.

    Returns
    -------
    ndarray, shape (2 * DEGREES * len(ORDERS), 2)
        By azimuth (per radian) and by radius (per px).
    """
    parts = waves.reshape(len(ORDERS), 2, DEGREES)
    by_angle = np.stack([parts[:, 1], -parts[:, 0]], axis=1) * np.array(ORDERS)[:, None, None]
    # Derivatives of the radial functions, written in the same functions.
    slope = np.zeros((DEGREES, DEGREES))
    slope[1, 0], slope[2, 1], slope[3, 2], slope[3, 0] = np.array([1.0, 3.0, 5.0, 1.0]) * (2.0 / reach)
    return np.stack([by_angle.ravel(), (parts @ slope).ravel()], axis=1)


@dataclass(frozen=True, eq=False)
class Solution:
    """Outcome of normal equations with a prior.

    Parameters
    ----------
    score : float
        Log marginal likelihood, up to a constant.
    change : ndarray, shape (p,)
        Change of the unknowns.
    factor : tuple
        Cholesky factor of the scaled matrix, for `covariance`.
    scale : ndarray, shape (p,)
    """

    score: float
    change: FloatArray
    factor: tuple[FloatArray, bool]
    scale: FloatArray

    def covariance(self, size: int) -> FloatArray:
        """Covariance of the first unknowns, shape (size, size)."""
        unit = np.zeros((len(self.scale), size))
        unit[np.arange(size), np.arange(size)] = self.scale[:size]
        inverse = linalg.cho_solve(self.factor, unit, check_finite=False)
        return np.asarray(inverse[:size] * self.scale[:size, None])


def solve(
    normal: FloatArray, right: FloatArray, present: FloatArray, strength: Strength, base: FloatArray
) -> Solution:
    """Solve normal equations under a prior of the nuisance.

    Parameters
    ----------
    normal, right : ndarray, shape (UNKNOWNS, UNKNOWNS) and (UNKNOWNS,)
        Normal equations of the likelihood at the present unknowns, profile projected out.
    present : ndarray, shape (UNKNOWNS,)
        Present unknowns, counted from the prior's middle.
    strength : Strength
    base : ndarray, shape (4, 4)
        Prior precision of the geometry.

    Returns
    -------
    Solution
    """
    prior = strength.precision()
    full = normal.copy()
    full[:4, :4] += base
    diagonal = np.diag_indices_from(full)
    full[diagonal] += prior
    scale = 1.0 / np.sqrt(np.maximum(np.diag(full), 1e-30))
    full *= scale
    full *= scale[:, None]
    full[diagonal] += 1e-10
    factor = linalg.cho_factor(full, lower=True, overwrite_a=True, check_finite=False)
    # As a function of the unknowns themselves: c = right + normal @ present.
    c = right + normal @ present
    at = scale * linalg.cho_solve(factor, scale * c, check_finite=False)
    log_det = 2.0 * float(np.log(np.diag(factor[0])).sum() - np.log(scale).sum())
    score = 0.5 * float(c @ at) - 0.5 * log_det + 0.5 * float(np.log(prior[POLARIZATION:]).sum())
    return Solution(score, at - present, factor, scale)


def choose_strength(
    normal: FloatArray, right: FloatArray, present: FloatArray, strength: Strength, base: FloatArray
) -> Strength:
    """The strength of the largest marginal likelihood, one kind after the other."""
    # Modules first: waves and rays can imitate them, they can hardly imitate waves.
    for i in reversed(range(len(ORDERS) + 2)):
        scores = {
            choice: solve(normal, right, present, choice, base).score for choice in candidates(strength, i)
        }
        strength = max(scores, key=scores.__getitem__)
    return strength


def candidates(strength: Strength, index: int) -> list[Strength]:
    """All strengths that differ from a given one in one kind; the first order tries all slopes.

    Parameters
    ----------
    strength : Strength
    index : int
        Place in `ORDERS`, or one more for the rays, or two more for the modules.
    """
    if index > len(ORDERS):
        return [replace(strength, panels=size) for size in _PANEL_STRENGTHS]
    if index == len(ORDERS):
        return [replace(strength, rays=size) for size in _RAY_STRENGTHS]
    slopes = _STEEPNESS if index == 0 else (strength.steepness,)
    return [
        replace(strength, size=(*strength.size[:index], size, *strength.size[index + 1 :]), steepness=slope)
        for size in _STRENGTHS
        for slope in slopes
    ]

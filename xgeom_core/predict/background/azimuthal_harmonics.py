"""Nuisance amplitudes with priors that the data choose: smooth waves, and a free function of azimuth.

The geometry is in the positions of features, not in how bright they are. Shadows, capillaries, tapes,
slits and air paths make one side brighter than another:

- smoothly: ``sum_m,k (a cos m phi + b sin m phi) P_k(r)`` with Legendre polynomials up to the third degree;
- by modules: gains differ from one module of a detector to the next;
- along rays: what sits at the sample or holds the stop dims sharp ranges of azimuth, at all radii alike
  or nearly so: a free periodic function of azimuth, and another one times a linear course in r.

All are exponents. How strong they may be is unknown, and is found by the marginal likelihood of the
very frame (`xgeom_core.predict.background.hyperparameters`). Five numbers of the physics are nuisance too,
with priors of their own: the degree of polarization, the sensor's thickness and the air on the way, the
light that is not polarized, and what pixels hold without light, which knows none of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.detector_model import Sight
from xgeom_core.predict.background.panels import PANELS

ORDERS = (1, 2, 3)
DEGREES = 4
# Order of the unknowns: geometry (4), polarization, the sensor's thickness, air beside its usual amount,
# light that is not polarized, dark, waves; then rays, then modules. Thickness and unpolarized light are
# logarithms in standard deviations.
POLARIZATION = 4
OBLIQUITY = 5
AIR = 6
EVEN = 7
DARK = 8
WAVES = 9
COLUMNS = WAVES + 2 * DEGREES * len(ORDERS)
RAYS = 72
MODULES = COLUMNS + 2 * RAYS
UNKNOWNS = MODULES + PANELS
USUAL_POLARIZATION = 0.7
_POLARIZATION_SD = 0.5
# Air is there or, less often, helium or vacuum for some of the way.
USUAL_AIR = 0.9
_AIR_SD = 0.25
# Fluorescence beside the light in the middle of the profile: the middle of its prior, and the standard
# deviation of its logarithm.
USUAL_EVEN, EVEN_SPREAD = 0.12, 1.3
# A strength that leaves nothing of rays or modules.
ABSENT = 1e-5
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
    rays: float = ABSENT
    panels: float = ABSENT

    @property
    def plain(self) -> bool:
        """Whether rays and modules are held at zero."""
        return self.rays <= ABSENT and self.panels <= ABSENT

    def precision(self) -> FloatArray:
        """Inverse variances, shape (UNKNOWNS,); 0 for the geometry. Not to be written to."""
        return _precision(self)


@lru_cache(maxsize=512)
def _precision(strength: Strength) -> FloatArray:
    out = np.zeros(UNKNOWNS)
    out[POLARIZATION] = _POLARIZATION_SD**-2
    out[AIR] = _AIR_SD**-2
    out[[OBLIQUITY, EVEN, DARK]] = 1.0
    decay = strength.steepness ** np.arange(DEGREES)
    for i, size in enumerate(strength.size):
        start = WAVES + 2 * DEGREES * i
        out[start : start + 2 * DEGREES] = np.tile((size * decay) ** -2.0, 2)
    out[COLUMNS : COLUMNS + RAYS] = strength.rays**-2.0
    out[COLUMNS + RAYS : MODULES] = (_RAY_COURSE * strength.rays) ** -2.0
    out[MODULES:] = strength.panels**-2.0
    out.flags.writeable = False
    return out


def fill_waves(look: Sight, reach: float, out: FloatArray) -> None:
    """Fill rows with cos and sin of m phi times functions of r.

    Parameters
    ----------
    look : Sight
    reach : float
        Radius in px up to which the polynomials are orthogonal.
    out : ndarray, shape (2 * DEGREES * len(ORDERS), n)
    """
    t = look.rho * (2.0 / reach) - 1.0
    square = t * t
    radial = np.empty((DEGREES - 1, len(t)))
    radial[0] = t
    radial[1] = 1.5 * square - 0.5
    radial[2] = t * (2.5 * square - 1.5)
    cos, sin = look.cos, look.sin
    for i, _ in enumerate(ORDERS):
        if i:
            cos, sin = cos * look.cos - sin * look.sin, sin * look.cos + cos * look.sin
        for j, wave in enumerate((cos, sin)):
            start = DEGREES * (2 * i + j)
            out[start] = wave
            np.multiply(radial, wave, out=out[start + 1 : start + DEGREES])


def turned(waves: FloatArray, reach: float) -> FloatArray:
    """Coefficients of the derivatives of waves with respect to azimuth and radius.

    Parameters
    ----------
    waves : ndarray, shape (2 * DEGREES * len(ORDERS),)
    reach : float
        See `fill_waves`.

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

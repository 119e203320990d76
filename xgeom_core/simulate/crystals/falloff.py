"""How Bragg intensities fall with resolution, and with polarization."""

from __future__ import annotations

import numpy as np
from scipy.special import erfc

from xgeom_core.geometry import FloatArray

# Low-angle reflections that `spot_counts` speaks of.
REFERENCE_A = 10.0
# Width of the resolution limit, relative to 1 / d_min.
_SOFTNESS = 0.05


def debye_waller(s: FloatArray, b_factor_A2: float) -> FloatArray:
    """Fall-off of intensities with disorder, relative to a reflection at 10 Å.

    Parameters
    ----------
    s : ndarray
        ``1/d`` in 1/Å.
    b_factor_A2 : float
        Overall B factor in Å^2.

    Notes
    -----
    ``exp(-B s^2 / 2)``: amplitudes fall with ``exp(-B sin^2(theta) / wavelength^2)`` and
    ``s = 2 sin(theta) / wavelength`` (Debye 1913, Waller 1923).
    """
    return np.asarray(np.exp(-0.5 * b_factor_A2 * (s**2 - 1.0 / REFERENCE_A**2)))


def soft_limit(s: FloatArray, d_min_A: float) -> FloatArray:
    """Share left by the crystal's resolution limit: half at ``d_min``, an error function 5 % wide.

    Notes
    -----
    A crystal whose B factor varies over its volume has no sharp edge; the form is ours.
    """
    limit = 1.0 / d_min_A
    return np.asarray(0.5 * erfc((s - limit) / (np.sqrt(2.0) * _SOFTNESS * limit)))


def farthest(d_min_A: float) -> float:
    """1/d in 1/Å beyond which `soft_limit` leaves less than a fortieth."""
    return (1.0 + 2.0 * _SOFTNESS) / d_min_A


def polarization(direction: FloatArray, polarized: float) -> FloatArray:
    """Polarization factor of scattered beams.

    Parameters
    ----------
    direction : ndarray, shape (n, 3)
        Unit vectors of the scattered beams in the lab frame.
    polarized : float
        Share of the beam polarized along x.

    Notes
    -----
    An electric field along x radiates ``1 - kx^2`` into the direction k, one along y ``1 - ky^2``
    (Kahn et al., J. Appl. Cryst. 15 (1982) 330).
    """
    kx, ky = direction[:, 0], direction[:, 1]
    return np.asarray(polarized * (1.0 - kx**2) + (1.0 - polarized) * (1.0 - ky**2))

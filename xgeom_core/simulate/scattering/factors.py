"""What every scattered photon feels on its way: polarization, solid angle, air, sensor."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from xgeom_core.geometry import FloatArray


class SensorLike(Protocol):
    """What the background asks of a sensor; see `xgeom_core.simulate.detectors`."""

    def shift_mm(self, tan_psi: FloatArray, cos_psi: FloatArray) -> FloatArray:
        """Mean shift away from the foot of the normal, in mm."""

    def efficiency(self, cos_psi: FloatArray) -> FloatArray:
        """Share of photons stopped, relative to normal incidence."""


def polarization(lab: FloatArray, polarized: float) -> FloatArray:
    """Polarization factor of a beam polarized mostly along x.

    Parameters
    ----------
    lab : ndarray, shape (..., 3)
        Positions or any vectors along the scattered rays.
    polarized : float
        Share of the intensity polarized along x: 0.5 unpolarized, 1 fully polarized.

    Notes
    -----
    ``f (1 - kx^2) + (1 - f) (1 - ky^2)`` with k the unit vector of the ray, which is Kahn, Fourme,
    Gadet, Janin, Dumas and Andre, J. Appl. Cryst. 15 (1982) 330, in components.
    """
    r2 = np.einsum("...i,...i->...", lab, lab)
    return np.asarray(1.0 - (polarized * lab[..., 0] ** 2 + (1.0 - polarized) * lab[..., 1] ** 2) / r2)


def solid_angle(lab: FloatArray, normal: FloatArray, distance_mm: float) -> FloatArray:
    """Solid angle of a pixel relative to one at the beam center of an untilted detector.

    Notes
    -----
    A pixel of area A at R sees ``A (n.R) / |R|^3``; at the center of an untilted detector A / D^2.
    """
    r2 = np.einsum("...i,...i->...", lab, lab)
    return np.asarray((lab @ normal) * distance_mm**2 / (r2 * np.sqrt(r2)))


def air_transmission(r: FloatArray, distance_mm: float, per_mm: float) -> FloatArray:
    """Transmission of the air on the way, relative to the way along the beam: ``exp(-mu (r - D))``."""
    return np.asarray(np.exp(-per_mm * (r - distance_mm)))


def parallax_ratio(sensor: SensorLike, cos_psi: FloatArray, normal_distance_mm: float) -> FloatArray:
    """Parallax shift over the distance of the struck point from the foot of the normal.

    Notes
    -----
    A photon that enters at a distance a from the foot is counted at ``a + shift``; seen from the
    counting pixel, at ``b = a + shift``, it entered at ``b (1 - ratio)``. To first order in shift / D
    the ratio may be taken at the counting pixel.
    """
    sin_psi = np.sqrt(np.maximum(1.0 - cos_psi**2, 1e-12))
    tan_psi = np.maximum(sin_psi / cos_psi, 1e-6)
    shift = sensor.shift_mm(tan_psi, cos_psi)
    return np.asarray(shift / (tan_psi * normal_distance_mm + shift))

"""Scattering that is not Bragg: water, air, and the factors that every photon feels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray, Geometry


@dataclass(frozen=True)
class RadialProfile:
    """Background intensity as a function of ``s = 1/d`` (1/Å), in units of its own peak.

    Parameters
    ----------
    ring_A : float
        Position of the water ring in Å (3.3 Å for bulk water; protein solvent a little more).
    ring_width : float
        Standard deviation of the ring in 1/Å.
    shoulder : float
        Height of the second hump near 2.1 Å, relative to the ring.
    air : float
        Height of the air scatter at the beam, relative to the ring.
    air_width : float
        Width of the air scatter in 1/Å.
    floor : float
        Constant part, relative to the ring.

    Notes
    -----
    The shape (a ring at 3.1-3.4 Å with a shoulder near 2.1 Å, over air scatter that falls away from
    the beam) is that of measured water; see Clark, Cappa, Smith, Saykally & Head-Gordon,
    Mol. Phys. 108 (2010) 1415. Gaussians stand in for the structure factor.
    """

    ring_A: float = 3.3
    ring_width: float = 0.055
    shoulder: float = 0.35
    air: float = 0.6
    air_width: float = 0.08
    floor: float = 0.05

    def __call__(self, s: FloatArray) -> FloatArray:
        """Intensity at ``s`` in 1/Å."""
        ring = np.exp(-0.5 * ((s - 1.0 / self.ring_A) / self.ring_width) ** 2)
        shoulder = self.shoulder * np.exp(-0.5 * ((s - 0.48) / 0.08) ** 2)
        # The solvent between ring and beam does not vanish: a wide step below the ring.
        inner = 0.3 / (1.0 + np.exp((s - 1.0 / self.ring_A) / (0.6 * self.ring_width)))
        air = self.air / (1.0 + (s / self.air_width) ** 2)
        return np.asarray(ring + shoulder + inner + air + self.floor)


def solid_angle(lab: FloatArray, normal: FloatArray, distance_mm: float) -> FloatArray:
    """Solid angle of pixels relative to one at the beam center of an untilted detector.

    Parameters
    ----------
    lab : ndarray, shape (..., 3)
        Pixel positions in mm.
    normal : ndarray, shape (3,)
        Unit normal of the detector.
    distance_mm : float
        Sample to beam center in mm.

    Notes
    -----
    A pixel of area A at R sees ``A (n . R) / |R|^3``.
    """
    r2 = np.einsum("...i,...i->...", lab, lab)
    return np.asarray((lab @ normal) * distance_mm**2 / (r2 * np.sqrt(r2)))


def polarization(lab: FloatArray, fraction: float) -> FloatArray:
    """Polarization factor of a beam polarized mostly along the fast axis.

    Parameters
    ----------
    lab : ndarray, shape (..., 3)
        Pixel positions (or any vectors along the scattered rays).
    fraction : float
        Share of the intensity polarized along x: 0.5 unpolarized, 1 fully polarized.

    Notes
    -----
    ``P = fraction (1 - kx^2) + (1 - fraction) (1 - ky^2)`` with k the unit scattered ray, which is
    Kahn et al., J. Appl. Cryst. 15 (1982) 330, written with components.
    """
    r2 = np.einsum("...i,...i->...", lab, lab)
    x2, y2 = lab[..., 0] ** 2 / r2, lab[..., 1] ** 2 / r2
    return np.asarray(fraction * (1.0 - x2) + (1.0 - fraction) * (1.0 - y2))


def radial_background(
    geometry: Geometry, shape: tuple[int, int], profile: RadialProfile, polarized: float
) -> FloatArray:
    """Noise-free background of an unshadowed detector, in units of the profile's peak.

    Parameters
    ----------
    geometry : Geometry
        Detector; the wavelength must be known.
    shape : tuple of int
        ``(slow, fast)``.
    profile : RadialProfile
        Intensity against 1/d.
    polarized : float
        See `polarization`.

    Returns
    -------
    ndarray, shape (slow, fast)
    """
    if geometry.wavelength_A is None:
        raise ValueError("the background needs a wavelength")
    x = np.arange(shape[1], dtype=np.float64) + 0.5
    y = (np.arange(shape[0], dtype=np.float64) + 0.5)[:, None]
    lab = geometry.to_lab(x, y)
    r = np.sqrt(np.einsum("...i,...i->...", lab, lab))
    # 1/d = 2 sin(theta) / wavelength and 2 sin^2(theta) = 1 - cos(2 theta)
    s = np.sqrt(np.maximum(2.0 * (1.0 - lab[..., 2] / r), 0.0)) / geometry.wavelength_A
    table = np.linspace(0.0, 2.0 / geometry.wavelength_A, 4096)
    return np.asarray(
        np.interp(s, table, profile(table))
        * polarization(lab, polarized)
        * solid_angle(lab, geometry.axes()[2], geometry.distance_mm)
    )

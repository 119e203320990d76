"""Air: what its molecules scatter, and what they absorb on the way to the detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from xgeom_core.geometry import FloatArray
from xgeom_core.simulate.scattering.form_factors import form_factor

_BOND_A = 1.10
_SHELL = 7.0
_GAUSS = np.polynomial.legendre.leggauss(4)


def molecule(s: FloatArray) -> FloatArray:
    """Scattering of nitrogen molecules against ``s = 1/d`` (1/Å), 1 forwards.

    Notes
    -----
    ``2 f^2 (1 + sin(2 pi s L) / (2 pi s L))`` with L = 1.10 Å (Debye, Ann. Phys. 351 (1915) 809), and
    ``2 (Z - f^2 / Z)`` for Compton scattering, Z = 7 (a common approximation for light atoms). Oxygen
    and argon change little.
    """
    f = form_factor("N", s)
    coherent = 2.0 * f**2 * (1.0 + np.sinc(2.0 * np.asarray(s) * _BOND_A))
    compton = 2.0 * (_SHELL - f**2 / _SHELL)
    return np.asarray((coherent + compton) / (4.0 * _SHELL**2))


def attenuation_per_mm(wavelength_A: float) -> float:
    """Attenuation coefficient of dry air at 20 °C in 1/mm.

    Notes
    -----
    5.1 cm^2/g at 10 keV (1.24 Å), 1.2e-3 g/cm^3, and the cube of the wavelength between 0.5 and 2 Å,
    plus 0.16 cm^2/g of scattering (Hubbell and Seltzer, NISTIR 5632, give 5.12 at 10 keV, 1.61 at 15).
    """
    mass = 4.96 * (wavelength_A / 1.2398) ** 3 + 0.16
    return mass * 1.2e-3 / 10.0


@dataclass(frozen=True)
class Air:
    """Air around the sample, in the direct beam.

    Parameters
    ----------
    height : float
        Scattering forwards relative to the crest of the water ring.
    """

    height: float = 0.2

    def __call__(self, s: FloatArray) -> FloatArray:
        """Intensity at ``s`` in 1/Å."""
        return np.asarray(self.height * molecule(s))


@dataclass(frozen=True)
class AirColumn:
    """Air in the direct beam before or behind the sample: rings of another center than the sample's.

    Parameters
    ----------
    height : float
        Scattering forwards relative to the crest of the water ring, at the distance of the sample.
    from_mm, to_mm : float
        Where the beam runs through air, from the sample along the beam; negative before the sample.
    """

    height: float
    from_mm: float
    to_mm: float

    def __call__(self, lab: FloatArray, wavelength_A: float, polarized: float) -> FloatArray:
        """Scattering at detector positions, solid angle and polarization included.

        Parameters
        ----------
        lab : ndarray, shape (..., 3)
            Positions from the sample in mm, on a detector at right angles to the beam or nearly so.
        wavelength_A, polarized : float
            See `xgeom_core.simulate.beam.Beam`.

        Notes
        -----
        The sum over points of the column of ``molecule(s) P / r^3``, each with its own angle, times
        the cube of the sample's distance at the beam; four points resolve a column as long as a third
        of the distance to half a percent.
        """
        # Gauss-Legendre points: positions and weights of an integral over the column.
        nodes, weights = _GAUSS
        middle, half = 0.5 * (self.from_mm + self.to_mm), 0.5 * (self.to_mm - self.from_mm)
        total = np.zeros(lab.shape[:-1])
        x2, y2 = lab[..., 0] ** 2, lab[..., 1] ** 2
        table = np.linspace(0.0, 2.0 / wavelength_A, 512)
        course = molecule(table)
        for node, weight in zip(nodes, weights, strict=True):
            z = lab[..., 2] - (middle + half * node)
            r2 = x2 + y2 + z**2
            r = np.sqrt(r2)
            s = np.sqrt(np.maximum(2.0 * (1.0 - z / r), 0.0)) / wavelength_A
            polar = 1.0 - (polarized * x2 + (1.0 - polarized) * y2) / r2
            # z / r stands for the obliquity: the column's points differ from the sample by little.
            total += 0.5 * weight * np.interp(s, table, course) * polar * z / (r2 * r)
        return self.height * total
